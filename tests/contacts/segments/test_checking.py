"""A rule is checked against what the workspace has; a sentence stands beside what is wrong."""

import pytest

from contacts.segments.checking import RuleError, check, hopeless
from contacts.segments.kinds import Subject, Subjects
from contacts.segments.operators import CHOICE, NUMBER, TEXT, Operator, Takes
from contacts.segments.rules import ALL, ANY, Condition, Group

SUBJECTS = Subjects(
    {
        "attribute": [
            Subject("city", "City", TEXT),
            Subject("points", "Points", NUMBER),
            Subject("class", "Class", CHOICE, (("Gold", "Gold"),)),
        ],
        "list": [Subject("7", "News", TEXT)],
    }
)
CITY = Condition("attribute", "city", "is", (" 上海 ",))


def problems(*items: Condition | Group) -> list[tuple[tuple[int, ...], str, str]]:
    with pytest.raises(RuleError) as raised:
        check(Group(ALL, items), SUBJECTS)
    return [(one.path, one.part, one.text) for one in raised.value.problems]


def test_values_get_their_stored_form() -> None:
    rule = Group(ALL, (CITY, Group(ANY, (Condition("attribute", "points", "above", ("5",)),))))
    assert check(rule, SUBJECTS) == Group(
        ALL,
        (
            Condition("attribute", "city", "is", ("上海",)),
            Group(ANY, (Condition("attribute", "points", "above", (5,)),)),
        ),
    )


@pytest.mark.parametrize(
    ("wrong", "part", "text"),
    [
        (Condition("", "", ""), "about", "Choose what the condition is about."),
        (Condition("nonsense", "", ""), "about", "Choose what the condition is about."),
        (Condition("attribute", "gone", "is", ("x",)), "about", "no longer exists"),
        (Condition("list", "", ""), "subject", "Choose one."),
        (Condition("list", "9", "is"), "subject", "no longer exists"),
        (Condition("attribute", "city", "above", ("1",)), "operator", "Choose how to compare."),
        (Condition("attribute", "city", "is", ()), "value", "Enter a value."),
        (Condition("attribute", "points", "above", ("x",)), "value", "Enter a number"),
        (Condition("attribute", "class", "is", ("Lead",)), "value", "Choose a value."),
    ],
)
def test_each_mistake_is_told_where_it_is(wrong: Condition, part: str, text: str) -> None:
    found = problems(CITY, Group(ANY, (CITY, wrong)))
    assert [(path, where) for path, where, _text in found] == [((1, 1), part)]
    assert text in found[0][2]


def test_all_mistakes_are_told_at_once() -> None:
    wrong = Condition("attribute", "city", "is", ())
    found = problems(wrong, Group(ANY, ()), wrong)
    assert [path for path, _part, _text in found] == [(0,), (1,), (2,)]
    assert found[1][2] == "Add a condition."


def test_depth_and_size_are_bounded() -> None:
    deep = Group(ALL, (Group(ALL, (Group(ALL, (CITY,)),)),))
    assert ((0, 0, 0), "", "Groups are at most three deep. Remove this one.") in problems(deep)
    assert check(Group(ALL, deep.items), SUBJECTS)
    assert "at most 50 conditions" in problems(*[CITY] * 51)[0][2]
    long = Condition("attribute", "city", "one_of", ("x" * 400_000,))
    assert "at most 500,000 characters" in problems(long, long)[0][2]
    assert "at most 30 groups" in problems(*[Group(ANY, (CITY,))] * 30)[0][2]


def test_a_hint_where_nobody_can_match() -> None:
    times = Operator("opened", "opened", "opened {subject}", Takes.TIMES)
    mails = [Subject("any", "any", (times,)), Subject("last_3", "the last 3", (times,), most=3)]
    subjects = Subjects({"mail": mails})

    def hints(subject: str, *values: int) -> list[str]:
        rule = Group(ALL, (Condition("mail", subject, "opened", values),))
        return [one.text for one in hopeless(rule, subjects)]

    assert hints("last_3", 3) == hints("any", 4) == []
    assert hints("last_3", 4, 30) == ["Nobody can match: it is about 3 campaigns."]


def test_what_is_not_complete_can_t_be_used() -> None:
    subjects = Subjects({"tag": [Subject("7", "VIPs", TEXT, incomplete="incomplete: 0 of 4")]})
    with pytest.raises(RuleError) as raised:
        check(Group(ALL, (Condition("tag", "7", "is", ("x",)),)), subjects)
    [problem] = raised.value.problems
    assert (problem.part, problem.incomplete) == ("subject", "incomplete: 0 of 4")
    assert problem.text.startswith("“VIPs” is incomplete: 0 of 4.")
