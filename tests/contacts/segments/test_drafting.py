"""A rule while it is edited: read from the builder's form, changed by its buttons, shown again."""

import pytest
from django.http import QueryDict

from contacts.segments import drafting
from contacts.segments.checking import Problem
from contacts.segments.drafting import EMPTY, NEW, Item, change, read, settle, shown
from contacts.segments.kinds import Subject, Subjects
from contacts.segments.operators import NUMBER, TEXT
from contacts.segments.rules import ALL, ANY, NONE, Condition, Group

CITY = Condition("attribute", "city", "is", ("上海",))
LIST = Condition("list", "7", "begins", ("x",))
RULE = Group(ALL, (CITY, Group(ANY, (LIST, EMPTY))))
SUBJECTS = Subjects(
    {
        "attribute": [
            Subject("city", "City", TEXT),
            Subject("points", "Points", NUMBER),
        ],
        "list": [Subject("7", "News", TEXT)],
    }
)


def form_of(item: Item) -> QueryDict:
    """What a browser sends for the builder."""
    form = QueryDict(mutable=True)

    def add(one: Item) -> None:
        if one.is_group:
            form[f"match_{one.place}"] = next(word.value for word in one.words if word.chosen)
            for inner in one.items:
                add(inner)
            return
        abouts = [option for _heading, options in one.abouts for option in options]
        form[f"about_{one.place}"] = next((o.value for o in abouts if o.chosen), "")
        if one.subjects:
            form[f"subject_{one.place}"] = next((o.value for o in one.subjects if o.chosen), "")
        if one.operators:
            form[f"operator_{one.place}"] = next((o.value for o in one.operators if o.chosen), "")
        if one.takes != "nothing":
            form.setlist(f"value_{one.place}", [one.first])

    add(item)
    return form


def test_what_is_shown_is_read() -> None:
    settled = settle(RULE, SUBJECTS)
    assert read(form_of(shown(settled, SUBJECTS, []))) == settled


def test_without_a_form_it_is_new() -> None:
    assert read(QueryDict()) == NEW
    assert read(QueryDict("match_r=what")) == Group(ALL, ())


def test_a_form_is_read_to_the_greatest_depth() -> None:
    deep = "&".join(f"match_{'_'.join(['r'] + ['0'] * n)}=none" for n in range(50))
    depth, group = 0, read(QueryDict(deep))
    while group.items:
        assert isinstance(group.items[0], Group)
        depth, group = depth + 1, group.items[0]
    assert depth == 3  # one too many, so that it is told


def test_buttons_change_the_rule() -> None:
    assert change(NEW, "add:r") == drafting.Change(Group(ALL, (EMPTY, EMPTY)), "about_r_1")
    assert change(NEW, "add_group:r") == drafting.Change(
        Group(ALL, (EMPTY, Group(ANY, (EMPTY,)))), "about_r_1_0"
    )
    assert change(RULE, "add:r_1").rule.items[1] == Group(ANY, (LIST, EMPTY, EMPTY))
    assert change(RULE, "remove:r_1_0") == drafting.Change(
        Group(ALL, (CITY, Group(ANY, (EMPTY,)))), "add_r_1"
    )
    assert change(RULE, "remove:r_1").rule == Group(ALL, (CITY,))
    assert change(NEW, "remove:r_0").rule == Group(ALL, ())


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "save",
        "add",
        "add:",
        "add:x",
        "add:r_9",
        "add:r_0",
        "add:r_0_0_0_0_0",
        "add:r_¹",
        f"add:r_{'9' * 5000}",
        "remove:r",
        "remove:r_7",
        "remove:r_0_0",
        "explode:r",
    ],
)
def test_other_words_change_nothing(asked: str) -> None:
    assert change(RULE, asked).rule == RULE


def test_no_group_is_added_too_deep() -> None:
    inner = Group(ALL, (Group(ALL, (Group(NONE, ()),)),))
    assert change(inner, "add_group:r_0_0").rule == inner


def test_an_operator_fits_its_subject() -> None:
    other = Condition("attribute", "points", "contains", ("5",))
    gone = Condition("attribute", "gone", "contains", ("5",))
    settled = settle(Group(ALL, (other, gone)), SUBJECTS)
    assert settled.items == (Condition("attribute", "points", "equal", ("5",)), gone)


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
