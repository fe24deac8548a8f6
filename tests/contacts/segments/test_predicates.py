"""Conditions on a value, by its type: each operator on each kind of value."""

import datetime as dt
from typing import Any

import pytest

from accounts.models import Workspace
from contacts.models import Attribute, Contact
from contacts.segments import predicates
from contacts.segments.rules import Condition
from tests.contacts.segments.scene import attribute, matching, when
from tests.factories import make_contact

pytestmark = pytest.mark.django_db


@pytest.fixture
def have(workspace: Workspace) -> Any:
    """Makes contacts with these values of the attribute "x"."""

    def have(type_: str, choices: list[str] | None = None, **values: Any) -> None:
        Attribute.objects.create(
            workspace=workspace, key="x", label="X", type=type_, choices=choices or []
        )
        for name, value in values.items():
            stored = {} if value is None else {"x": value}
            make_contact(workspace, f"{name}@x.example", attributes=stored)

    return have


TEXTS = {
    "city": "上海",
    "wide": "ＡＢＣ店",
    "narrow": "abc店",
    "straight": "100%_\\x",
    "empty": "",
    "spaces": "  ",
    "none": None,
    "russian": "МОСКВА",
}
OF_TEXT = [
    ("is", ["上海"], {"city"}),
    ("is", ["ABC店"], {"wide", "narrow"}),
    ("is", ["москва"], {"russian"}),
    ("is_not", ["上海"], TEXTS.keys() - {"city"}),
    ("contains", ["BC"], {"wide", "narrow"}),
    ("contains", ["%"], {"straight"}),
    ("contains", ["_\\"], {"straight"}),
    ("contains_not", ["店"], TEXTS.keys() - {"wide", "narrow"}),
    ("begins", ["ｂ"], set()),
    ("begins", ["ａ"], {"wide", "narrow"}),
    ("one_of", ["ａＢｃ店", "上海"], {"wide", "narrow", "city"}),
    ("none_of", ["ａＢｃ店", "上海"], TEXTS.keys() - {"wide", "narrow", "city"}),
    ("blank", [], {"empty", "spaces", "none"}),
    ("filled", [], {"city", "wide", "narrow", "straight", "russian"}),
]


@pytest.mark.parametrize(("operator", "values", "expected"), OF_TEXT)
def test_texts(
    workspace: Workspace, have: Any, operator: str, values: list[str], expected: set[str]
) -> None:
    have("text", **TEXTS)
    assert matching(workspace, attribute("x", operator, *values)) == set(expected)


def test_choices(workspace: Workspace, have: Any) -> None:
    have("choice", ["Gold", "Silver"], a="Gold", b="Silver", c=None)
    assert matching(workspace, attribute("x", "is", "Gold")) == {"a"}
    assert matching(workspace, attribute("x", "is_not", "Gold")) == {"b", "c"}
    assert matching(workspace, attribute("x", "one_of", "gold\nSILVER")) == {"a", "b"}


# A value of another type, which older versions of the attribute left, is no number.
NUMBERS = {"one": 1, "half": 0.5, "ten": 10, "minus": -3, "text": "5", "none": None}
OF_NUMBER = [
    ("equal", ["1"], {"one"}),
    ("equal", ["0.50"], {"half"}),
    ("unequal", ["1"], {"half", "ten", "minus", "text", "none"}),
    ("below", ["1"], {"half", "minus"}),
    ("at_most", ["1"], {"half", "minus", "one"}),
    ("above", ["1"], {"ten"}),
    ("at_least", ["1"], {"ten", "one"}),
    ("between", ["0.5", "1"], {"half", "one"}),
    ("blank", [], {"none"}),
    ("filled", [], NUMBERS.keys() - {"none"}),
]


@pytest.mark.parametrize(("operator", "values", "expected"), OF_NUMBER)
def test_numbers(
    workspace: Workspace, have: Any, operator: str, values: list[str], expected: set[str]
) -> None:
    have("number", **NUMBERS)
    assert matching(workspace, attribute("x", operator, *values)) == set(expected)


def test_yes_and_no(workspace: Workspace, have: Any) -> None:
    have("boolean", yes=True, no=False, none=None, text="true")
    assert matching(workspace, attribute("x", "yes")) == {"yes"}
    assert matching(workspace, attribute("x", "no")) == {"no"}
    assert matching(workspace, attribute("x", "blank")) == {"none"}


