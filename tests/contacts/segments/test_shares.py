"""Random shares: the same people each time, evenly spread, without overlaps within a code."""

import pytest
from django.db import connection

from accounts.models import Workspace
from contacts.queries import segments
from contacts.segments import shares, wording
from contacts.segments.checking import RuleError
from contacts.segments.rules import ALL, Condition, Group
from contacts.segments.sql import Sql, given, put
from tests.contacts.segments.scene import group, matching, when
from tests.factories import make_contact

MANY = 100_000


def share(start: object, end: object, code: str = "k7x2pq") -> Condition:
    return when("share", "", "in", start, end, code)


def counted(of: Sql, where: Sql | None = None) -> dict[int, int]:
    """{value: how many of the ids from 1 to MANY have it}"""
    sql = put(
        "SELECT {}, count(*) FROM generate_series(1, {}) id WHERE {} GROUP BY 1",
        of,
        given(MANY, "bigint"),
        where or Sql("true"),
    )
    with connection.cursor() as cursor:
        cursor.execute(sql.text, sql.parameters)
        return dict(cursor.fetchall())


@pytest.mark.django_db
@pytest.mark.parametrize("code", ["a", "b", "k7x2pq"])
def test_it_is_even(code: str) -> None:
    """Of each hundredth, at most five standard deviations (of a binomial) from the expected."""
    found = counted(put("{} / 100", shares.place(Sql("id"), code)))
    expected = MANY / 100
    assert sorted(found) == list(range(100))
    assert max(abs(one - expected) for one in found.values()) < 5 * (expected * 0.99) ** 0.5


@pytest.mark.django_db
def test_codes_do_not_depend_on_each_other() -> None:
    """Half of one code's first half is in the first half of another."""
    first = shares.within(Sql("id"), (0, 50, "a"))
    both = counted(shares.within(Sql("id"), (0, 50, "b")), first)
    assert abs(both[True] - MANY / 4) < 5 * (MANY / 4 * 0.75) ** 0.5


@pytest.mark.django_db
def test_the_places_never_change() -> None:
    """A stored share means the same people after an upgrade of this code or of PostgreSQL."""
    sql = put("SELECT {} FROM unnest({}) id", shares.place(Sql("id"), "k7x2pq"), IDS)
    with connection.cursor() as cursor:
        cursor.execute(sql.text, sql.parameters)
        assert [place for (place,) in cursor.fetchall()] == PLACES


IDS = Sql("ARRAY[1, 2, 1000000, 3000000000]::bigint[]")
PLACES = [4435, 6819, 8056, 468]


@pytest.mark.django_db
def test_shares_of_one_code_never_overlap_and_are_everybody(workspace: Workspace) -> None:
    names = {make_contact(workspace, f"p{n}@x.example").email.split("@")[0] for n in range(60)}
    parts = [
        matching(workspace, share(0, 33.33)),
        matching(workspace, share(33.33, 66)),
        matching(workspace, share(66, 100)),
    ]
    assert all(parts)
    assert set.union(*parts) == names
    assert sum(map(len, parts)) == 60
    assert matching(workspace, share("0", "33.33 %", "Ｋ7X2PQ")) == parts[0]
    assert matching(workspace, share(0, 33.33, "other")) != parts[0]
    assert matching(workspace, group("none", share(0, 66))) == parts[2]


@pytest.mark.django_db
def test_it_is_told(workspace: Workspace) -> None:
    person = make_contact(workspace, "ann@x.example")
    rule, known = segments.context(workspace, Group(ALL, (share(0, 12.5),)))
    told = wording.rule(rule, known.subjects)
    assert told == "is in the random share from 0% to 12.5% (code k7x2pq)"
    value = segments.ask(rule, known, person)[1].value
    assert value.startswith("at ")
    assert 0 <= float(value.removeprefix("at ").removesuffix("%")) < 100


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((50, 50, "a"), "above the first"),
        ((-1, 50, "a"), "from 0 to 100"),
        ((0, 100.1, "a"), "from 0 to 100"),
        ((0, 33.333, "a"), "two decimals"),
        (("", "50", "a"), "from 0 to 100"),
        ((0, 50, ""), "Enter a code"),
        ((0, 50, "x'y"), "Enter a code"),
        ((0, 50, "x" * 21), "Enter a code"),
        ((0, 50), "Enter a code"),
    ],
)
def test_wrong_values(workspace: Workspace, values: tuple[object, ...], said: str) -> None:
    with pytest.raises(RuleError, match=said):
        segments.context(workspace, Group(ALL, (when("share", "", "in", *values),)))


def test_a_new_code_can_be_read() -> None:
    codes = {shares.new_code() for _number in range(50)}
    assert len(codes) == 50
    assert {shares.read_code(one) for one in codes} == codes
