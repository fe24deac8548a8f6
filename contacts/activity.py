"""Imports and jobs in the activity tray."""

from collections.abc import Iterable
from datetime import timedelta
from typing import cast

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.access import WorkspaceRequest
from contacts import jobkinds
from contacts.models import Import, Job
from contacts.services import imports as service
from pages import activity

RUNNING = (Import.State.QUEUED, Import.State.RUNNING)


def _recent() -> Q:
    """It ended, or was undone, within a day."""
    since = timezone.now() - timedelta(days=1)
    return Q(finished_at__gt=since) | Q(undone_at__gt=since)


@activity.contributors.add
def imports(request: HttpRequest) -> Iterable[activity.Task]:
    workspace = cast("WorkspaceRequest", request).workspace
    recent = _recent()
    rows = Import.objects.filter(Q(state__in=RUNNING) | recent, workspace=workspace)
    for row in rows.defer("mapping").order_by("-pk")[:20]:
        yield activity.Task(
            f"import-{row.pk}",
            row.filename,
            reverse("import", args=[workspace.slug, row.pk]),
            status="undone" if row.undone_at else row.state,
            done=service.progress(row).percent,
            total=100,
            icon="file-import",
            ended_at=row.undone_at or row.finished_at,
        )


@activity.contributors.add
def jobs(request: HttpRequest) -> Iterable[activity.Task]:
    workspace = cast("WorkspaceRequest", request).workspace
    recent = _recent()
    # During an upgrade, a host with the newer version may have started a job of a kind unknown
    # here.
    known = Job.objects.filter(workspace=workspace, kind__in=jobkinds.kinds.keys())
    rows = known.filter(Q(finished_at=None) | recent)
    for row in rows.order_by("-pk")[:20]:
        kind = jobkinds.of(row)
        yield activity.Task(
            f"job-{row.pk}",
            kind.words.title(row),
            reverse("job", args=[workspace.slug, row.pk]),
            status="undone" if row.undone_at else row.state,
            done=row.done,
            total=row.total or 0,
            detail=kind.words.result(row) if row.finished_at else "",
            icon=kind.icon,
            ended_at=row.undone_at or row.finished_at,
        )
