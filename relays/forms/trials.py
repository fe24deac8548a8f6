"""The form of a relay test."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts import addresses
from pages.singleline import SingleLine


class RelayTestForm(forms.Form):
    """Sender and recipient of a relay test."""

    __test__ = False  # no test of pytest's

    from_email = SingleLine(
        label=gettext_lazy("Sender address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    recipient = SingleLine(
        label=gettext_lazy("To"),
        max_length=320,
        required=False,
        help_text=gettext_lazy("Empty: the test ends before a recipient is named."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    mail = forms.BooleanField(label=gettext_lazy("Send a real mail to it"), required=False)

    def clean_from_email(self) -> str:
        return _address(self.cleaned_data["from_email"])

    def clean_recipient(self) -> str:
        return _address(self.cleaned_data["recipient"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("mail") and not cleaned.get("recipient") and "recipient" in cleaned:
            self.add_error("recipient", _("Enter the address that the mail goes to."))
        return cleaned


def _address(typed: str) -> str:
    try:
        return addresses.normalise(typed) if typed else ""
    except addresses.AddressError as error:
        raise ValidationError(str(error)) from error
