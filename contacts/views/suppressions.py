"""Suppressions: the list, its export, lifting them."""

import datetime as dt

from django.contrib import messages
from django.core import signing
from django.core.exceptions import BadRequest
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest
from contacts import sources
from contacts.models import Suppression
from contacts.queries.suppressed import filtered
from contacts.services import contactsheet, jobs
from contacts.services import suppressions as service
from contacts.views.jobs import in_background
from contacts.views.people import csv_response
from pages import locales, numbers, tables, toasts

UNDO_SALT = "contacts.undo_lift"
FILTERS = ("q", "kind", "reason", "import", "lifted", "id")


def suppressions(request: WorkspaceRequest) -> HttpResponse:
    page = tables.keyset(
        filtered(request.workspace, request.GET).select_related("created_by", "lifted_by"),
        request,
        sorts={"added": "pk"},
        default="-added",
    )
    context = {
        "page": page,
        "source_names": sources.names(request.workspace, [one.source for one in page.rows]),
        "reasons": Suppression.Reason.choices,
        "kinds": Suppression.Kind.choices,
        "now": timezone.now(),
        "lifted": request.GET.get("lifted") == "1" or any(one.lifted_at for one in page.rows),
        "may_install": request.user.can_create_workspaces,
        "imported": sources.import_named(request.workspace, request.GET.get("import", "")),
        "filtered": any(request.GET.get(name) for name in FILTERS),
    }
    return render(request, "contacts/suppressions.html", context)


def export_suppressions(request: WorkspaceRequest) -> StreamingHttpResponse:
    """This result as CSV, streamed: an import elsewhere suppresses the addresses there."""
    rows = filtered(request.workspace, request.GET)
    return csv_response(
        f"suppressions-{request.workspace.slug}.csv", contactsheet.suppressions(rows)
    )


@require_POST
def lift_suppressions(request: WorkspaceRequest) -> HttpResponseBase:
    """Lifts the ticked ones, or the whole result."""
    rows = tables.selected(request, lambda parameters: filtered(request.workspace, parameters))
    if jobs.is_large(rows):
        given = {"query": request.POST.get("query", "")}
        last = jobs.highest(Suppression.objects.filter(workspace=request.workspace))
        return in_background(
            request, jobs.start(request.workspace, "lift", given, by=request.user, last=last)
        )
    moment = timezone.now()
    count = service.lift_many(rows, request.user, moment)
    text = ngettext("{count} suppression lifted.", "{count} suppressions lifted.", count)
    token = signing.dumps([request.workspace.pk, moment.isoformat()], salt=UNDO_SALT)
    url = f"{reverse('undo_lift', args=[request.workspace.slug])}?token={token}"
    if count:
        toasts.undo(request, text.format(count=locales.number(count)), url)
    if (person := numbers.whole(request.POST.get("contact", ""))) is not None:
        return redirect("contact", request.workspace.slug, person)
    return redirect("suppressions", request.workspace.slug)


@require_POST
def undo_lift(request: WorkspaceRequest) -> HttpResponseBase:
    """Restore the suppressions in the signed token."""
    try:
        workspace_id, moment = signing.loads(
            request.GET.get("token", ""), salt=UNDO_SALT, max_age=3600
        )
    except signing.BadSignature as error:
        raise BadRequest from error
    if workspace_id != request.workspace.pk:
        raise BadRequest
    count = service.undo_lift(request.workspace, dt.datetime.fromisoformat(moment))
    text = ngettext(
        "{count} suppression in force again.", "{count} suppressions in force again.", count
    )
    messages.success(request, text.format(count=locales.number(count)))
    return redirect("suppressions", request.workspace.slug)
