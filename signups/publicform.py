"""A form as people see it: its texts in the reader's language, its controls, and the check of what
they send."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError

from contacts import addresses
from contacts.models import Attribute
from pages.singleline import SingleLine
from signups import publicfields
from signups.formfields import FormField
from signups.models import SignupForm
from signups.publicfields import MonthAndDay, errors, words

# Controls besides those of the fields. HONEYPOT is hidden: only programs fill it in.
EMAIL, CONSENT, STAMP, NUMBER, HONEYPOT = "email", "consent", "stamp", "number", "reply_subject"
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
        self.fields[EMAIL] = self._line(EMAIL, 320, words(self.reader, EMAIL))
        for one, attribute in fields:
            self.fields[one.control] = self._field(one, attribute)
        self.fields[CONSENT] = forms.BooleanField(
            label=texts.consent,
            error_messages={"required": words(self.reader, "consent_needed")},
        )

    def _line(self, name: str, longest: int, label: str, **options: Any) -> SingleLine:
        is_email = name == EMAIL
        attributes = {
            "type": "email" if is_email else "text",
            "maxlength": longest,
            "autocomplete": AUTOCOMPLETE[name],
            # An address is written from left to right, whatever the language.
            "dir": "ltr" if is_email else "auto",
        }
        return SingleLine(
            label=label,
            max_length=longest,
            widget=forms.TextInput(attrs=attributes),
            error_messages=errors(self.reader, longest),
            **options,
        )

    def _field(self, one: FormField, attribute: Attribute | None) -> forms.Field:
        options: dict[str, Any] = {"required": one.required, "help_text": one.help}
        if attribute is None:
            label = one.label or words(self.reader, one.key)
            return self._line(one.key, LENGTHS[one.key], label, **options)
        label = one.label or attribute.label
        return publicfields.of_attribute(attribute, self.reader, label=label, **options)

    def clean_email(self) -> str:
        try:
            return addresses.normalise(self.cleaned_data[EMAIL])
        except addresses.AddressError as error:
            key = "bad_letters" if error.reason == "local_not_ascii" else "bad_address"
            raise ValidationError(words(self.reader, key)) from error

    def known_values(self) -> dict[str, Any]:
        """{key of a field: value}, without empty ones. The type of a value is its attribute's."""
        found = {one.key: self.cleaned_data.get(one.control) for one, _ in self.asked}
        return {key: value for key, value in found.items() if value not in (None, "", [])}

    def described(self) -> list[dict[str, Any]]:
        """The controls for the script that builds the form in a foreign page."""
        return [self.describe(name) for name in self.fields]

    def describe(self, name: str) -> dict[str, Any]:
        """`kind`: "check", "choice", "choices", "day" or a type of <input>. `choices`: [(value,
        text)]. `parts`, of a day: (end of the control's name, label, choices) for month and day."""
        field = self.fields[name]
        found: dict[str, Any] = {
            "name": name,
            "label": str(field.label),
            "help": str(field.help_text),
            "required": field.required,
        }
        match field.widget:
            case forms.CheckboxInput():
                return found | {"kind": "check"}
            case MonthAndDay() as both:
                parts = [
                    (end, one.attrs["aria-label"], list(cast("forms.Select", one).choices))
                    for end, one in zip(both.widgets_names, both.widgets, strict=True)
                ]
                return found | {"kind": "day", "parts": parts}
            case forms.CheckboxSelectMultiple() as boxes:
                return found | {"kind": "choices", "choices": list(boxes.choices)}
            case forms.Select() as select:
                return found | {"kind": "choice", "choices": list(select.choices)}
        attributes = field.widget.attrs
        return found | {
            "kind": field.widget.input_type,
            "longest": attributes["maxlength"],
            "autocomplete": attributes.get("autocomplete", ""),
            "inputmode": attributes.get("inputmode", ""),
            "dir": attributes.get("dir", ""),
        }
