"""The first step of an import: a file from a form, in pieces from a script, or pasted lines."""

import json
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from contacts import csvdetect
from contacts.models import Import, List
from contacts.services import importfile, importuploads, savedmappings, unfinished
from contacts.tasks import read_import
from contacts.views.uploadhandler import ImportUploadHandler, Received
from pages import locales, numbers

PIECE = 8 * importfile.CHUNK


@csrf_exempt  # the token is checked by _new_import, once the file's handler is in place
def new_import(request: WorkspaceRequest) -> HttpResponseBase:
    handler = ImportUploadHandler(request.workspace, request.user, _into(request))
    request.upload_handlers = [handler]
    try:
        request.POST  # noqa: B018 - read now, to refuse a body that is too large here
        return _new_import(request, handler)
    except RequestDataTooBig:
        return _too_much(request)
    finally:
        handler.drop_unused()


def _too_much(request: WorkspaceRequest) -> HttpResponse:
    """More lines were pasted than a form may have; with JavaScript they are sent in pieces."""
    context = {
        "max_mb": settings.IMPORT_MAX_BYTES // importfile.CHUNK,
        "target": _into(request),
        "step": 1,
        **_waiting(request),
        "problem": _("These are too many lines to paste. Save them as a file and choose it here."),
    }
    return render(request, "contacts/import_new.html", context, status=413)


@csrf_protect
def _new_import(request: HttpRequest, handler: ImportUploadHandler) -> HttpResponseBase:
    here: Any = request
    context: dict[str, Any] = {
        "max_mb": settings.IMPORT_MAX_BYTES // importfile.CHUNK,
        "pasted": request.POST.get("pasted", ""),
        "target": _into(here),
        "step": 1,
    }
    if request.method == "POST":
        try:
            if import_ := _received(here):
                savedmappings.suggest(import_)
                return redirect("import", here.workspace.slug, import_.pk)
            context["problem"] = handler.problem or _("Choose a file, or paste its lines.")
        except (csvdetect.NotCsvError, importfile.UploadError) as error:
            context["problem"] = str(error)
    return render(request, "contacts/import_new.html", context | _waiting(here))


def _waiting(request: WorkspaceRequest) -> dict[str, Any]:
    """The waiting files that use up the quota."""
    return {
        "waiting": unfinished.waiting(request.workspace, request.user)[: 2 * unfinished.MOST_FILES],
        "most_of_person": unfinished.MOST_OF_PERSON,
        "most_of_workspace": unfinished.MOST_FILES,
    }


def _into(request: WorkspaceRequest) -> List | None:
    """The list whose page the import was begun on."""
    number = numbers.whole(request.GET.get("list", ""))
    return get_in(request.workspace, List, pk=number) if number is not None else None


def _received(request: WorkspaceRequest) -> Import | None:
    """The import made from the form's file or the pasted text; None: neither was given."""
    given = request.FILES.get("file")
    if isinstance(given, Received):
        importuploads.finish_upload(given.import_, enqueue=read_import.delay)
        return given.import_
    if pasted := request.POST.get("pasted", "").strip():
        return importuploads.receive(
            request.workspace,
            filename=_("Pasted"),
            pieces=[pasted.encode()],
            by=request.user,
            limit=settings.IMPORT_MAX_BYTES,
            target=_into(request),
        )
    return None


def _refusal(text: str, status: int = 400, **more: Any) -> JsonResponse:
    return JsonResponse({"error": text, **more}, status=status)


@require_POST
def begin_import(request: WorkspaceRequest) -> JsonResponse:
    """A script begins an upload: {"name", "size"}; the answer has the addresses for the pieces,
    for the columns while they arrive, and for the end."""
    try:
        given = json.loads(request.read(10_000))
        name, size = str(given["name"]), int(given["size"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return _refusal(_("The upload could not begin."))
    if size > settings.IMPORT_MAX_BYTES:
        most = settings.IMPORT_MAX_BYTES // importfile.CHUNK
        return _refusal(_("The file is larger than {mb} MB.").format(mb=locales.number(most)), 413)
    target = _into(request)
    try:
        import_ = importuploads.begin(
            request.workspace, filename=name, by=request.user, target=target, size=size
        )
    except importfile.UploadError as error:
        return _refusal(str(error), 409)
    urls = {"slug": request.workspace.slug, "pk": import_.pk}
    return JsonResponse(
        {
            "upload": reverse("import_piece", kwargs=urls),
            "finish": reverse("import_uploaded", kwargs=urls),
            "columns": reverse("import", kwargs=urls) + "?growing=1",
        }
    )


@require_POST
def import_piece(request: WorkspaceRequest, pk: int) -> JsonResponse:
    """Receives bytes from `offset` on; the answer is the next offset. Sending a piece twice is
    harmless."""
    import_ = get_in(request.workspace, Import, pk=pk)
    offset = numbers.whole(request.GET.get("offset", ""))
    if offset is None:
        return _refusal(_("The upload could not go on."))
    try:
        after = importuploads.append(
            import_, offset, _body(request), limit=settings.IMPORT_MAX_BYTES
        )
    except importfile.UploadError as error:
        return _refusal(str(error), 409, next=error.next)
    return JsonResponse({"next": after})


def _body(request: HttpRequest) -> Iterator[bytes]:
    """The piece; raises if the connection broke in the middle, so that none of it counts."""
    promised = min(PIECE, numbers.whole(request.headers.get("Content-Length", "")) or 0)
    read = 0
    while read < promised and (data := request.read(min(importfile.CHUNK, promised - read))):
        read += len(data)
        yield data
    if read < promised:
        raise BadRequest


@require_POST
def import_uploaded(request: WorkspaceRequest, pk: int) -> JsonResponse:
    """The file is complete; the answer is the page of the next step. Saying it twice is harmless:
    the answer is the same."""
    import_ = get_in(request.workspace, Import, pk=pk)
    try:
        if importuploads.finish_upload(import_, enqueue=read_import.delay):
            savedmappings.suggest(import_)
    except csvdetect.NotCsvError as error:
        return _refusal(str(error))
    except Import.DoesNotExist as error:  # the same request, sent before, found no table in it
        raise Http404 from error
    return JsonResponse({"next": reverse("import", args=[request.workspace.slug, import_.pk])})
