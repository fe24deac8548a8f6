"""Campaigns of a workspace with the results of their mailings, for lists and for Home."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import Workspace
from campaigns.models import Campaign
from campaigns.queries import progress
from sending.models import Mailing

# The campaign is over, and more recipients failed than got it. A retry ends that state.
MOSTLY_FAILED = Q(
    mailing__state=Mailing.State.FINISHED,
    mailing__tally__failed__gt=F("mailing__tally__accepted") + F("mailing__tally__unknown"),
)


@dataclass(frozen=True, slots=True)
class Sums:
    """Results of several campaigns, in messages."""

    accepted: int = 0
    failed: int = 0
    bounced: int = 0
    opened: int = 0
    clicked: int = 0
    unsubscribed: int = 0
    with_pixel: int = 0

    @property
    def sent(self) -> int:
        return self.accepted + self.failed


COUNTED = ("accepted", "failed", "bounced", "opened", "clicked", "unsubscribed", "with_pixel")


def started_within(workspace: Workspace, *, days: int, ago: int = 0) -> QuerySet[Campaign]:
    """Campaigns that started within `days` days; the period ends `ago` days before now."""
    end = timezone.now() - dt.timedelta(days=ago)
    begun = Q(mailing__opened_at__gte=end - dt.timedelta(days=days))
    if ago:
        begun &= Q(mailing__opened_at__lt=end)
    return Campaign.objects.filter(begun, workspace=workspace)


def sums(rows: QuerySet[Campaign]) -> Sums:
    """Results of these campaigns until now, from their tallies. Home shows those of the last days
    and links to the page of campaigns, which shows the same numbers."""
    total = rows.order_by().aggregate(
        **{name: Coalesce(Sum(f"mailing__tally__{name}"), 0) for name in COUNTED}
    )
    return Sums(**total)


def campaigns(workspace: Workspace) -> QuerySet[Campaign]:
    """Campaigns with everything that `progress.of` reads of their mailings."""
    related = (f"mailing__{name}" for name in progress.RELATED)
    prefetch = (f"mailing__{name}" for name in progress.PREFETCH)
    return (
        Campaign.objects.filter(workspace=workspace)
        .select_related("mailing", *related)
        .prefetch_related(*prefetch)
    )
