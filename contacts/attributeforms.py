"""The forms of attributes, and of their values on the form of a contact."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from contacts.models import Attribute
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
        lines = [line.strip() for line in self.cleaned_data["choices"].splitlines()]
        return list(dict.fromkeys(line for line in lines if line))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("type") == Attribute.Type.CHOICE and not cleaned.get("choices"):
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
