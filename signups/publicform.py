"""A form as people see it: its texts in the reader's language, its controls, and the check of what
they send. Values are checked as on the page of a contact."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from contacts import addresses, values
from contacts.models import Attribute
from pages import publicwords
from pages.singleline import SingleLine
from signups.formfields import FormField
from signups.models import SignupForm

# Controls besides those of the fields. HONEYPOT is hidden: only programs fill it in.
EMAIL, CONSENT, STAMP, NUMBER, HONEYPOT = "email", "consent", "stamp", "number", "reply_subject"
LONGEST_TEXT = 1_000
PARSED = (Attribute.Type.NUMBER, Attribute.Type.DATE)
LENGTHS = {"first_name": 150, "last_name": 150, "full_name": 300}
AUTOCOMPLETE = {
    "email": "email",
    "first_name": "given-name",
    "last_name": "family-name",
    "full_name": "name",
}


@dataclass(frozen=True, slots=True)
class PublicTexts:
    """The words of a form: those of the workspace, or else ours in the reader's language."""

    reader: str
    title: str
    intro: str
    consent: str
    button: str
    thanks: str


def texts_of(form: SignupForm, reader: str, *, is_double: bool) -> PublicTexts:
    """`is_double`: services.forms.is_double."""
    brand = form.workspace.name
    thanks = "thanks" if is_double else "thanks_single"
    return PublicTexts(
        reader,
        form.title or words(reader, "title"),
        form.intro,
        form.consent or words(reader, "consent", brand=brand),
        form.button or words(reader, "button"),
        form.thanks or words(reader, thanks),
    )


def words(reader: str, key: str, **given: object) -> str:
    """Plain text, not yet HTML."""
    return publicwords.texts(reader)[f"signup.{key}"].format(**given)


class Choice(forms.ChoiceField):
    """Without the value in its error: that would be what a stranger typed."""


class PublicForm(forms.Form):
    """Of one form, in the language of `texts`. `fields`: as services.forms.fields_of."""

    use_required_attribute = True

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        fields: list[tuple[FormField, Attribute | None]],
        texts: PublicTexts,
    ) -> None:
        super().__init__(data, auto_id="signup_%s")
        self.asked, self.reader = fields, texts.reader
        self.fields[EMAIL] = self._line(words(self.reader, "email"), 320, EMAIL, kind="email")
        for one, attribute in fields:
            self.fields[one.control] = self._field(one, attribute)
        self.fields[CONSENT] = forms.BooleanField(
            label=texts.consent,
            error_messages={"required": words(self.reader, "consent_needed")},
        )

    def _errors_of(self, longest: int) -> dict[str, str]:
        return {
            "required": words(self.reader, "required"),
            "max_length": words(self.reader, "too_long", count=longest),
            "invalid": words(self.reader, "required"),
        }

    def _line(
        self, label: str, longest: int, name: str, *, kind: str = "text", **options: Any
    ) -> SingleLine:
        attributes = {"type": kind, "maxlength": longest}
        if name in AUTOCOMPLETE:
            attributes["autocomplete"] = AUTOCOMPLETE[name]
        return SingleLine(
            label=label,
            max_length=longest,
            widget=forms.TextInput(attrs=attributes),
            error_messages=self._errors_of(longest),
            **options,
        )

    def _field(self, one: FormField, attribute: Attribute | None) -> forms.Field:
        options: dict[str, Any] = {"required": one.required, "help_text": one.help}
        if attribute is None:
            label = one.label or words(self.reader, one.key)
            return self._line(label, LENGTHS[one.key], one.key, **options)
        options["label"] = one.label or attribute.label
        kinds = Attribute.Type
        if attribute.type == kinds.BOOLEAN:
            return forms.BooleanField(error_messages=self._errors_of(0), **options)
        if attribute.type == kinds.CHOICE:
            return Choice(
                choices=[
                    ("", words(self.reader, "choose")),
                    *((choice, choice) for choice in attribute.choices),
                ],
                error_messages={
                    "required": words(self.reader, "bad_choice"),
                    "invalid_choice": words(self.reader, "bad_choice"),
                },
                **options,
            )
        if attribute.type == kinds.DATE:
            return self._line(options.pop("label"), 30, one.control, kind="date", **options)
        number = attribute.type == kinds.NUMBER
        field = self._line(
            options.pop("label"), 30 if number else LONGEST_TEXT, one.control, **options
        )
        if number:
            field.widget.attrs["inputmode"] = "decimal"
        return field

    def clean_email(self) -> str:
        try:
            return addresses.normalise(self.cleaned_data[EMAIL])
        except addresses.AddressError as error:
            raise ValidationError(words(self.reader, "bad_address")) from error

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for one, attribute in self.asked:
            given = cleaned.get(one.control)
            if attribute and _is_given(given) and attribute.type in PARSED:
                try:
                    cleaned[one.control] = values.parse(attribute.type, str(given))
                except ValueError:
                    self.add_error(one.control, words(self.reader, f"bad_{attribute.type}"))
        return cleaned

    def known_values(self) -> dict[str, Any]:
        """{key of a field: value}, without empty ones; a box that isn't ticked has none."""
        found = {one.key: self.cleaned_data.get(one.control) for one, _ in self.asked}
        return {key: value for key, value in found.items() if _is_given(value)}

    def described(self) -> list[dict[str, Any]]:
        """The controls for the script that builds the form in a foreign page."""
        return [self.describe(name) for name in self.fields]

    def describe(self, name: str) -> dict[str, Any]:
        """`kind`: "check", "choice", or a type of <input>."""
        field = self.fields[name]
        found: dict[str, Any] = {
            "name": name,
            "label": str(field.label),
            "help": str(field.help_text),
            "required": field.required,
            "kind": "check",
        }
        if isinstance(field, forms.ChoiceField):
            found |= {"kind": "choice", "choices": list(field.widget.choices)}
        elif not isinstance(field, forms.BooleanField):
            attributes = field.widget.attrs
            found |= {"kind": field.widget.input_type, "longest": attributes["maxlength"]}
            found["autocomplete"] = attributes.get("autocomplete", "")
        return found


def _is_given(value: object) -> bool:
    return value is not None and value is not False and value != ""
