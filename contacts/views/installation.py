"""Suppressions of the whole installation: for those who run it (they may create workspaces)."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from contacts.queries.suppressed import filtered
from contacts.services import contactsheet
from contacts.services import suppressions as service
from contacts.suppressionforms import SuppressionsForm
from contacts.suppressionmodels import Suppression
from contacts.views.people import csv_response
from contacts.views.suppressing import add_from, say_added, source_of
from pages import locales, tables


def for_operators(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Only people who may create workspaces: the one who set the installation up, and others whom
    the operators chose."""

    @login_required
    @wraps(view)
    def inside(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        if not getattr(request.user, "can_create_workspaces", False):
            raise PermissionDenied
        return view(request, **kwargs)

    return inside


@for_operators
@require_safe
def installation_suppressions(request: HttpRequest) -> HttpResponse:
    return _page(request, SuppressionsForm())


def _page(request: HttpRequest, form: SuppressionsForm, **more: Any) -> HttpResponse:
    page = tables.keyset(
        filtered(None, request.GET).select_related("created_by", "lifted_by"),
        request,
        sorts={"added": "pk"},
        default="-added",
    )
    return render(request, "contacts/installation.html", {"page": page, "form": form, **more})


@for_operators
@require_POST
def add_installation_suppressions(request: HttpRequest) -> HttpResponseBase:
    form = SuppressionsForm(request.POST)
    if not form.is_valid():
        return _page(request, form)
    confirmed = request.POST.get("confirmed", "")
    by = cast("User", request.user)
    added = add_from(form, None, confirmed=confirmed, by=by)
    if added is None or added.count is None:
        return _page(request, form, added=added)
    say_added(request, added.count, added.source, reverse("undo_installation_suppressions"))
    return redirect("installation_suppressions")


@for_operators
@require_POST
def lift_installation_suppression(request: HttpRequest, pk: int) -> HttpResponseBase:
    one = get_object_or_404(Suppression, workspace=None, pk=pk)
    service.lift(one, cast("User", request.user))
    messages.success(request, _("Lifted: workspaces may send mail there again."))
    return redirect("installation_suppressions")


@for_operators
@require_POST
def undo_installation_suppressions(request: HttpRequest) -> HttpResponseBase:
    count = service.undo_suppress(None, source_of(request))
    text = ngettext("{count} suppression removed.", "{count} suppressions removed.", count)
    messages.success(request, text.format(count=locales.number(count)))
    return redirect("installation_suppressions")


@for_operators
@require_safe
def export_installation_suppressions(request: HttpRequest) -> StreamingHttpResponse:
    rows = filtered(None, request.GET)
    return csv_response("suppressions-installation.csv", contactsheet.suppressions(rows))
