"""The base of the forms of the composer's sections."""

from typing import Any

from django import forms

from campaigns.models import Campaign

TICK = {"class": "form-check-input"}


class SectionForm(forms.Form):
    """One section. Its valid fields are saved even while others are wrong."""

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        self.campaign = campaign
        kwargs.setdefault("initial", self.initial_of(campaign))
        super().__init__(*args, **kwargs)

    def initial_of(self, campaign: Campaign) -> dict[str, Any]:
        return {name: getattr(campaign, name) for name in self.base_fields}

    def changes(self) -> dict[str, Any]:
        """The valid fields, for drafts.save."""
        return dict(self.cleaned_data)
