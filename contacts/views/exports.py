"""Exports of contacts: the result of the table as CSV or as a workbook."""

from tempfile import NamedTemporaryFile

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import FileResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.access import WorkspaceRequest, get_in
from contacts import exportjobs, workbookwriter
from contacts.models import Job
from contacts.queries import people as people_query
from contacts.services import contactsheet, exportfiles, jobs
from contacts.views import savedviews
from contacts.views.jobs import in_background
from contacts.views.people import csv_response
from pages import numbers, wellformed


def export_contacts(request: WorkspaceRequest) -> HttpResponseBase:
    """All contacts of a result, with consent. If one list is chosen, the status is that of the
    list. By GET all columns as CSV, streamed; by POST in a `format`, with all columns or those of
    the table (`columns`), for the parameters of the table in `query`."""
    if request.method != "POST":
        return _csv(request, request.GET, None)
    query = wellformed.parameters(request.POST.get("query", ""))
    columns = None
    if request.POST.get("columns") == "table":
        view = savedviews.seen(request, query.get("view"))
        columns = savedviews.shown_columns(request, view).keys
    match request.POST.get("format", "csv"):
        case "csv":
            return _csv(request, query, columns)
        case "xlsx":
            return _workbook(request, query, columns)
        case _:
            raise BadRequest


def _csv(
    request: WorkspaceRequest, query: QueryDict, columns: list[str] | None
) -> StreamingHttpResponse:
    people = people_query.filtered(request.workspace, query)
    listed = numbers.whole(query.get("list", ""))
    content = contactsheet.stream(request.workspace, people, list_id=listed, columns=columns)
    return csv_response(f"contacts-{request.workspace.slug}.csv", content)


def _workbook(
    request: WorkspaceRequest, query: QueryDict, columns: list[str] | None
) -> HttpResponseBase:
    """Written at once for a few people; for many, a job writes it."""
    people = people_query.filtered(request.workspace, query)
    if jobs.is_large(people):
        text = query.urlencode()
        job = exportjobs.start(request.workspace, text, columns=columns, by=request.user)
        return in_background(request, job)
    listed = numbers.whole(query.get("list", ""))
    out = NamedTemporaryFile(suffix=".xlsx")  # noqa: SIM115 - the response closes it
    sheet = contactsheet.sheet(request.workspace, people, list_id=listed, columns=columns)
    exportfiles.written(out, sheet)
    out.seek(0)
    name = exportfiles.name_of(request.workspace)
    return _private(FileResponse(out, as_attachment=True, filename=name))


def _private(response: StreamingHttpResponse) -> StreamingHttpResponse:
    """Personal data must stay in no cache, neither on the way nor in the browser."""
    response["Content-Type"] = workbookwriter.CONTENT_TYPE
    response["Cache-Control"] = "private, no-store"
    return response


def export_file(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """The file that the job wrote."""
    job = get_in(request.workspace, Job, pk=pk)
    file = exportfiles.of(job)
    if file is None:
        messages.info(
            request,
            _("The file was deleted: it is kept for a day. Export again to get a new one."),
        )
        return redirect("job", request.workspace.slug, job.pk)
    response = StreamingHttpResponse(exportfiles.pieces(file))
    response["Content-Disposition"] = f'attachment; filename="{file.name}"'
    response["Content-Length"] = str(file.size)
    return _private(response)
