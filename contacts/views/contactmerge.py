"""Merging two contacts: the other one is found, both are shown side by side, then they are one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from accounts.access import WorkspaceRequest, get_in
from contacts import addresses, attributevalues
from contacts.models import Attribute, Contact, List
from contacts.queries import mailable
from contacts.queries import people as people_query
from contacts.services import contactmerge as service
from contacts.services import contacts as contact_service
from contacts.services import openconsent
from contacts.services.contactmerge import Values

LEFT, RIGHT = "left", "right"
FOUND = 10


@dataclass(frozen=True, slots=True)
class Row:
    """One value of both contacts. `name` of the radio buttons; `picked`: LEFT or RIGHT."""

    name: str
    label: str
    left: Any
    right: Any
    type: str
    picked: str

    def shown(self) -> list[tuple[str, str, bool]]:
        """[(side, the value as text, whether it is picked)]"""
        sides = ((LEFT, self.left), (RIGHT, self.right))
        return [
            (side, attributevalues.shown(self.type, value), side == self.picked)
            for side, value in sides
        ]

    @property
    def value(self) -> Any:
        return self.left if self.picked == LEFT else self.right


def find_other(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Search for the contact that is the same person (`q`)."""
    person = get_in(request.workspace, Contact, pk=pk)
    text = request.GET.get("q", "").strip()
    found = people_query.sample(request.workspace, text, FOUND + 1) if text else []
    others = [one for one in found if one.pk != person.pk][:FOUND]
    context = {"person": person, "others": others, "text": text}
    return render(request, "contacts/contact_merge_find.html", context)


def merge_contacts(request: WorkspaceRequest, pk: int, other_pk: int) -> HttpResponseBase:
    """Both side by side, to choose each value; by POST, merges them."""
    left = get_in(request.workspace, Contact, pk=pk)
    right = get_in(request.workspace, Contact, pk=other_pk)
    if left.pk == right.pk:
        messages.error(request, _("Choose another contact: this one is the same."))
        return redirect("find_other", request.workspace.slug, left.pk)
    address, rows = _address(request, left, right), list(_rows(request, left, right))
    error = service.obstacle(left, right)
    if request.method == "POST":
        both = (left, right) if address.picked == LEFT else (right, left)
        try:
            kept = _merge(request, *both, rows)
        except service.MergeError as problem:
            error = str(problem)
            left.refresh_from_db()
            right.refresh_from_db()
        else:
            text = _("Both are one contact now, with the address {address}.")
            messages.success(request, text.format(address=addresses.display(kept.email)))
            return redirect("contact", request.workspace.slug, kept.pk)
    context = {"left": left, "right": right, "rows": [address, *rows], "error": error}
    context["state"] = service.state_of(*sorted((left, right), key=lambda one: one.pk))
    # With one refusal nobody's opens are counted afterwards.
    context["loses_consent"] = openconsent.answers_of([left.pk, right.pk]) == {True, False}
    context |= {"sides": _sides(request, left, right), "places": _places(left, right)}
    return render(request, "contacts/contact_merge.html", context)


def _merge(request: WorkspaceRequest, kept: Contact, other: Contact, rows: list[Row]) -> Contact:
    """Raises MergeError."""
    names = {row.name: row.value for row in rows if row.name in contact_service.FIELDS}
    # Values without an attribute, such as those that a job still deletes, are not carried over.
    attributes = {row.name: row.value for row in rows if row.name not in names}
    values = Values(names, attributes)
    state = request.POST.get("state", "")
    return service.merge(kept, other, values, state=state, by=request.user)


# What is shown -----------------------------------------------------------------------------------


def _picked(request: WorkspaceRequest, name: str, default: str) -> str:
    given = request.POST.get(f"pick_{name}", "")
    return given if given in {LEFT, RIGHT} else default


def _address(request: WorkspaceRequest, left: Contact, right: Contact) -> Row:
    mine, theirs = (addresses.display(one.email) for one in (left, right))
    return Row("email", _("Address"), mine, theirs, "text", _picked(request, "email", LEFT))


def _rows(request: WorkspaceRequest, left: Contact, right: Contact) -> Iterator[Row]:
    """Names, then attributes, as far as one of both has a value. Without a choice the value that
    there is counts, and of two that of the contact that was changed last."""
    newer = LEFT if left.updated_at >= right.updated_at else RIGHT

    def row(name: str, label: str, mine: Any, theirs: Any, type_: str = "text") -> Row | None:
        filled = [one not in (None, "", []) for one in (mine, theirs)]
        if not any(filled):
            return None
        default = newer if all(filled) else LEFT if filled[0] else RIGHT
        return Row(name, label, mine, theirs, type_, _picked(request, name, default))

    labels = {
        "first_name": _("First name"),
        "last_name": _("Last name"),
        "full_name": _("Full name"),
    }
    rows = [
        row(name, labels[name], getattr(left, name), getattr(right, name))
        for name in contact_service.FIELDS
    ]
    for one in Attribute.objects.filter(workspace=request.workspace):
        mine, theirs = (person.attributes.get(one.key) for person in (left, right))
        rows.append(row(one.key, one.label, mine, theirs, one.type))
    return (one for one in rows if one is not None)


def _sides(request: WorkspaceRequest, left: Contact, right: Contact) -> list[dict[str, Any]]:
    """What else is joined, in numbers."""
    stops = mailable.stops_of(request.workspace, [left.email, right.email])
    return [
        {
            "person": one,
            "mails": service.mails(one),
            "tags": one.tagged.count(),
            "suppressions": stops.get(one.email, []),
        }
        for one in (left, right)
    ]


def _places(left: Contact, right: Contact) -> list[tuple[List, str, str, str]]:
    """[(list, status of the one and of the other, status afterwards)]"""
    mine, theirs = (
        {one.list: one.status for one in person.subscriptions.select_related("list")}
        for person in (left, right)
    )
    each = sorted({*mine, *theirs}, key=lambda one: one.name)
    stands = ((one, mine.get(one, ""), theirs.get(one, "")) for one in each)
    back = service.came_back(left, right)
    return [
        (one, own, other, service.after(own, other, back=one.pk in back))
        for one, own, other in stands
    ]
