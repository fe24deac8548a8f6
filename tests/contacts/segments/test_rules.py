"""A rule as JSON: read as it was written; what is no rule is refused."""

import pytest

from contacts.segments.rules import (
    ALL,
    ANY,
    NONE,
    Condition,
    Group,
    ShapeError,
    as_json,
    read,
    subjects,
    walk,
)

ONE = Condition("attribute", "city", "is", ("上海",))
TWO = Condition("list", "7", "subscribed")
RULE = Group(ALL, (ONE, Group(ANY, (TWO, Group(NONE, (ONE,))))))


def test_what_is_written_is_read() -> None:
    assert read(as_json(RULE)) == RULE
    assert as_json(RULE)["version"] == 1


def test_items_are_walked_with_their_paths() -> None:
    assert [path for path, _item in walk(RULE)] == [(), (0,), (1,), (1, 0), (1, 1), (1, 1, 0)]
    assert subjects(RULE) == {"attribute": {"city"}, "list": {"7"}}


GOOD = {"kind": "list", "subject": "7", "operator": "in", "values": []}
DEEP = {"match": "all", "items": [{"match": "all", "items": []}]}


@pytest.mark.parametrize(
    "stored",
    [
        None,
        [],
        {},
        {"version": 2, "match": "all", "items": []},
        {"version": 1, "match": "some", "items": []},
        {"version": 1, "match": "all", "items": {}},
        {"version": 1, "match": "all", "items": ["x"]},
        {"version": 1, "match": "all", "items": [GOOD] * 51},
        {"version": 1, "match": "all", "items": [GOOD] * 500},
        {"version": 1, "match": "all", "items": [{**GOOD, "kind": 1}]},
        {"version": 1, "match": "all", "items": [{**GOOD, "values": "x"}]},
        {"version": 1, "match": "all", "items": [{**GOOD, "values": [None]}]},
        {"version": 1, "match": "all", "items": [{**GOOD, "values": [[1]]}]},
        {"version": 1, "match": "all", "items": [{"match": "all", "items": [DEEP]}]},
    ],
)
def test_what_is_no_rule_is_refused(stored: object) -> None:
    with pytest.raises(ShapeError):
        read(stored)
