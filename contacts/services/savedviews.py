"""Columns and saved views of the table of contacts: each person's own, and those that everybody in
the workspace shares."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from contacts.exceptions import ContactsError
from contacts.queries import rulefilters
from contacts.tablemodels import SavedView, TableSettings

# Parameters of the page that a view keeps: the filters, and the sort order.
FILTERS = (
    *("q", "segment", "list", "tag", "status", "days", "import", "outcome", "listing", "change"),
    *rulefilters.PARAMETERS,
)
KEPT = (*FILTERS, "sort")
LONGEST = 500
# Views that a person sees.
MOST = 200
# The number of no view, for a person whose page would begin with one.
NO_VIEW = "0"


class SavedViewError(ContactsError):
    """The view can't be saved; the text says why, for users."""


# Views -------------------------------------------------------------------------------------------


def visible(workspace: Workspace, user: User) -> QuerySet[SavedView]:
    """The person's own views and the shared ones, by name."""
    theirs = Q(shared=True) | Q(owner=user)
    return SavedView.objects.filter(theirs, workspace=workspace).order_by("name", "pk")


def may_change(view: SavedView, user: User, *, edits: bool) -> bool:
    """Private views are their owner's; shared ones, those who may edit contacts change
    (`edits`)."""
    return edits if view.shared else view.owner_id == user.pk


def kept(parameters: QueryDict) -> dict[str, str]:
    """What a view keeps of a page's parameters."""
    given = {name: parameters.get(name, "") for name in KEPT}
    return {name: value[:LONGEST] for name, value in given.items() if value}


def query(view: SavedView) -> str:
    """The query of the page with this view."""
    return urlencode({**view.parameters, "view": view.pk})


def is_changed(view: SavedView, parameters: QueryDict) -> bool:
    """Whether the page's filters or sort order are no longer those of the view."""
    return bool(kept(parameters) != view.parameters)


@transaction.atomic
def create(  # noqa: PLR0913 - what a view is made of
    workspace: Workspace,
    owner: User,
    *,
    name: str,
    shared: bool,
    parameters: Mapping[str, str],
    columns: Sequence[str],
) -> SavedView:
    """Raises SavedViewError."""
    if visible(workspace, owner).count() >= MOST:
        text = _("There are {count} views already. Delete one first.")
        raise SavedViewError(text.format(count=MOST))
    view = SavedView(
        workspace=workspace,
        owner=owner,
        name=name,
        shared=shared,
        parameters=dict(parameters),
        columns=list(columns),
    )
    _save(view)
    return view


def rename(view: SavedView, *, name: str, shared: bool, by: User) -> None:
    """Raises SavedViewError if the name is taken. Whoever made the view has it if it becomes
    private; if that account is gone, `by`."""
    view.name, view.shared = name, shared
    if not shared and view.owner_id is None:
        view.owner = by
    _save(view)


def _save(view: SavedView) -> None:
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError as error:
        raise SavedViewError(_("There is a view with this name already.")) from error


def keep_parameters(view: SavedView, parameters: QueryDict) -> None:
    """The page's filters and sort order become those of the view."""
    SavedView.objects.filter(pk=view.pk).update(parameters=kept(parameters))


def keep_columns(view: SavedView, columns: Sequence[str]) -> None:
    SavedView.objects.filter(pk=view.pk).update(columns=list(columns))


# Settings of a person ----------------------------------------------------------------------------


def settings_of(workspace: Workspace, user: User) -> TableSettings:
    """The person's settings, with the view that the page begins with; unsaved if there are
    none."""
    own = TableSettings.objects.filter(workspace=workspace, user=user)
    found = own.select_related("default_view").first()
    return found or TableSettings(workspace=workspace, user=user)


def choose_columns(workspace: Workspace, user: User, columns: Sequence[str] | None) -> None:
    """`columns`: keys in their order; None: the default choice."""
    chosen = list(columns) if columns is not None else None
    TableSettings.objects.update_or_create(
        workspace=workspace, user=user, defaults={"columns": chosen}
    )


def begin_with(workspace: Workspace, user: User, view: SavedView | None) -> None:
    """The page of contacts begins with this view, for this person."""
    TableSettings.objects.update_or_create(
        workspace=workspace, user=user, defaults={"default_view": view}
    )


def starting_view(settings: TableSettings) -> SavedView | None:
    """The view that the page begins with, if the person may still see it: another's view may have
    become private since."""
    view = settings.default_view
    return view if view and (view.shared or view.owner_id == settings.user_id) else None
