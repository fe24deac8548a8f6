"""The columns of the table of contacts as a choice that is stored."""

import pytest

from accounts.models import Workspace
from contacts import peoplecolumns
from contacts.models import Attribute
from contacts.peoplecolumns import MOST, Column

pytestmark = pytest.mark.django_db


@pytest.fixture
def columns(workspace: Workspace, other_workspace: Workspace) -> list[Column]:
    Attribute.objects.create(workspace=workspace, key="city", label="City")
    Attribute.objects.create(workspace=workspace, key="language", label="Language")
    Attribute.objects.create(workspace=other_workspace, key="secret", label="Secret")
    return peoplecolumns.available(workspace)


def test_what_there_is(columns: list[Column]) -> None:
    keys = [column.key for column in columns]
    assert keys[:7] == "name first_name last_name domain status lists tags".split()
    assert {"attribute:city", "attribute:language", "added", "last_opened_at"} <= set(keys)
    assert "attribute:secret" not in keys
    assert len(keys) == len(set(keys))


def test_a_stored_choice(columns: list[Column]) -> None:
    stored = ["added", "attribute:gone", "added", 7, "attribute:city"]
    choice = peoplecolumns.chosen(columns, stored)
    assert choice.keys == ["added", "attribute:city"]
    assert choice.gone == ["gone", "7"]


def test_a_choice_is_bounded(columns: list[Column]) -> None:
    choice = peoplecolumns.chosen(columns, [f"x{number}" for number in range(1_000)])
    assert len(choice.gone) == MOST


def test_all_for_the_form(columns: list[Column]) -> None:
    ordered = peoplecolumns.ordered(columns, ["tags", "name"])
    assert [column.key for column in ordered[:3]] == ["tags", "name", "first_name"]
    assert sorted(column.key for column in ordered) == sorted(column.key for column in columns)
