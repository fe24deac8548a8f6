"""The table of contacts: its filters, views and columns."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy

from accounts.access import WorkspaceRequest
from accounts.models import Workspace
from contacts import sources
from contacts.consent import BOUNCED, ConsentStatus, Stop
from contacts.models import Attribute, Contact, List, Tag
from contacts.peoplecolumns import Choice, Column
from contacts.queries import people as people_query
from contacts.queries import rulefilters, segmentdays, tablerows
from contacts.queries import segments as segment_query
from contacts.segmentmodels import Segment
from contacts.segments.kinds import kinds
from contacts.services import filterwords
from contacts.services import savedviews as view_service
from contacts.tablemodels import SavedView, TableSettings
from contacts.views import savedviews
from contacts.views.tags import BULK, kept
from pages import numbers, tables

# The most tags that the filter offers, and views above the table.
TAGS = 300
VIEWS = 12
STATUSES = (
    ("subscribed", gettext_lazy("Subscribed")),
    ("unsubscribed", gettext_lazy("Unsubscribed")),
    ("suppressed", gettext_lazy("Suppressed")),
    ("none", gettext_lazy("On no list")),
)
# Statuses of contacts.consent that have another word on pages.
LOOKS = {BOUNCED: "hard_bounced"}


def contacts(request: WorkspaceRequest) -> HttpResponseBase:
    settings = view_service.settings_of(request.workspace, request.user)
    if (query := _beginning(request, settings)) is not None:
        return savedviews.to_table(request, query)
    people, asked = people_query.filtered(request.workspace, request.GET), request.GET.get("q", "")
    view = savedviews.seen(request, request.GET.get("view"))
    if request.GET.keys() == {"view"} and view is None and _names_view(request):
        people = people.none()
    page = tables.keyset(
        tablerows.with_related(people),
        request,
        sorts={"email": "email", "added": "pk"},
        default="-added",
    )
    context = {
        "page": page,
        "anybody": bool(page.rows) or Contact.objects.filter(workspace=request.workspace).exists(),
        "short": [one for one in people_query.words_of(asked) if people_query.is_short(one)],
        "imported": sources.import_named(request.workspace, request.GET.get("import", "")),
        "gone": people_query.gone(request.workspace, request.GET, page.total),
        **_columns(request, page.rows, savedviews.shown_columns(request, view, settings)),
        **_filters(request),
        **_views(request, view, settings),
        **_nobody(request, page),
    }
    return render(request, "contacts/people.html", context)


def _names_view(request: WorkspaceRequest) -> bool:
    return request.GET.get("view", view_service.NO_VIEW) not in {"", view_service.NO_VIEW}


def _beginning(request: WorkspaceRequest, settings: TableSettings) -> str | None:
    """The query of the view that the page begins with: the one that the address names alone, or
    that of the person's settings. None: the page is shown as its address says."""
    if request.GET.keys() == {"view"}:
        view = savedviews.seen(request, request.GET["view"])
        return view_service.query(view) if view and view.parameters else None
    if request.GET or request.htmx:
        return None
    view = view_service.starting_view(settings)
    return view_service.query(view) if view else None


# Cells -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    column: Column
    value: Any


def _columns(
    request: WorkspaceRequest, people: Sequence[Contact], choice: Choice
) -> dict[str, Any]:
    """The columns, and for each contact its cells with the values that are not the contact's."""
    # The words are looked up once, not for each cell.
    columns = [replace(column, label=str(column.label)) for column in choice.columns]
    stopped = tablerows.stops(request.workspace, people)
    kinds_of = {column.kind for column in columns}
    listed = numbers.whole(request.GET.get("list", ""))
    statuses = tablerows.statuses(people, stopped, list_id=listed) if "status" in kinds_of else {}
    moments = tablerows.engagement(people) if "moment" in kinds_of else {}

    def value(person: Contact, column: Column) -> Any:
        if column.kind == "status":
            return _look(statuses[person.pk])
        if column.kind == "moment":
            return moments[person.pk][column.number] if person.pk in moments else None
        return None

    rows = [
        (person, [Cell(column, value(person, column)) for column in columns]) for person in people
    ]
    return {
        "rows": rows,
        "columns": columns,
        "columns_gone": choice.gone,
        "names_alone": bool({"name", "first_name", "last_name"} & kinds_of),
        "suppressed": _suppressed(people, stopped) if "status" not in kinds_of else set(),
    }


def _look(status: ConsentStatus) -> str:
    return LOOKS.get(status.status, status.status)


