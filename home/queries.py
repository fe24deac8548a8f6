"""Queries of the home page about campaigns. They read tallies and few rows only."""

from accounts.models import Workspace
from campaigns.models import Campaign
from campaigns.queries.overview import Sums, campaigns, started_within, sums
from sending.models import Mailing

DAYS = 30


def last_days(workspace: Workspace, days: int = DAYS) -> tuple[Sums, Sums]:
    """(sums of campaigns that started within the last days, sums of as many days before)."""
    now = started_within(workspace, days=days)
    return sums(now), sums(started_within(workspace, days=days, ago=days))


def going_out(workspace: Workspace) -> list[Campaign]:
    """Campaigns that are being sent or are paused, the newest first."""
    return list(campaigns(workspace).filter(mailing__state__in=Mailing.LIVE).order_by("-pk")[:10])


def scheduled(workspace: Workspace) -> list[Campaign]:
    rows = Campaign.objects.filter(workspace=workspace, state=Campaign.State.SCHEDULED)
    return list(rows.order_by("scheduled_at")[:5])


def lately(workspace: Workspace) -> list[Campaign]:
    """The last campaigns that are finished or cancelled."""
    over = (Mailing.State.FINISHED, Mailing.State.CANCELLED)
    rows = Campaign.objects.filter(workspace=workspace, mailing__state__in=over)
    return list(rows.select_related("mailing__tally").order_by("-mailing__opened_at")[:5])
