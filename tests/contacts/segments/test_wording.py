"""Rules in words, in both languages."""

import pytest
from django.utils import translation

from contacts.segments import wording
from contacts.segments.kinds import Subject, Subjects
from contacts.segments.operators import DATE, NUMBER, TEXT
from contacts.segments.rules import ALL, ANY, NONE, Condition, Group

SUBJECTS = Subjects(
    {
        "attribute": [
            Subject("city", "City", TEXT),
            Subject("points", "Points", NUMBER),
            Subject("birthday", "Birthday", DATE),
        ]
    }
)


def one(subject: str, operator: str, *values: object) -> Condition:
    return Condition("attribute", subject, operator, values)


CITY = one("city", "is", "上海")
RICH = one("points", "above", 1500)
BORN = one("birthday", "anniversary", 7)
RULES = [
    (Group(ALL, (CITY,)), "City is “上海”", "City是“上海”"),
    (
        Group(ALL, (CITY, Group(ANY, (RICH, BORN)))),
        "City is “上海” and (Points > 1,500 or the anniversary of Birthday is in the next 7 days)",
        "City是“上海”，且（Points > 1,500，或Birthday的周年日在未来 7 天内）",
    ),
    (
        Group(NONE, (CITY, RICH)),
        "none of these: City is “上海” or Points > 1,500",
        "以下均不符合：City是“上海”，或Points > 1,500",
    ),
    (
        Group(ALL, (one("city", "one_of", "a", "b", "c", "d", "e"),)),
        "City is one of “a”, “b”, “c” and 2 more",
        "City是“a”、“b”、“c”以及另外 2 项之一",
    ),
    (
        Group(ALL, (one("birthday", "from_to", "2026-03-01", "2026-03-09"),)),
        "Birthday is from 1 Mar 2026 to 9 Mar 2026",
        "Birthday在 2026年3月1日 至 2026年3月9日 之间",
    ),
    (
        Group(ALL, (one("gone", "is", "x"),)),
        "something that no longer exists",
        "已不存在的条件",
    ),
]


@pytest.mark.parametrize(("rule", "english", "_chinese"), RULES)
def test_english(rule: Group, english: str, _chinese: str) -> None:
    with translation.override("en"):
        assert wording.rule(rule, SUBJECTS) == english


@pytest.mark.parametrize(("rule", "_english", "chinese"), RULES)
def test_chinese(rule: Group, _english: str, chinese: str) -> None:
    with translation.override("zh-hans"):
        assert wording.rule(rule, SUBJECTS) == chinese


def test_a_group_has_a_heading_where_its_items_have_lines() -> None:
    for word in (ALL, ANY, NONE):
        assert wording.line(Group(word, (CITY,)), SUBJECTS) == f"matches {word} of these:"
    assert wording.line(CITY, SUBJECTS) == "City is “上海”"