def _suppressed(people: Sequence[Contact], stopped: dict[int, list[Stop]]) -> set[str]:
    return {person.email for person in people if stopped[person.pk]}


# Filters -----------------------------------------------------------------------------------------


def _filters(request: WorkspaceRequest) -> dict[str, Any]:
    workspace, given = request.workspace, request.GET
    chosen = given.get("import", "")
    imports = {one.key: one.label for one in kinds["import"].subjects(workspace.pk, [chosen])}
    # One that did not finish is not offered, but a link may have chosen it.
    for name in sources.import_named(workspace, chosen).values():
        imports.setdefault(chosen, name)
    (_filled, first), *others = rulefilters.MATCHES.items()
    lists = list(List.objects.filter(workspace=workspace, archived_at=None).order_by("name"))
    more = sum(bool(given.get(name)) for name in ("activity", "domain", "attribute", "import"))
    return {
        "lists": lists,
        # A view may be about a list that was archived since.
        "archived": _archived(workspace, given.get("list", ""), lists),
        **_tags(request),
        "change": segmentdays.day_of(workspace, given.get("change", "")),
        "kept": kept(request, BULK),
        "segments": Segment.objects.filter(workspace=workspace).order_by("name"),
        "statuses": STATUSES,
        "filterable": Attribute.objects.filter(workspace=workspace),
        # Blank, like what is not chosen in the others, so that it is not in the address.
        "matches": [("", first), *others],
        "activities": [(one.key, one.label) for one in rulefilters.activities()],
        "imports": imports.items(),
        "more_filters": more,
        "filtered": any(given.get(name) for name in view_service.FILTERS),
    }


def _archived(workspace: Workspace, chosen: str, lists: Sequence[List]) -> List | None:
    """The chosen list if it is not offered, so that the form keeps it."""
    number = numbers.whole(chosen)
    if number is None or number in {one.pk for one in lists}:
        return None
    return List.objects.filter(workspace=workspace, pk=number).first()


def _tags(request: WorkspaceRequest) -> dict[str, Any]:
    """For the filter: the first tags by name, and the chosen one. `more_tags`: how many it does not
    offer; the page of tags has them."""
    own = Tag.objects.filter(workspace=request.workspace)
    # Those that keep people of segments stand apart, behind the others.
    offered = list(own.order_by("keeps", "key")[:TAGS])
    more = own.count() - TAGS if len(offered) == TAGS else 0
    chosen = numbers.whole(request.GET.get("tag", ""))
    if chosen is not None and chosen not in {tag.pk for tag in offered}:
        offered += own.filter(pk=chosen)
    any_keeps = any(tag.keeps for tag in offered)
    return {"tags": offered, "more_tags": more, "any_keeps": any_keeps}


# Views -------------------------------------------------------------------------------------------


def _views(
    request: WorkspaceRequest, view: SavedView | None, settings: TableSettings
) -> dict[str, Any]:
    own = list(view_service.visible(request.workspace, request.user)[: VIEWS + 1])
    no_view = view_service.NO_VIEW if settings.default_view_id else ""
    everybody = reverse("contacts", args=[request.workspace.slug])
    return {
        "view": view,
        # Without blanks, and without the position in the result.
        "here": urlencode(view_service.kept(request.GET) | _view_in(request)),
        "view_gone": view is None and _names_view(request),
        "view_changed": view is not None and view_service.is_changed(view, request.GET),
        "view_mine": view is not None and savedviews.may_change(request, view),
        "views": [(one, view_service.query(one)) for one in own[:VIEWS]],
        "more_views": len(own) > VIEWS,
        # An address without parameters would lead to the view that the page begins with.
        "no_view": no_view,
        "everybody_url": f"{everybody}?view={no_view}" if no_view else everybody,
    }


def _view_in(request: WorkspaceRequest) -> dict[str, str]:
    number = request.GET.get("view", "")
    return {"view": number} if number else {}


# Nobody ------------------------------------------------------------------------------------------


def _nobody(request: WorkspaceRequest, page: tables.Page[Contact]) -> dict[str, Any]:
    """Why nobody is in the result."""
    if page.rows:
        return {"stops": [], "broken": None, "problems": [], "source_names": {}}
    stops = people_query.suppressions_of(request.workspace, request.GET.get("q", ""))
    return {
        "stops": stops,
        "broken": segment_query.broken(request.workspace, request.GET.get("segment", "")),
        "problems": filterwords.problems(request.workspace, request.GET),
        "source_names": sources.names(request.workspace, [one.source for one in stops]),
    }
