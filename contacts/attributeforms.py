"""The forms of attributes, and of their values on the form of a contact."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from contacts import values
from contacts.models import Attribute, Contact
from pages.oneline import one_line
from pages.singleline import SingleLine


class AttributeForm(forms.Form):
    """A new attribute, or (`attribute` given) its name, choices and group: the type stays."""

    label = SingleLine(label=_("Name"), max_length=100)
    type = forms.ChoiceField(label=_("Type"), choices=Attribute.Type.choices)
    choices = forms.CharField(
        label=_("Choices"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("One per line."),
    )
    group = SingleLine(
        label=_("Group"),
        max_length=100,
        required=False,
        help_text=_("The heading above it on the pages of contacts."),
        widget=forms.TextInput(attrs={"list": "attribute-groups", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, attribute: Attribute | None = None, **kwargs: Any) -> None:
        if attribute:
            kwargs["initial"] = {
                "label": attribute.label,
                "type": attribute.type,
                "choices": "\n".join(attribute.choices),
                "group": attribute.group,
            }
        super().__init__(*args, **kwargs)
        if attribute:
            self.fields["type"].disabled = True

    def clean_choices(self) -> list[str]:
        lines = [one_line(line) for line in self.cleaned_data["choices"].splitlines()]
        return list(dict.fromkeys(line for line in lines if line))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        kinds = (Attribute.Type.CHOICE, Attribute.Type.CHOICES)
        if cleaned.get("type") in kinds and not cleaned.get("choices"):
            self.add_error("choices", _("Enter at least one choice."))
        return cleaned


class AttributeGroupForm(forms.Form):
    """The name of a group of attributes."""

    name = SingleLine(
        label=_("Name"),
        max_length=100,
        required=False,
        help_text=_("Without a name, its attributes are in no group."),
    )


# Values ------------------------------------------------------------------------------------------

YES_NO = (("", "–"), ("true", _("Yes")), ("false", _("No")))
# Of types whose values are typed as text: what to do if a text is none.
WRONG = {
    Attribute.Type.NUMBER: _("Enter a number, such as 12.5."),
    Attribute.Type.DAY: _("Enter month and day, such as 03-09."),
    Attribute.Type.OBJECTS: _(
        'Enter a list of objects in JSON, such as [{"name": "Tea", "price": 5}]: at most 100'
        " objects and 10,000 characters; in each at most 50 fields, each name once."
    ),
}


class _TypedText(forms.CharField):
    """A value that is typed as text; contacts.values reads it."""

    def __init__(self, type_: str, **options: Any) -> None:
        super().__init__(**options)
        self._type = type_

    def clean(self, value: Any) -> Any:
        text = values.clean(super().clean(value))
        if not text:
            return ""
        try:
            return values.parse(self._type, text)
        except ValueError as error:
            raise ValidationError(WRONG[Attribute.Type(self._type)]) from error


class _Text(forms.CharField):
    """A text value, without characters that nobody sees."""

    def to_python(self, value: Any) -> str:
        return values.without_controls(str(super().to_python(value) or ""))


class _YesOrNo(forms.ChoiceField):
    def clean(self, value: Any) -> bool | None:
        return {"true": True, "false": False}.get(super().clean(value))


class _Several(forms.MultipleChoiceField):
    def clean(self, value: Any) -> list[str]:
        return list(dict.fromkeys(super().clean(value)))


def value_field(attribute: Attribute, stored: object = None) -> forms.Field:
    """The field for a value; its cleaned data is as contacts.values has it, or a date. `stored`: a
    contact's value, which can be chosen even if it is no choice any more."""
    options: dict[str, Any] = {"label": attribute.label, "required": False}
    kinds = Attribute.Type
    match attribute.type:
        case kinds.DATE:
            widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
            field: forms.Field = forms.DateField(widget=widget, **options)
        case kinds.BOOLEAN:
            field = _YesOrNo(choices=YES_NO, **options)
        case kinds.CHOICE:
            field = forms.ChoiceField(
                choices=[("", "–"), *_choices(attribute, [stored])], **options
            )
        case kinds.CHOICES:
            several = stored if isinstance(stored, list) else []
            box = forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"})
            options |= {"choices": _choices(attribute, several), "widget": box}
            field = _Several(**options)
        case kinds.NUMBER | kinds.DAY | kinds.OBJECTS:
            field = _typed(attribute.type, options)
        case _:
            field = _Text(max_length=values.MAX_TEXT, **options)
    return field


def _choices(attribute: Attribute, stored: list[Any]) -> list[tuple[str, str]]:
    known = dict.fromkeys([*attribute.choices, *(one for one in stored if isinstance(one, str))])
    return [(choice, choice) for choice in known if choice]


def _typed(type_: str, options: dict[str, Any]) -> forms.Field:
    if type_ == Attribute.Type.NUMBER:
        widget: forms.Widget = forms.TextInput(attrs={"inputmode": "decimal"})
        return _TypedText(type_, max_length=30, widget=widget, **options)
    if type_ == Attribute.Type.DAY:
        widget = forms.TextInput(attrs={"placeholder": _("MM-DD"), "autocomplete": "off"})
        return _TypedText(type_, max_length=30, widget=widget, **options)
    widget = forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "code"})
    options["help_text"] = WRONG[Attribute.Type.OBJECTS]
    return _TypedText(type_, max_length=values.MAX_TEXT, widget=widget, **options)


def initial_value(attribute: Attribute, stored: object) -> Any:
    """What the field shows of a stored value."""
    if isinstance(stored, bool):
        return str(stored).lower()
    if attribute.type == Attribute.Type.OBJECTS and stored:
        return json.dumps(stored, ensure_ascii=False)
    return stored


class ValueForm(forms.Form):
    """One value of a contact, where it is shown. Its ids are unique on the page."""

    def __init__(
        self, data: QueryDict | None = None, *, attribute: Attribute, contact: Contact
    ) -> None:
        stored = contact.attributes.get(attribute.key)
        initial = {"value": initial_value(attribute, stored)}
        mark = f"value_{attribute.pk}_%s"
        super().__init__(data, initial=initial, auto_id=mark)
        self.fields["value"] = value_field(attribute, stored)
