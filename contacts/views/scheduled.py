"""Imports from an address: their list, the form, a page with the runs, and what a person can do."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from contacts import fetching, fetchreasons, fileaddresses
from contacts.models import Import
from contacts.scheduledforms import ScheduledImportForm
from contacts.scheduledmodels import ScheduledImport, ScheduledRun
from contacts.services import scheduledimports as service
from contacts.tasks import fetch_scheduled
from pages import overtaken, tables


def scheduled_imports(request: WorkspaceRequest) -> HttpResponse:
    rows = service.of_workspace(request.workspace).order_by("name")
    waiting = set(service.waiting(request.workspace).values_list("schedule_id", flat=True))
    shown = [(one, shown_address(one), one.pk in waiting) for one in rows]
    return render(request, "contacts/scheduled_imports.html", {"schedules": shown})


def shown_address(schedule: ScheduledImport) -> str:
    """Without the query, which may hold a secret."""
    try:
        return fileaddresses.parse(schedule.url).shown
    except fileaddresses.FileAddressError:
        return ""


def scheduled_import(request: WorkspaceRequest, pk: int) -> HttpResponse:
    schedule = get_in(request.workspace, ScheduledImport, pk=pk)
    page = tables.keyset(
        schedule.runs.select_related("of_import", "asked_by"),
        request,
        sorts={"started": "pk"},
        default="-started",
    )
    waiting = schedule.runs.filter(service.WAITING).select_related("of_import").first()
    context = {
        "schedule": schedule,
        "address": shown_address(schedule),
        "page": page,
        "fingerprint": fetching.fingerprint(schedule.shown_key),
        "confirmed_key": fetching.fingerprint(schedule.host_key),
        "runs": [_shown(run) for run in page],
        "waiting": waiting and _shown(waiting),
        "running": schedule.runs.filter(state__in=service.RUNNING).exists(),
    }
    return render(request, "contacts/scheduled_import.html", context)


def _shown(run: ScheduledRun) -> dict[str, Any]:
    return {
        "run": run,
        "status": status_of(run),
        "reasons": fetchreasons.sentences(
            run.reasons, past=run.state == ScheduledRun.State.STARTED
        ),
    }


def status_of(run: ScheduledRun) -> str:
    """A key of pages.statuses. What waited and was cancelled, or lay too long, was dismissed."""
    if run.state == ScheduledRun.State.WAITING and not service.is_waiting(run):
        return "dismissed"
    return run.state


def fetched(import_: Import) -> dict[str, Any] | None:
    """Where the import's file was fetched, and why it waits, for the import's own page."""
    run = service.run_of(import_)
    return _shown(run) if run else None


def new_scheduled_import(request: WorkspaceRequest) -> HttpResponseBase:
    form = ScheduledImportForm(request.POST or None, workspace=request.workspace)
    if request.method == "POST" and form.is_valid():
        made = service.create(
            request.workspace, by=request.user, enqueue=fetch_scheduled.delay, **form.cleaned_data
        )
        messages.success(
            request, _("The file is being fetched. Then confirm its columns and the consent.")
        )
        return redirect("scheduled_import", request.workspace.slug, made.pk)
    return render(request, "contacts/scheduled_form.html", {"form": form})


def edit_scheduled_import(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    schedule = get_in(request.workspace, ScheduledImport, pk=pk)
    form = ScheduledImportForm(request.POST or None, workspace=request.workspace, schedule=schedule)
    if request.method == "POST" and form.is_valid() and not overtaken.is_overtaken(form):
        service.change(schedule, moved=form.is_moved, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("scheduled_import", request.workspace.slug, schedule.pk)
    return render(request, "contacts/scheduled_form.html", {"form": form, "schedule": schedule})


@require_POST
def run_scheduled_import(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    schedule = get_in(request.workspace, ScheduledImport, pk=pk)
    if service.run_now(schedule, by=request.user, enqueue=fetch_scheduled.delay):
        messages.success(request, _("The file is being fetched."))
    else:
        messages.info(request, _("The file is being fetched already."))
    return redirect("scheduled_import", request.workspace.slug, schedule.pk)


@require_POST
def confirm_host_key(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """The person has compared the fingerprint of the SFTP server's key."""
    schedule = get_in(request.workspace, ScheduledImport, pk=pk)
    if service.confirm_host_key(
        schedule,
        request.POST.get("fingerprint", ""),
        by=request.user,
        enqueue=fetch_scheduled.delay,
    ):
        messages.success(request, _("The key is confirmed. The file is being fetched."))
    else:
        messages.error(request, _("The server shows another key by now. Compare it again."))
    return redirect("scheduled_import", request.workspace.slug, schedule.pk)


@require_POST
def pause_scheduled_import(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Pause it, or with `on` let it go on."""
    schedule = get_in(request.workspace, ScheduledImport, pk=pk)
    paused = "on" not in request.POST
    if service.pause(schedule, paused=paused):
        text = _("{name} is paused.") if paused else _("{name} is active again.")
        messages.success(request, text.format(name=schedule.name))
    return redirect("scheduled_import", request.workspace.slug, schedule.pk)


@require_POST
def delete_scheduled_import(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    schedule = get_in(request.workspace, ScheduledImport, pk=pk)
    service.delete(schedule)
    text = _("{name} is deleted. What it has imported stays.")
    messages.success(request, text.format(name=schedule.name))
    return redirect("scheduled_imports", request.workspace.slug)
