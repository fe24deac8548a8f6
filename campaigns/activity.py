"""Campaigns in the activity tray: those under way, and those that ended since yesterday."""

from collections.abc import Iterable
from datetime import timedelta
from typing import cast

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.access import WorkspaceRequest
from campaigns import transitions
from campaigns.models import Campaign
from campaigns.queries import progress
from pages import activity, reasons
from sending.models import Mailing


@activity.contributors.add
def campaigns(request: HttpRequest) -> Iterable[activity.Task]:
    workspace = cast("WorkspaceRequest", request).workspace
    recent = Q(mailing__finished_at__gt=timezone.now() - timedelta(days=1))
    rows = Campaign.objects.filter(Q(mailing__state__in=Mailing.LIVE) | recent, workspace=workspace)
    for row in rows.select_related("mailing__tally").order_by("-pk")[:20]:
        if row.mailing is None:
            continue
        why = row.mailing.wait_reason
        yield activity.Task(
            f"campaign-{row.pk}",
            row.name,
            reverse("campaign", args=[workspace.slug, row.pk]),
            status=transitions.state_of(row),
            done=progress.done(row.mailing.tally),
            total=row.mailing.tally.targeted,
            detail=reasons.text(why) if why else "",
            icon="send",
            ended_at=row.mailing.finished_at,
        )
