"""Pages of lists, with their counts and growth."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from contacts import listsettings
from contacts.forms import ListForm
from contacts.models import List
from contacts.queries import listdeleting as deleting_query
from contacts.queries import lists as list_queries
from contacts.services import listdeleting
from contacts.services import lists as list_service
from contacts.views.jobs import in_background
from pages import overtaken, publicwords

GROWTH_DAYS = 90


def lists(request: WorkspaceRequest) -> HttpResponse:
    archived = request.GET.get("archived") == "1"
    context = {
        "rows": list_queries.rows(request.workspace, archived=archived),
        "archived": archived,
        "any_archived": List.objects.filter(workspace=request.workspace)
        .exclude(archived_at=None)
        .exists(),
    }
    return render(request, "contacts/lists.html", context)


def list_page(request: WorkspaceRequest, pk: int) -> HttpResponse:
    one = get_in(request.workspace, List, pk=pk)
    series = list_queries.daily(one.pk, days=GROWTH_DAYS)
    chart = {
        "labels": [day.isoformat() for day, _total in series],
        "series": [
            {
                "name": _("Subscribed"),
                "values": [total for _day, total in series],
                "role": "accepted",
            }
        ],
    }
    counts = list_queries.counts(request.workspace.pk).get(one.pk, list_queries.NOBODY)
    context = {"list": one, "counts": counts, "chart": chart, "days": len(series)}
    context["list_language"] = publicwords.name(one.language)
    context["list_settings"] = [(kind.page, kind.show(one)) for kind in listsettings.kinds]
    return render(request, "contacts/list.html", context)


def new_list(request: WorkspaceRequest) -> HttpResponseBase:
    form = ListForm(request.POST or None, workspace=request.workspace)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            one = list_service.create(request.workspace, **form.own())
            form.save_settings(one)
        messages.success(request, _("The list {list} was created.").format(list=one.name))
        return redirect("list", request.workspace.slug, one.pk)
    return render(request, "contacts/list_form.html", {"form": form})


def edit_list(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    one = get_in(request.workspace, List, pk=pk)
    form = ListForm(request.POST or None, workspace=request.workspace, one=one)
    if request.method == "POST" and form.is_valid() and not overtaken.is_overtaken(form):
        with transaction.atomic():
            list_service.change(one, **form.own())
            form.save_settings(one)
        messages.success(request, _("Saved."))
        return redirect("list", request.workspace.slug, one.pk)
    return render(request, "contacts/list_form.html", {"form": form, "list": one})


@require_POST
def archive_list(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Archive a list or bring it back; no subscription changes."""
    one = get_in(request.workspace, List, pk=pk)
    archived = list_service.toggle_archive(one)
    text = _("{list} is archived.") if archived else _("{list} is back.")
    messages.success(request, text.format(list=one.name))
    return redirect("list", request.workspace.slug, one.pk)


def delete_list(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """What is lost, and what uses the list; a POST deletes it."""
    one = get_in(request.workspace, List, pk=pk)
    if request.method == "POST":
        return _deleted(request, one)
    uses = listdeleting.used_by(one)
    context = {
        "list": one,
        "numbers": deleting_query.numbers(request.workspace.pk, one.pk),
        "refusing": [use.named for use in uses if use.refuses],
        "named": [use.named for use in uses if not use.refuses],
    }
    return render(request, "contacts/list_delete.html", context)


def _deleted(request: WorkspaceRequest, one: List) -> HttpResponseBase:
    try:
        job = listdeleting.delete(one, by=request.user)
    except listdeleting.ListUsedError as error:
        messages.error(request, str(error))
        return redirect("delete_list", request.workspace.slug, one.pk)
    if job is not None:
        return in_background(request, job)
    messages.success(request, _("{name} was deleted.").format(name=one.name))
    return redirect("lists", request.workspace.slug)
