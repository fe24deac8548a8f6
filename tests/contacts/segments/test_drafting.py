"""A rule while it is edited: read from the builder's form, changed by its buttons, shown again."""

import pytest
from django.http import QueryDict

from contacts.segments import drafting
from contacts.segments.drafting import EMPTY, NEW, change, read, settle
from contacts.segments.kinds import Subject, Subjects
from contacts.segments.operators import (
    ALWAYS,
    CHOICE,
    DATE,
    MOMENT,
    NUMBER,
    TEXT,
    Operator,
    Takes,
)
from contacts.segments.rules import ALL, ANY, NONE, Condition, Group
from contacts.segments.showing import Item, shown

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
        if one.operators:
            form[f"boxes_{one.place}"] = one.boxes
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


TYPED = Subjects(
    {
        "person": [
            Subject("email", "E-mail address", ALWAYS, type="email"),
            Subject("first_name", "First name", TEXT),
            Subject("created", "Date added", MOMENT),
        ],
        "attribute": [
            Subject("city", "City", TEXT, type="text"),
            Subject("points", "Points", NUMBER, type="number"),
            Subject("birthday", "Birthday", DATE, type="date"),
            Subject("plan", "Plan", CHOICE, (("Gold", "Gold"),), "choice"),
            Subject("level", "Level", CHOICE, (("Gold", "Gold"),), "choice"),
            Subject("tier", "Tier", CHOICE, (("Gold", "Gold"), ("Tin", "Tin")), "choice"),
        ],
        "mail": [
            Subject(
                "any",
                "any campaign",
                (
                    Operator("sent", "was sent", "", Takes.TIMES),
                    Operator("never_opened", "never opened", "", Takes.WITHIN),
                ),
            )
        ],
    }
)


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        (("mail", "any", "sent", "1", ""), ("mail", "any", "never_opened"), ()),
        (("mail", "any", "sent", "3", "30"), ("mail", "any", "never_opened"), ("30",)),
        (("mail", "any", "never_opened", "90"), ("mail", "any", "sent"), ("", "90")),
        (("attribute", "points", "equal", "30"), ("person", "created", "last_days"), ()),
        (("attribute", "birthday", "on", "1990-11-30"), ("attribute", "birthday", "anniversary"),
         ()),
        (("attribute", "birthday", "on", "1990-11-30"), ("attribute", "birthday", "from_to"),
         ("1990-11-30", "")),
        (("attribute", "birthday", "last_days", "7"), ("attribute", "birthday", "next_days"),
         ("7",)),
        (("attribute", "points", "between", "1", "5"), ("attribute", "points", "above"), ("1",)),
        (("attribute", "points", "equal", "30"), ("attribute", "city", "is"), ()),
        (("attribute", "city", "is", "Bern"), ("person", "first_name", "contains"), ("Bern",)),
        (("attribute", "city", "is", "Bern"), ("attribute", "city", "one_of"), ("Bern",)),
        (("attribute", "city", "one_of", "Bern\nOslo"), ("attribute", "city", "is"), ()),
        (("person", "email", "is", "a@b.example"), ("person", "first_name", "is"), ()),
        (("attribute", "plan", "is", "Gold"), ("attribute", "level", "is_not"), ("Gold",)),
        (("attribute", "tier", "is", "Tin"), ("attribute", "plan", "is"), ()),
        (("attribute", "tier", "is", "Tin"), ("attribute", "city", "is"), ()),
    ],
)  # fmt: skip
def test_a_value_is_kept_where_its_box_means_the_same(
    before: tuple[str, ...], after: tuple[str, str, str], kept: tuple[str, ...]
) -> None:
    kind, subject, operator, *values = before
    old = Condition(kind, subject, operator, tuple(values))
    form = form_of(shown(Group(ALL, (old,)), TYPED, []))
    form.setlist("value_r_0", values)
    assert settle(read(form), TYPED, form).items == (old,)
    kind, subject, operator = after
    form["about_r_0"] = kind if kind == "mail" else f"{kind}:{subject}"
    form["subject_r_0"], form["operator_r_0"] = subject, operator
    assert settle(read(form), TYPED, form).items == (Condition(*after, kept),)


def test_a_share_begins_with_a_code_that_can_be_renewed() -> None:
    own = Subjects(
        {"share": [Subject("", "Random share", (Operator("in", "is", "", Takes.SHARE),))]}
    )
    begun = settle(Group(ALL, (Group(ANY, (Condition("share", "", ""),)),)), own)
    item = shown(begun, own, []).items[0].items[0]
    assert (item.first, item.second, item.boxes) == ("0", "50", "share share_2 code")
    assert item.third
    # The code stays until somebody asks for another.
    assert settle(begun, own) == begun
    renewed = change(begun, "renew:r_0_0")
    after = shown(renewed.rule, own, []).items[0].items[0]
    assert (after.first, after.second) == ("0", "50")
    assert after.third not in {"", item.third}
    assert renewed.focus == "renew_r_0_0"
    for place in ("r", "r_0", "r_7", "r_0_0_0"):
        assert change(begun, f"renew:{place}").rule == begun


def test_an_operator_that_nothing_has_stays_wrong() -> None:
    crafted = Group(ALL, (Condition("attribute", "city", "crafted", ("x",)),))
    assert settle(crafted, SUBJECTS) == crafted
    # That of another subject, and none, become the first one.
    for operator in ("above", ""):
        rule = Group(ALL, (Condition("attribute", "city", operator, ("x",)),))
        assert settle(rule, SUBJECTS) == Group(ALL, (Condition("attribute", "city", "is", ("x",)),))
