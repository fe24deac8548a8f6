"""Jobs: work on many rows outside requests. Each has a page."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from contacts import jobkinds
from contacts.models import Job
from contacts.services import jobs


def in_background(request: WorkspaceRequest, job: Job) -> HttpResponseBase:
    """The answer to a request that has started a job: its page."""
    return redirect("job", request.workspace.slug, job.pk)


def job_page(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Progress, result, and buttons to stop or undo it. While it runs, htmx loads the progress; the
    page is reloaded when it has ended."""
    job = get_in(request.workspace, Job, pk=pk)
    kind = jobkinds.of(job)
    ended = job.finished_at is not None
    may = request.may(kind.permission)
    context = {
        "job": job,
        "title": kind.words.title(job),
        "result": kind.words.result(job),
        "ended": ended,
        "about": kind.about(job) if kind.about and ended else None,
        "percent": min(100, job.done * 100 // job.total) if job.total else 0,
        "can_cancel": may and kind.may_cancel and not ended,
        "can_undo": may and jobs.may_undo(job),
        "can_go_on": may and jobs.may_go_on(job),
    }
    if not request.htmx:
        return render(request, "contacts/job.html", context)
    response = render(request, "contacts/parts/job_progress.html", context)
    if ended:
        response["HX-Refresh"] = "true"
    return response


def _theirs(request: WorkspaceRequest, pk: int) -> Job:
    """The job, if the person has the permission of its kind."""
    job = get_in(request.workspace, Job, pk=pk)
    if not request.may(jobkinds.of(job).permission):
        raise PermissionDenied
    return job


@require_POST
def cancel_job(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    job = _theirs(request, pk)
    if jobs.cancel(job):
        messages.success(request, _("Stopped. What was done by then stays."))
    else:
        messages.info(request, _("It has ended already."))
    return in_background(request, job)


@require_POST
def undo_job(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    job = _theirs(request, pk)
    if back := jobs.undo(job, by=request.user):
        return in_background(request, back)
    messages.info(request, _("It can't be undone any more."))
    return in_background(request, job)


@require_POST
def go_on_with_job(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    job = _theirs(request, pk)
    if not jobs.go_on(job):
        messages.info(request, _("It goes on already."))
    return in_background(request, job)
