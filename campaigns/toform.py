"""The form of the composer's section about whom a campaign goes to."""

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns import wording
from campaigns.models import Campaign
from campaigns.sectionform import TICK, SectionForm
from contacts.models import List
from contacts.segmentmodels import Segment

# Segments on one side: each one's rule is part of the query that counts the people.
MOST_SEGMENTS = 20
# Campaigns whose recipients can be left out: the latest, beside those that are chosen.
MOST_CAMPAIGNS = 30
# A month of silence is as good as "was never mailed"; a segment says that better.
MOST_HOURS = 31 * 24
CHOICES = ("lists_in", "segments_in", "lists_out", "segments_out", "campaigns_out")


def _several(rows: "QuerySet[Any]", label: Any) -> "forms.ModelMultipleChoiceField[Any]":
    """Rows to tick; the form gives the queryset."""
    return forms.ModelMultipleChoiceField(
        rows,
        label=label,
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs=TICK),
    )


class ToForm(SectionForm):
    lists_in = _several(List.objects.none(), gettext_lazy("Send to these lists"))
    segments_in = _several(Segment.objects.none(), gettext_lazy("And to these segments"))
    lists_out = _several(List.objects.none(), gettext_lazy("But not to contacts on these lists"))
    segments_out = _several(Segment.objects.none(), gettext_lazy("Nor in these segments"))
    campaigns_out = _several(
        Campaign.objects.none(), gettext_lazy("Nor who got one of these campaigns")
    )
    quiet_hours = forms.IntegerField(
        label=gettext_lazy("Nor who got an advertising mail in the last … hours"),
        required=False,
        min_value=1,
        max_value=MOST_HOURS,
        help_text=gettext_lazy("Empty: it doesn't matter when they last got one."),
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, campaign=campaign, **kwargs)
        rows: dict[str, QuerySet[Any]] = {
            "lists_in": _open_lists(campaign, campaign.lists_in.all()),
            "lists_out": _open_lists(campaign, campaign.lists_out.all()),
            "segments_in": campaign.workspace.segments.order_by("name"),
            "segments_out": campaign.workspace.segments.order_by("name"),
            "campaigns_out": _started(campaign),
        }
        for name, found in rows.items():
            cast("forms.ModelMultipleChoiceField[Any]", self.fields[name]).queryset = found

    def initial_of(self, campaign: Campaign) -> dict[str, Any]:
        chosen: dict[str, Any] = {
            name: [one.pk for one in getattr(campaign, name).all()] for name in CHOICES
        }
        return chosen | {"quiet_hours": campaign.quiet_hours}

    @property
    def leaves_out(self) -> bool:
        """Whether anything is chosen, or wrong, that leaves people out."""
        names = ("lists_out", "segments_out", "campaigns_out", "quiet_hours")
        return any(self[name].value() or name in self.errors for name in names)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for kind, text in (
            ("lists", _("{lists} can't be on both sides: nobody on it would get the mail.")),
            ("segments", _("{lists} can't be on both sides: nobody in it would get the mail.")),
        ):
            ins, outs = (cleaned.get(f"{kind}_{side}") or () for side in ("in", "out"))
            if both := set(ins) & set(outs):
                self.add_error(f"{kind}_out", text.format(lists=_named(both)))
        for name in ("segments_in", "segments_out"):
            if len(cleaned.get(name) or ()) > MOST_SEGMENTS:
                text = _(
                    "Choose at most 20 segments. A segment that combines several of them counts as"
                    " one."
                )
                self.add_error(name, text)
        return cleaned


def _named(some: Iterable[List | Segment]) -> str:
    return wording.listed(sorted(one.name for one in some))


def _open_lists(campaign: Campaign, chosen: QuerySet[List]) -> QuerySet[List]:
    """Lists that can be chosen, and chosen ones that were archived since."""
    open_ones = Q(archived_at=None) | Q(pk__in=chosen.values("pk"))
    return List.objects.filter(open_ones, workspace=campaign.workspace).order_by("name")


def _started(campaign: Campaign) -> QuerySet[Campaign]:
    others = Campaign.objects.filter(workspace=campaign.workspace).exclude(mailing=None)
    latest = others.order_by("-mailing").values("pk")[:MOST_CAMPAIGNS]
    chosen = campaign.campaigns_out.values("pk")
    return others.filter(
        Q(pk__in=list(latest.values_list("pk", flat=True))) | Q(pk__in=chosen)
    ).order_by("-mailing")
