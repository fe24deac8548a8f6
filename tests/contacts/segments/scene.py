"""Rules for tests, and the contacts that match them."""

import datetime as dt
from typing import Any

from accounts.models import Workspace
from contacts.models import Attribute, Contact, IndexedValue, Indexing
from contacts.queries import indexing, segments
from contacts.segmentmodels import Segment
from contacts.segments import compiling
from contacts.segments.rules import ALL, Condition, Group
from contacts.segments.sql import put
from contacts.services import segments as service
from tests.factories import make_contact

NOW = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)


def when(kind: str, subject: str, operator: str, *values: Any) -> Condition:
    return Condition(kind, subject, operator, tuple(values))


def attribute(key: str, operator: str, *values: Any) -> Condition:
    return when("attribute", key, operator, *values)


def group(match: str, *items: Condition | Group) -> Group:
    return Group(match, items)


def matching(workspace: Workspace, *items: Condition | Group, at: dt.datetime = NOW) -> set[str]:
    """The local parts of the addresses of contacts who match all of these, or a whole rule. Checks
    that the count, the contacts and the answers about some of them agree; and that nothing changes
    when the values of attributes are indexed."""
    whole = items[0] if len(items) == 1 and isinstance(items[0], Group) else group(ALL, *items)
    found = _matching(workspace, whole, at)
    if own := list(Attribute.objects.filter(workspace=workspace)):
        for one in own:
            make_indexed(one)
        assert _matching(workspace, whole, at) == found
        Attribute.objects.filter(workspace=workspace).update(indexing=Indexing.NO)
    return found


def make_indexed(attribute: Attribute) -> None:
    """Index the values that contacts have."""
    IndexedValue.objects.filter(attribute=attribute).delete()
    indexing.fill(attribute, 0)
    Attribute.objects.filter(pk=attribute.pk).update(indexing=Indexing.READY)


def _matching(workspace: Workspace, whole: Group, at: dt.datetime) -> set[str]:
    rule, known = segments.context(workspace, whole, at=at)
    sql = put("SELECT id FROM contacts_contact WHERE id IN ({})", compiling.people(rule, known))
    found = {one.pk for one in Contact.objects.raw(sql.text, sql.parameters)}
    assert segments.count(rule, known) == len(found)
    assert {one.pk for one in segments.sample(rule, known, limit=1000)} == found
    people = list(Contact.objects.filter(workspace=workspace))
    for person in [*people[:2], *people[-2:]]:
        answers = segments.ask(rule, known, person)
        assert answers[0].matches == (person.pk in found), person.email
    return {one.email.split("@")[0] for one in people if one.pk in found}


def make_segment(workspace: Workspace, *items: Condition | Group, name: str = "Segment") -> Segment:
    rule, _known = segments.context(workspace, group(ALL, *items))
    return service.create(workspace, name=name, rule=rule)


NAMED = when("person", "first_name", "filled")


def make_named(workspace: Workspace, name: str) -> Segment:
    """Three people with a first name, one without, and the segment of the three."""
    for first in ("ann", "bo", "cy"):
        make_contact(workspace, f"{first}@x.example", first_name=first)
    make_contact(workspace, "none@x.example")
    return make_segment(workspace, NAMED, name=name)
