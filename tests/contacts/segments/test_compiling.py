"""Groups of conditions are compiled to what they mean, whatever the kinds of conditions in them."""

import itertools
import random
from typing import Any

import pytest
from django.db import connection

from accounts.models import Workspace
from contacts.models import Contact, List, Subscription
from contacts.queries import segments
from contacts.segments import compiling
from contacts.segments.rules import ALL, ANY, NONE, Condition, Group
from tests.contacts.segments.scene import group, make_segment, matching, when
from tests.factories import make_contact, make_list

pytestmark = pytest.mark.django_db

TEXTS = ["", "a", "b"]


@pytest.fixture
def people(workspace: Workspace) -> list[Contact]:
    """Contacts with every combination of two names and a subscription."""
    target = List.objects.create(workspace=workspace, name="News")
    found = []
    for number, (first, last, on) in enumerate(itertools.product(TEXTS, TEXTS, (False, True))):
        one = make_contact(workspace, f"p{number}@x.example", first_name=first, last_name=last)
        if on:
            Subscription.objects.create(list=target, contact=one)
        found.append(one)
    return found


def leaves(target: List) -> list[Condition]:
    return [
        when("person", "first_name", "is", "a"),
        when("person", "first_name", "is_not", "b"),
        when("person", "last_name", "filled"),
        when("list", str(target.pk), "subscribed"),
        when("list", str(target.pk), "not_subscribed"),
        when("suppressed", "", "yes"),
    ]


def expected(item: Condition | Group, person: Contact) -> bool:
    """What the rule means, said once more in Python."""
    if isinstance(item, Group):
        answers = [expected(one, person) for one in item.items]
        if item.match == ALL:
            return all(answers)
        return any(answers) if item.match == ANY else not any(answers)
    if item.kind == "suppressed":
        return False
    if item.kind == "list":
        return person.subscriptions.exists() == (item.operator == "subscribed")
    value = getattr(person, item.subject)
    return bool({"is": value == "a", "is_not": value != "b", "filled": value}[item.operator])


def trees(some: list[Condition]) -> list[Group]:
    """All groups of up to two conditions, and groups of three levels at random."""
    choose = random.Random(7)  # noqa: S311
    pairs = [
        group(word, *items)
        for word in (ALL, ANY, NONE)
        for items in itertools.combinations(some, 2)
    ]
    words = [ALL, ANY, NONE]
    deep = [
        group(
            choose.choice(words),
            choose.choice(some),
            group(choose.choice(words), choose.choice(some), choose.choice(pairs)),
        )
        for _number in range(40)
    ]
    return [*(group(NONE, one) for one in some), *pairs, *deep]


def test_each_tree_finds_what_it_means(workspace: Workspace, people: list[Contact]) -> None:
    for tree in trees(leaves(List.objects.get())):
        wanted = {one.email.split("@")[0] for one in people if expected(tree, one)}
        assert matching(workspace, tree) == wanted, tree


def test_a_workspace_that_the_statistics_do_not_know(
    workspace: Workspace, other_workspace: Workspace
) -> None:
    """The planner expects one contact there. Even so, no level of a rule is computed again for each
    contact of the level above."""
    make_list(other_workspace, [f"o{number}@x.example" for number in range(3000)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contacts_contact, contacts_subscription")
    people = 200
    target = make_list(workspace, [f"p{number}@x.example" for number in range(people)])
    on = when("list", str(target.pk), "subscribed")
    rule = group(NONE, group(ANY, group(NONE, on, when("person", "last_name", "filled"))))
    wide = group(NONE, group(NONE, group(NONE, on), on), group(ANY, group(NONE, on), on))
    inner = make_segment(workspace, group(ANY, group(NONE, on)), name="Inner")
    outer = group(NONE, when("segment", str(inner.pk), "in"), group(NONE, on))
    for one, expected in ((rule, people), (wide, 0), (outer, people)):
        checked, known = segments.context(workspace, one)
        sql = compiling.people(checked, known)
        with segments.patient(60), connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql.text}", sql.parameters)
            [[[plan]]] = cursor.fetchall()
        assert segments.count(checked, known) == expected
        assert work(plan["Plan"]) < 30 * people**2


def work(plan: dict[str, Any]) -> int:
    """The rows that all nodes of a plan gave or passed over."""
    rows = plan["Actual Rows"] + plan.get("Rows Removed by Join Filter", 0)
    rows += plan.get("Rows Removed by Filter", 0)
    return int(rows * plan["Actual Loops"]) + sum(work(one) for one in plan.get("Plans", ()))


def test_another_workspace_is_not_read(
    workspace: Workspace, other_workspace: Workspace, people: list[Contact]
) -> None:
    make_contact(other_workspace, "there@x.example", first_name="a")
    everybody = {one.email.split("@")[0] for one in people}
    for tree in trees(leaves(List.objects.get()))[:40]:
        assert matching(workspace, tree) <= everybody


def test_what_a_person_typed_is_never_sql(workspace: Workspace, people: list[Contact]) -> None:
    for text in ("a' OR 'a' = 'a", "%s", "%(x)s", "{}", "{0}", "\\", '"', "'; --", "%"):
        for operator in ("is", "contains", "begins", "one_of", "contains_not"):
            found = matching(workspace, when("person", "first_name", operator, text))
            wanted = {one.email.split("@")[0] for one in people}
            assert found == (wanted if operator == "contains_not" else set()), (text, operator)
