"""The condition about the consent for counting opens."""

import pytest

from accounts.models import Workspace
from contacts.models import Contact
from contacts.provenance import BY_HAND
from contacts.queries import segments
from contacts.segments.rules import ALL, Group
from contacts.services import openconsent
from tests.contacts.segments.scene import NOW, matching, when
from tests.factories import make_contact

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(workspace: Workspace, other_workspace: Workspace) -> dict[str, Contact]:
    names = ("agreed", "withdrew", "refused", "silent")
    found = {name: make_contact(workspace, f"{name}@x.example") for name in names}
    foreign = make_contact(other_workspace, "agreed@x.example")
    openconsent.give([foreign.pk, found["agreed"].pk, found["withdrew"].pk], BY_HAND)
    openconsent.withdraw([found["withdrew"].pk, found["refused"].pk], BY_HAND)
    return found


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("given", {"agreed"}),
        ("not_given", {"withdrew", "refused", "silent"}),
        ("withdrawn", {"withdrew", "refused"}),
    ],
)
def test_answers(
    workspace: Workspace, people: dict[str, Contact], operator: str, expected: set[str]
) -> None:
    assert matching(workspace, when("open_consent", "opens", operator)) == expected


def test_the_answer_is_told(workspace: Workspace, people: dict[str, Contact]) -> None:
    rule = Group(ALL, (when("open_consent", "opens", "given"),))
    checked, known = segments.context(workspace, rule, at=NOW)
    told = {name: segments.ask(checked, known, one)[1].value for name, one in people.items()}
    assert told == {
        "agreed": "given",
        "withdrew": "refused or withdrawn",
        "refused": "refused or withdrawn",
        "silent": "no answer",
    }
