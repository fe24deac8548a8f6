"""Pages with the contacts of an import that a number counts."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from accounts.access import WorkspaceRequest, get_in
from contacts.models import Attribute, Contact, Import
from contacts.queries import overwritten
from contacts.views.imports import FIELD_LABELS
from pages import tables


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
