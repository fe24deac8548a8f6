"""Pages with the lines of an import's file, or its contacts, that a number counts."""

from typing import Any, TypedDict

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy

from accounts.access import WorkspaceRequest, get_in
from contacts import rejects
from contacts.models import Attribute, Contact, Import
from contacts.queries import overwritten
from contacts.services import checkedlines, importchecks, importhints, wholechecks
from contacts.views.importcolumns import FIELD_LABELS
from contacts.views.imports import is_mapped, samples
from pages import tables

# Some 150,000 lines of a narrow file, a few seconds of work.
MOST_READ = 24 * 1024 * 1024
TITLES = {
    "new": gettext_lazy("Lines with new contacts"),
    "updated": gettext_lazy("Lines that change a contact"),
    "unchanged": gettext_lazy("Lines without anything new"),
    "duplicate": gettext_lazy("Lines whose address is on an earlier line"),
    "suppressed": gettext_lazy("Lines with a suppressed address"),
    "rejected": gettext_lazy("Lines that would not be imported"),
    "subscribed": gettext_lazy("Lines with people who would be newly on the list"),
    "unsubscribed": gettext_lazy("Lines with people who are unsubscribed according to the file"),
    "stopped": gettext_lazy("Lines whose address would be suppressed"),
    "typo": gettext_lazy("Lines with a domain that may be mistyped"),
    "nomail": gettext_lazy("Lines with a domain without a mail server"),
    "disposable": gettext_lazy("Lines with a throwaway address"),
    "role": gettext_lazy("Lines with an address of a role"),
}


def import_duplicates(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The lines whose address is on an earlier line, too, each with its person."""
    import_ = get_in(request.workspace, Import, pk=pk)
    page = tables.keyset(
        import_.duplicates.all(),
        request,
        sorts={"line": tables.Sort("line", nullable=False)},  # by import_duplicate_by_line
        default="line",
    )
    people = Contact.objects.filter(
        workspace=request.workspace, email__in=[row.email for row in page.rows]
    )
    known = dict(people.values_list("email", "pk"))
    rows = [(row.line, row.email, known.get(row.email)) for row in page.rows]
    context = {"import": import_, "page": page, "rows": rows}
    return render(request, "contacts/import_duplicates.html", context)


def import_hints(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The hints of a check, loaded anew while DNS is asked about domains."""
    import_ = get_in(request.workspace, Import, pk=pk)
    context = {
        "import": import_,
        "hints": importhints.of(import_),
    }
    return render(request, "contacts/parts/import_hints.html", context)


def checked_lines(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """The lines that a number of the check counts (`of`); read anew, so htmx loads them into the
    page, or `now=1` does it at once."""
    import_ = get_in(request.workspace, Import, pk=pk)
    kind = request.GET.get("of", "")
    title = _title(kind)
    if import_.state != Import.State.READY or not title:
        return redirect("import", request.workspace.slug, import_.pk)
    if not is_mapped(request, import_):
        return redirect(reverse("import", args=[request.workspace.slug, import_.pk]))
    context = {"import": import_, "title": title}
    found = wholechecks.lines(import_, kind)
    if found is None and not request.htmx and request.GET.get("now") != "1":
        return render(request, "contacts/checked_lines.html", context)
    if found is None:
        found = checkedlines.of(import_, kind, **_extent(import_))
    shown = len(found.rows) + len(found.rejects)
    context |= {"found": found, "samples": samples(found.rows), "shown": shown}
    part = "contacts/parts/checked_lines.html" if request.htmx else "contacts/checked_lines.html"
    return render(request, part, context)


def _title(kind: str) -> str:
    """ "" for no kind of lines."""
    if kind.startswith(checkedlines.REASON):
        return str(rejects.SENTENCES.get(kind.removeprefix(checkedlines.REASON), ""))
    return str(TITLES.get(kind, ""))


class Extent(TypedDict):
    rows: int | None
    weight: int | None


def _extent(import_: Import) -> Extent:
    """As much of the file as is read in this request. If the whole file was checked, most of what
    its numbers count is kept (wholechecks.lines); the lines of hints are looked for here."""
    if wholechecks.current(import_):
        return {"rows": None, "weight": MOST_READ}
    return {"rows": importchecks.CHECKED_ROWS, "weight": None}


def import_stayed(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """After an undo: the contacts with values that were changed since the import, and stayed."""
    import_ = get_in(request.workspace, Import, pk=pk)
    page = tables.keyset(overwritten.people_stayed(import_), request, sorts={"email": "email"})
    values = overwritten.stayed_of(import_, page.rows)
    known = {one.key: one for one in Attribute.objects.filter(workspace=request.workspace)}
    rows = [(person, _stayed(person, values.get(person.pk, {}), known)) for person in page.rows]
    context = {"import": import_, "page": page, "rows": rows}
    return render(request, "contacts/import_stayed.html", context)


def _stayed(
    person: Contact, values: dict[str, Any], known: dict[str, Attribute]
) -> list[tuple[Attribute, dict[str, Any], dict[str, Any], dict[str, Any]]]:
    """(attribute, its value before, as the import wrote it, and now), each as of
    Contact.attributes; a name as if it were an attribute."""
    of_names = {name: pair for name, pair in values.items() if name != "attributes"}
    found = []
    for key, (before, written) in (of_names | values.get("attributes", {})).items():
        label = FIELD_LABELS[key] if key in of_names else key
        attribute = (key not in of_names and known.get(key)) or Attribute(key=key, label=str(label))
        now = getattr(person, key) if key in of_names else person.attributes.get(key)
        found.append((attribute, {key: before}, {key: written}, {key: now}))
    return found
