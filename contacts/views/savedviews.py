"""Saved views of the table of contacts: their list, a new one, its name, and deleting it."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest
from accounts.permissions import Permission
from contacts import peoplecolumns
from contacts.forms import SavedViewForm
from contacts.services import savedviews as service
from contacts.tablemodels import SavedView, TableSettings
from pages import numbers, overtaken, wellformed


def saved_views(request: WorkspaceRequest) -> HttpResponse:
    views = service.visible(request.workspace, request.user).select_related("owner")
    begins = service.settings_of(request.workspace, request.user).default_view_id
    rows = [(one, service.query(one), may_change(request, one)) for one in views]
    return render(request, "contacts/views.html", {"views": rows, "begins": begins})


def may_change(request: WorkspaceRequest, view: SavedView) -> bool:
    edits = request.may(Permission.EDIT_CONTACTS)
    return service.may_change(view, request.user, edits=edits)


def seen(request: WorkspaceRequest, number: str | int | None) -> SavedView | None:
    """The view with this number, if the person may see it."""
    pk = numbers.whole(str(number or ""))
    if pk is None:
        return None
    return service.visible(request.workspace, request.user).filter(pk=pk).first()


def _own(request: WorkspaceRequest, pk: int) -> SavedView:
    """The view, which this person may change. Raises Http404 or PermissionDenied."""
    view = seen(request, pk)
    if view is None:
        raise Http404
    if not may_change(request, view):
        raise PermissionDenied
    return view


def new_view(request: WorkspaceRequest) -> HttpResponseBase:
    """A view of what the table shows: `query` has its parameters."""
    query = request.POST.get("query", "") or request.GET.urlencode()
    shown = wellformed.parameters(query)
    form = SavedViewForm(request.POST or None, may_share=request.may(Permission.EDIT_CONTACTS))
    if request.method == "POST" and form.is_valid():
        try:
            view = service.create(
                request.workspace,
                request.user,
                name=form.cleaned_data["name"],
                shared=form.cleaned_data.get("shared", False),
                parameters=service.kept(shown),
                columns=shown_columns(request, seen(request, shown.get("view"))).keys,
            )
        except service.SavedViewError as error:
            form.add_error("name", str(error))
        else:
            if form.cleaned_data["begins"]:
                service.begin_with(request.workspace, request.user, view)
            messages.success(request, _("The view {name} is saved.").format(name=view.name))
            return to_view(request, view)
    context = {"form": form, "query": query}
    return render(request, "contacts/view_form.html", context)


def shown_columns(
    request: WorkspaceRequest, view: SavedView | None, settings: TableSettings | None = None
) -> peoplecolumns.Choice:
    """The columns of the table: those of the view, else the person's own. `settings`: of the
    person, if they were read already."""
    columns = peoplecolumns.available(request.workspace)
    if view:
        return peoplecolumns.chosen(columns, view.columns)
    settings = settings or service.settings_of(request.workspace, request.user)
    own = settings.columns
    if own is not None:
        return peoplecolumns.chosen(columns, own)
    tags = request.workspace.tags.exists()
    return peoplecolumns.Choice(peoplecolumns.standard(columns, tags=tags), [])


def to_view(request: WorkspaceRequest, view: SavedView) -> HttpResponseBase:
    fresh = SavedView.objects.filter(pk=view.pk).first() or view
    return to_table(request, service.query(fresh))


def to_table(request: WorkspaceRequest, query: str) -> HttpResponseBase:
    page = reverse("contacts", args=[request.workspace.slug])
    return redirect(f"{page}?{query}" if query else page)


def edit_view(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Its name, whether others see it, and whether the person's page begins with it."""
    view = _own(request, pk)
    begins = service.settings_of(request.workspace, request.user).default_view_id == view.pk
    initial: dict[str, Any] = {"name": view.name, "shared": view.shared, "begins": begins}
    may_share = request.may(Permission.EDIT_CONTACTS)
    form = SavedViewForm(request.POST or None, initial=initial, may_share=may_share)
    if request.method == "POST" and form.is_valid() and not overtaken.is_overtaken(form):
        shared = form.cleaned_data.get("shared", view.shared)
        try:
            name = form.cleaned_data["name"]
            service.rename(view, name=name, shared=shared, by=request.user)
        except service.SavedViewError as error:
            form.add_error("name", str(error))
        else:
            if form.cleaned_data["begins"] != begins:
                chosen = view if form.cleaned_data["begins"] else None
                service.begin_with(request.workspace, request.user, chosen)
            messages.success(request, _("Saved."))
            return redirect("saved_views", request.workspace.slug)
    return render(request, "contacts/view_form.html", {"form": form, "view": view})


