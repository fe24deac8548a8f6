"""Imports from an address: their list, the form, a page with the runs, and what a person can do."""

from collections.abc import Container
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from contacts import fetching, fetchreasons
from contacts.models import Import
from contacts.scheduledforms import ScheduledImportForm
from contacts.scheduledmodels import ScheduledImport, ScheduledRun
from contacts.services import fetchturns, imports, scheduledaddresses, scheduledruns
from contacts.services import scheduledimports as service
from contacts.tasks import fetch_scheduled
from pages import overtaken, tables

# Runs on one page.
RUNS = 20


def scheduled_imports(request: WorkspaceRequest) -> HttpResponse:
    rows = service.of_workspace(request.workspace).order_by("name")
    waiting = set(service.waiting(request.workspace).values_list("schedule_id", flat=True))
    failing = set(service.failing(request.workspace).values_list("schedule_id", flat=True))
    shown = [(one, scheduledaddresses.shown(one), _status(one, waiting, failing)) for one in rows]
    return render(request, "contacts/scheduled_imports.html", {"schedules": shown})


def _status(schedule: ScheduledImport, waiting: Container[int], failing: Container[int]) -> str:
    """A key of pages.statuses: what needs a person comes first."""
    if schedule.pk in waiting:
        return "asking"
    return "failed" if schedule.pk in failing else schedule.state


def scheduled_import(request: WorkspaceRequest, pk: int) -> HttpResponse:
    schedule = get_in(request.workspace, ScheduledImport, pk=pk)
    page = tables.keyset(
        schedule.runs.select_related("of_import", "asked_by"),
        request,
        sorts={"started": "pk"},
        default="-started",
        size=RUNS,
    )
    waiting = schedule.runs.filter(service.WAITING).select_related("of_import").first()
    failing = service.failing(request.workspace).filter(schedule=schedule).first()
    others = fetchturns.held().exists()
    context = {
        "schedule": schedule,
        "address": scheduledaddresses.shown(schedule),
        "page": page,
        "fingerprint": fetching.fingerprint(schedule.shown_key),
        "confirmed_key": fetching.fingerprint(schedule.host_key),
        "runs": [_shown(run, others=others) for run in page],
        "waiting": waiting and _shown(waiting),
        "failing": failing and _shown(failing),
        "running": schedule.runs.filter(state__in=service.RUNNING).exists(),
    }
    return render(request, "contacts/scheduled_import.html", context | _progress(schedule))


def scheduled_progress(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The moving part of the page. When the run has ended, the page is loaded anew; whoever asked
    for a file that waits for a person comes to it."""
    schedule = get_in(request.workspace, ScheduledImport, pk=pk)
    context = {"schedule": schedule} | _progress(schedule)
    response = render(request, "contacts/parts/scheduled_progress.html", context)
    if context["under_way"] is None:
        waiting = schedule.runs.filter(service.WAITING, asked_by=request.user).first()
        if waiting:
            slug = request.workspace.slug
            response["HX-Redirect"] = reverse("import", args=[slug, waiting.of_import_id])
        else:
            response["HX-Refresh"] = "true"
    return response


def _progress(schedule: ScheduledImport) -> dict[str, Any]:
    run = service.under_way(schedule)
    if run is None:
        return {"under_way": None}
    importing = run.of_import if service.is_importing(run) else None
    return {
        "under_way": run,
        "status": status_of(run, others=fetchturns.held().exists()),
        "progress": imports.progress(importing) if importing else None,
    }


def _shown(run: ScheduledRun, *, others: bool = False) -> dict[str, Any]:
    return {
        "run": run,
        "status": status_of(run, others=others),
        "reasons": fetchreasons.sentences(
            run.reasons, past=run.state == ScheduledRun.State.STARTED
        ),
    }


def status_of(run: ScheduledRun, *, others: bool = False) -> str:
    """A key of pages.statuses. What waited and was cancelled, or lay too long, was dismissed.
    `others`: whether files are fetched now."""
    states = ScheduledRun.State
    if run.state == states.WAITING and not service.is_waiting(run):
        return "dismissed"
    if run.state == states.FETCHING and others and not scheduledruns.is_held(run):
        return "in_line"
    if run.state == states.FAILED and [code for code, _words in run.reasons] == ["cancelled"]:
        return "cancelled"
    if run.state == states.STARTED and run.of_import:
        return _of_import(run.of_import)
    return run.state


def _of_import(import_: Import) -> str:
    """What became of a file whose import was started."""
    if import_.undone_at:
        return "undone"
    if import_.state in {Import.State.QUEUED, Import.State.RUNNING}:
        return "importing"
    ended_badly = {Import.State.FAILED, Import.State.CANCELLED}
    return import_.state if import_.state in ended_badly else ScheduledRun.State.STARTED


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
def cancel_scheduled_run(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    schedule = get_in(request.workspace, ScheduledImport, pk=pk)
    if service.cancel_run(schedule, by=request.user):
        messages.success(request, _("The fetch is cancelled. Nothing of the file was imported."))
    else:
        messages.info(request, _("The file is fetched already."))
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
