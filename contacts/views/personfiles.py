"""The file about a person: as JSON, or as PDF for the person."""

from collections.abc import Callable
from itertools import chain
from tempfile import NamedTemporaryFile

from django.http import (
    FileResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.urls import reverse
from django.utils.http import urlencode

from accounts.access import WorkspaceRequest
from contacts import addresses
from contacts.services import personfiles as service
from contacts.services.personfiles import PersonFile
from contacts.views.erasing import LONGEST


def person_json(request: WorkspaceRequest) -> HttpResponseBase:
    """`q`: the address, of a contact or not."""
    return _file(request, "json", _json)


def person_pdf(request: WorkspaceRequest) -> HttpResponseBase:
    return _file(request, "pdf", _pdf)


def _file(
    request: WorkspaceRequest, form: str, made: Callable[[PersonFile], HttpResponseBase]
) -> HttpResponseBase:
    typed = request.GET.get("q", "").strip()[:LONGEST]
    try:
        file = service.of(request.workspace, typed)
    except addresses.AddressError:
        # That page says what is wrong with the address.
        page = reverse("why_no_mail", args=[request.workspace.slug])
        return HttpResponseRedirect(f"{page}?{urlencode({'q': typed})}")
    response = made(file)
    service.note(file, form, request.user)
    # Personal data must stay in no cache, neither on the way nor in the browser.
    response["Cache-Control"] = "private, no-store"
    return response


def _json(file: PersonFile) -> StreamingHttpResponse:
    """An error in the first piece becomes a page."""
    content = service.as_json(file)
    first = next(content)
    response = StreamingHttpResponse(chain((first,), content), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{file.name}.json"'
    return response


def _pdf(file: PersonFile) -> FileResponse:
    out = NamedTemporaryFile(suffix=".pdf")  # noqa: SIM115 - the response closes it
    service.write_pdf(file, out)
    out.seek(0)
    return FileResponse(
        out, as_attachment=True, filename=f"{file.name}.pdf", content_type="application/pdf"
    )