@require_POST
def delete_view(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    view = _own(request, pk)
    view.delete()
    messages.success(request, _("The view {name} is deleted.").format(name=view.name))
    return redirect("saved_views", request.workspace.slug)


@require_POST
def keep_view(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """The filters and the sort order of the page (`query`) become those of the view."""
    view = _own(request, pk)
    service.keep_parameters(view, wellformed.parameters(request.POST.get("query", "")))
    messages.success(request, _("The view {name} is saved.").format(name=view.name))
    return to_view(request, view)


@require_POST
def begin_with_view(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """The person's page of contacts begins with this view; with `stop` no longer."""
    view = seen(request, pk)
    if view is None:
        raise Http404
    stop = request.POST.get("stop") == "1"
    service.begin_with(request.workspace, request.user, None if stop else view)
    messages.success(request, _("Saved."))
    return redirect("saved_views", request.workspace.slug)


# Columns -----------------------------------------------------------------------------------------

# {button: the places that a column moves by}
STEPS = {"up": -1, "down": 1}


def people_columns(request: WorkspaceRequest) -> HttpResponseBase:
    """The form of columns. Without scripts, a button that moves a column sends the form, too.
    `query` has the parameters of the table."""
    query = request.POST.get("query", "") or request.GET.urlencode()
    view = seen(request, wellformed.parameters(query).get("view"))
    offered = peoplecolumns.available(request.workspace)
    if request.method != "POST":
        choice = shown_columns(request, view)
        order = [one.key for one in peoplecolumns.ordered(offered, choice.keys)]
        return _columns_form(request, query, view, order, choice.keys)
    ticked = peoplecolumns.chosen(offered, request.POST.getlist("column")).keys
    if moved := _moved(request.POST):
        all_of = peoplecolumns.chosen(offered, request.POST.getlist("order")).keys
        order = [one.key for one in peoplecolumns.ordered(offered, _move(all_of, *moved))]
        return _columns_form(request, query, view, order, ticked)
    return _keep_columns(request, query, view, ticked)


def _moved(posted: QueryDict) -> tuple[str, int] | None:
    for name, step in STEPS.items():
        if key := posted.get(name, ""):
            return key, step
    return None


def _move(keys: list[str], key: str, step: int) -> list[str]:
    if key in keys:
        at = keys.index(key)
        to = min(max(at + step, 0), len(keys) - 1)
        keys.insert(to, keys.pop(at))
    return keys


def _columns_form(
    request: WorkspaceRequest,
    query: str,
    view: SavedView | None,
    order: list[str],
    ticked: list[str],
) -> HttpResponse:
    offered = peoplecolumns.available(request.workspace)
    context = {
        "query": query,
        "view": view,
        "may_change": view is not None and may_change(request, view),
        "columns": peoplecolumns.ordered(offered, order),
        "ticked": ticked,
    }
    return render(request, "contacts/columns.html", context)


def _keep_columns(
    request: WorkspaceRequest, query: str, view: SavedView | None, keys: list[str]
) -> HttpResponseBase:
    """For the view, or for the person's own table; `standard` takes the person's choice back."""
    if view and request.POST.get("keep") == "view" and may_change(request, view):
        service.keep_columns(view, keys)
        return to_table(request, query)
    standard = request.POST.get("keep") == "standard"
    service.choose_columns(request.workspace, request.user, None if standard else keys)
    shown = wellformed.parameters(query).copy()
    if view:
        shown.pop("view", None)
    shown.setdefault("view", service.NO_VIEW)
    return to_table(request, urlencode(list(shown.items())))
