"""Conditions on indexed values agree with those on the contacts' rows. The other tests of this
folder compare both, too (scene.matching); here are values that the index has in another form."""

import pytest

from accounts.models import Workspace
from contacts.models import Attribute, Contact, IndexedValue
from contacts.queries import segments
from contacts.segments import compiling
from contacts.segments.rules import ALL, Group
from tests.contacts.segments.scene import NOW, attribute, make_indexed, matching
from tests.factories import make_contact

pytestmark = pytest.mark.django_db

LONG = "Ａ long note " + "x" * 300


@pytest.fixture
def notes(workspace: Workspace) -> None:
    Attribute.objects.create(workspace=workspace, key="note", label="Note", type="text")
    values = {"long": LONG, "longer": LONG + "y", "short": "x" * 190, "spaces": "\u3000 "}
    for name, value in values.items():
        make_contact(workspace, f"{name}@x.example", attributes={"note": value})
    make_contact(workspace, "none@x.example", attributes={"note": None})
    make_contact(workspace, "absent@x.example")


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("is", [LONG.upper()], {"long"}),
        ("is_not", [LONG], {"longer", "short", "spaces", "none", "absent"}),
        ("is", ["x" * 190], {"short"}),
        ("is", ["x" * 200], set()),
        ("contains", ["xy"], {"longer"}),
        ("contains", ["a LONG"], {"long", "longer"}),
        ("contains_not", ["xy"], {"long", "short", "spaces", "none", "absent"}),
        ("begins", ["a long note"], {"long", "longer"}),
        ("begins", [LONG[:250]], {"long", "longer"}),
        ("one_of", [LONG, "x" * 190], {"long", "short"}),
        ("blank", [], {"spaces", "none", "absent"}),
        ("filled", [], {"long", "longer", "short"}),
    ],
)
def test_long_and_blank_texts(
    workspace: Workspace, notes: None, operator: str, values: list[str], expected: set[str]
) -> None:
    assert matching(workspace, attribute("note", operator, *values)) == expected


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("after", ["2026-03-01"], {"day", "moment"}),
        ("before", ["2026-04-01"], {"day", "moment"}),
        ("from_to", ["2026-03-10", "2026-03-12"], {"day", "moment"}),
        ("anniversary", [3], {"day", "moment"}),
        ("filled", [], {"day", "moment", "word", "tilde", "number"}),
        ("blank", [], {"absent"}),
    ],
)
def test_what_is_no_date_never_matches_a_day(
    workspace: Workspace, operator: str, values: list[object], expected: set[str]
) -> None:
    Attribute.objects.create(workspace=workspace, key="day", label="Day", type="date")
    days = {
        "day": "2026-03-11",
        "moment": "2026-03-12T10:00",
        "word": "later",
        "tilde": "~2026-03-11",
        "number": 20260311,
    }
    for name, value in days.items():
        make_contact(workspace, f"{name}@x.example", attributes={"day": value})
    make_contact(workspace, "absent@x.example")
    assert matching(workspace, attribute("day", operator, *values)) == expected


def test_values_of_another_type_do_no_harm(workspace: Workspace) -> None:
    Attribute.objects.create(workspace=workspace, key="n", label="N", type="number")
    Attribute.objects.create(workspace=workspace, key="b", label="B", type="boolean")
    values = {"good": 7, "word": "7", "list": [7], "huge": 10**150, "yes": True}
    for name, value in values.items():
        make_contact(workspace, f"{name}@x.example", attributes={"n": value, "b": value})
    assert matching(workspace, attribute("n", "equal", 7)) == {"good"}
    assert matching(workspace, attribute("n", "filled")) == set(values)
    assert matching(workspace, attribute("b", "yes")) == {"yes"}
    assert matching(workspace, attribute("b", "no")) == set()


def test_an_indexed_attribute_is_not_read_from_contacts(workspace: Workspace, notes: None) -> None:
    make_indexed(Attribute.objects.get())
    rule, known = segments.context(
        workspace, Group(ALL, (attribute("note", "contains", "note"),)), at=NOW
    )
    assert "attributes" not in compiling.people(rule, known).text
    IndexedValue.objects.filter(contact_id=Contact.objects.get(email="long@x.example").pk).delete()
    assert segments.count(rule, known) == 1
