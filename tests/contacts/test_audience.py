"""Audiences of all kinds of parts: who gets a mailing, and why the others don't."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Workspace
from contacts.audience import CONTACT, LIST, Audience, parts
from contacts.models import Contact, List, Subscription
from contacts.queries import audience
from contacts.queries.audience import LEFT_OUT, RECIPIENTS, Question
from sending.models import LeftOut, Mailing, Message
from sending.queries.claim import left_since
from sending.queries.parts import MAILED_WITHIN, MAILING

pytestmark = pytest.mark.django_db

Lists = Callable[..., List]
Open = Callable[[Audience], Mailing]


def names(asked: Audience, reason: str = RECIPIENTS) -> dict[str, str]:
    """{who: why not}"""
    found = audience.people(Question(asked, reason=reason), limit=100)
    return {one.address.partition("@")[0]: one.reason or "" for one in found}


def test_it_is_stored_as_it_was() -> None:
    asked = Audience(
        7,
        parts({LIST: [3, 1, 3], CONTACT: [9]}),
        parts({MAILING: [4], LIST: []}),
        ("unsubscribed",),
    )
    assert asked.as_json() == {
        "include": {"contact": [9], "list": [1, 3]},
        "exclude": {"mailing": [4]},
        "ignored": ["unsubscribed"],
    }
    assert Audience.from_json(7, asked.as_json()) == asked
    assert (asked.list_ids, asked.only_lists) == ((1, 3), False)
    assert Audience.from_json(7, {}) == Audience(7, ())


def test_people_by_name_beside_a_list(make_list: Lists, open_for: Open) -> None:
    """Once each, whoever is in both; those who are taken out by name are told so."""
    news = make_list(["a@x.example", "b@x.example"])
    make_list(["c@x.example"], name="Others")
    chosen = list(Contact.objects.filter(email__in=["b@x.example", "c@x.example"]))
    out = Contact.objects.get(email="a@x.example")
    asked = Audience(
        news.workspace_id,
        parts({LIST: [news.pk], CONTACT: [one.pk for one in chosen]}),
        parts({CONTACT: [out.pk]}),
    )
    assert audience.count(asked) == {"recipients": 2, "excluded": {"excluded_contact": 1}}
    assert names(asked) == {"b": "", "c": ""}
    assert names(asked, LEFT_OUT) == {"a": "excluded_contact"}
    mailing = open_for(asked)
    assert set(Message.objects.values_list("address", flat=True)) == {"b@x.example", "c@x.example"}
    assert LeftOut.objects.get().reason == "excluded_contact"
    # Nobody by name has left a list; who was on the list and leaves it has.
    rows = {one.address: one.pk for one in Message.objects.all()}
    assert left_since(mailing, list(rows.values())) == {}
    Subscription.objects.filter(contact__email="b@x.example").update(status="unsubscribed")
    assert left_since(mailing, list(rows.values())) == {rows["b@x.example"]: "unsubscribed"}


def test_recipients_of_another_mailing(make_list: Lists, open_for: Open) -> None:
    news = make_list(["a@x.example", "b@x.example", "c@x.example"])
    first = open_for(Audience.of_lists(news.workspace_id, [news.pk]))
    got = Message.objects.filter(mailing=first, address__in=["a@x.example", "b@x.example"])
    got.update(state=Message.State.ACCEPTED, settled_at=timezone.now())
    # Who still waits for it counts as a recipient.
    first.message_set.filter(address="c@x.example").update(state=Message.State.FAILED)
    again = Audience(news.workspace_id, parts({MAILING: [first.pk]}))
    assert names(again) == {"a": "", "b": ""}
    rest = Audience(news.workspace_id, parts({LIST: [news.pk]}), parts({MAILING: [first.pk]}))
    assert names(rest) == {"c": ""}
    [left, _] = audience.people(Question(rest, reason=LEFT_OUT), limit=9)
    assert (left.reason, left.cause_id) == ("excluded_mailing", first.pk)
    assert left.since == Message.objects.get(pk=got[0].pk).settled_at


def test_people_mailed_lately(make_list: Lists, open_for: Open) -> None:
    news = make_list(["a@x.example", "b@x.example", "c@x.example"])
    first = open_for(Audience.of_lists(news.workspace_id, [news.pk]))
    now = timezone.now()
    for address, hours in (("a@x.example", 1), ("b@x.example", 5)):
        Message.objects.filter(address=address).update(
            state=Message.State.ACCEPTED, settled_at=now - timedelta(hours=hours)
        )
    asked = Audience(news.workspace_id, parts({LIST: [news.pk]}), parts({MAILED_WITHIN: [3]}))
    assert names(asked) == {"b": "", "c": ""}
    [left] = audience.people(Question(asked, reason=LEFT_OUT), limit=9)
    assert (left.reason, left.cause_id) == ("mailed_lately", first.pk)
    # A mailing that ended before is not even looked into.
    Mailing.objects.update(state="finished", finished_at=now - timedelta(hours=4))
    assert names(asked) == {"a": "", "b": "", "c": ""}


def test_nobody_is_included_by_nothing(workspace: Workspace) -> None:
    asked = Audience(workspace.pk, ())
    assert audience.count(asked) == {"recipients": 0, "excluded": {}}
    assert not audience.anybody(asked)


def test_another_workspace_s_people_are_not_reached(
    make_list: Lists, other_workspace: Workspace
) -> None:
    news = make_list(["a@x.example"])
    theirs = Contact.objects.create(workspace=other_workspace, email="z@x.example")
    asked = Audience(news.workspace_id, parts({CONTACT: [theirs.pk], LIST: [news.pk]}))
    assert names(asked) == {"a": ""}
    elsewhere = Audience(other_workspace.pk, parts({LIST: [news.pk]}))
    assert names(elsewhere) == {}
