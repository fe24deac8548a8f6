"""What the builder shows: what is wrong stands beside it, and long choices are narrowed."""

from contacts.segments.checking import Problem
from contacts.segments.kinds import Found, Subject, Subjects
from contacts.segments.operators import TEXT
from contacts.segments.rules import ALL, ANY, Condition, Group, Path
from contacts.segments.showing import shown
from tests.contacts.segments.test_drafting import CITY, RULE, SUBJECTS


def test_problems_stand_beside_their_condition() -> None:
    problems = [Problem((1, 0), "value", "Enter a value."), Problem((1,), "", "Wrong group.")]
    item = shown(RULE, SUBJECTS, problems)
    assert item.problems == {}
    assert item.items[1].problems == {"": "Wrong group."}
    assert item.items[1].items[0].problems == {"value": "Enter a value."}
    assert item.items[1].items[0].described == "problem_r_1_0"
    assert item.items[1].items[0].invalid == "true"


def test_what_no_longer_exists_is_still_shown() -> None:
    gone = Group(ALL, (Condition("attribute", "gone", "is", ("x",)), Condition("list", "9", "is")))
    item = shown(gone, SUBJECTS, [])
    options = [o for _heading, some in item.items[0].abouts for o in some if o.chosen]
    assert [(o.value, o.label) for o in options] == [("attribute:gone", "(no longer exists)")]
    assert [(o.value, o.label) for o in item.items[1].subjects if o.chosen] == [
        ("9", "(no longer exists)")
    ]


def test_a_search_narrows_the_choice() -> None:
    some = tuple(Subject(str(number), f"Tag {number}", TEXT) for number in (1, 2, 7))
    own = Subjects({"list": [Subject("any", "Any", TEXT), Subject("9", "Chosen", TEXT), *some]})
    rule = Group(ALL, (CITY, Group(ANY, (Condition("list", "9", "is", ("x",)),))))

    def offered(*searches: Found) -> tuple[list[str], Found | None]:
        narrowed: dict[Path, Found] = {(1, 0): searches[0]} if searches else {}
        item = shown(rule, own, [], narrowed).items[1].items[0]
        assert [one.value for one in item.subjects if one.chosen] == ["9"]
        return [one.value for one in item.subjects], item.search

    everything = ["any", "9", "1", "2", "7"]
    assert offered() == (everything, None)
    # All are offered already, and nobody searched.
    assert offered(Found("", some, 3)) == (everything, None)
    for found in (Found("", some[:1], 3), Found("tag 1", some[:1], 1)):
        assert offered(found) == (["any", "9", "1"], found)