# Today is 2026-03-10.
DATES = {
    "today": "2026-03-10",
    "yesterday": "2026-03-09",
    "tomorrow": "2026-03-11",
    "week": "2026-03-03",
    "born": "1990-03-12",
    "wrong": "soon",
    "none": None,
}
OF_DATE = [
    ("on", ["2026-03-09"], {"yesterday"}),
    ("before", ["2026-03-03"], {"born"}),
    ("after", ["2026-03-10"], {"tomorrow"}),
    ("from_to", ["2026-03-03", "2026-03-09"], {"week", "yesterday"}),
    ("last_days", [7], {"today", "yesterday", "week"}),
    ("last_days", [0], {"today"}),
    ("next_days", [1], {"today", "tomorrow"}),
    ("last_days", [36_500], {"today", "yesterday", "week", "born"}),
    ("anniversary", [2], {"today", "tomorrow", "born"}),
    ("anniversary", [0], {"today"}),
    ("anniversary", [36_500], DATES.keys() - {"wrong", "none"}),
    ("blank", [], {"none"}),
]


@pytest.mark.parametrize(("operator", "values", "expected"), OF_DATE)
def test_dates(
    workspace: Workspace, have: Any, operator: str, values: list[Any], expected: set[str]
) -> None:
    have("date", **DATES)
    assert matching(workspace, attribute("x", operator, *values)) == set(expected)


def test_moments_have_the_days_of_the_workspaces_zone(workspace: Workspace) -> None:
    workspace.timezone = "Asia/Shanghai"
    workspace.save()
    for name, moment in (
        ("late", dt.datetime(2026, 3, 8, 15, 59, tzinfo=dt.UTC)),  # 8 March, 23:59 there
        ("early", dt.datetime(2026, 3, 8, 16, 0, tzinfo=dt.UTC)),  # 9 March, 00:00
        ("last", dt.datetime(2026, 3, 9, 15, 59, 59, tzinfo=dt.UTC)),
        ("next", dt.datetime(2026, 3, 9, 16, 0, tzinfo=dt.UTC)),
    ):
        one = make_contact(workspace, f"{name}@x.example")
        Contact.objects.filter(pk=one.pk).update(created_at=moment)

    def found(operator: str, *values: Any) -> set[str]:
        return matching(workspace, when("person", "created", operator, *values))

    assert found("on", "2026-03-09") == {"early", "last"}
    assert found("before", "2026-03-09") == {"late"}
    assert found("after", "2026-03-09") == {"next"}
    assert found("from_to", "2026-03-08", "2026-03-09") == {"late", "early", "last"}
    # At 12:00 UTC on 10 March it is 20:00 there.
    assert found("last_days", 1) == {"early", "last", "next"}


def test_a_leap_day_is_kept_in_other_years() -> None:
    assert predicates.anniversaries(dt.date(2026, 2, 27), 1) == ["02-27", "02-28", "02-29"]
    assert predicates.anniversaries(dt.date(2028, 2, 27), 1) == ["02-27", "02-28"]
    assert predicates.anniversaries(dt.date(2025, 12, 31), 1) == ["01-01", "12-31"]
    assert len(predicates.anniversaries(dt.date(2026, 1, 1), 10**6)) == 366


def test_days_beyond_the_calendar_are_its_ends() -> None:
    today = dt.date(9999, 12, 30)
    assert predicates.span(Condition("", "", "next_days", (36_500,)), today)[1] == today
    first, _last = predicates.span(Condition("", "", "last_days", (36_500,)), dt.date(5, 1, 1))
    assert first == dt.date(1, 1, 2)


def test_the_first_and_the_last_day_of_the_calendar(workspace: Workspace, have: Any) -> None:
    have("date", first="0001-01-01", last="9999-12-31", none=None)

    def found(operator: str, *values: Any) -> set[str]:
        return matching(workspace, attribute("x", operator, *values))

    assert found("before", "0001-01-01") == set()
    assert found("before", "0001-01-02") == {"first"}
    assert found("after", "9999-12-31") == set()
    assert found("after", "9999-12-30") == {"last"}
    assert found("on", "9999-12-31") == {"last"}
    assert found("on", "0001-01-01") == {"first"}
    assert found("from_to", "0001-01-01", "9999-12-31") == {"first", "last"}
    everybody = {"first", "last", "none"}
    for operator, day, expected in (
        ("on", "9999-12-31", set()),
        ("on", "0001-01-01", set()),
        ("before", "0001-01-01", set()),
        ("before", "9999-12-31", everybody),
        ("after", "9999-12-31", set()),
        ("after", "0001-01-01", everybody),
    ):
        for zone in ("UTC", "Asia/Shanghai", "Pacific/Honolulu"):
            Workspace.objects.filter(pk=workspace.pk).update(timezone=zone)
            workspace.refresh_from_db()
            rule = when("person", "created", operator, day)
            assert matching(workspace, rule) == expected, (operator, day, zone)
    rule = when("person", "created", "from_to", "0001-01-01", "9999-12-31")
    assert matching(workspace, rule) == everybody
