"""The order in which the recipients of a mailing get their mail."""

from collections.abc import Callable
from itertools import groupby

import pytest
from django.db import connection

from sending.models import Mailing, Message
from tests.sending.engine.conftest import design, open_to, relay

__all__ = ["design", "open_to", "relay"]

pytestmark = pytest.mark.django_db(transaction=True)
Open = Callable[..., Mailing]
PEOPLE = 3000


@pytest.fixture(autouse=True)
def _one_group() -> None:
    """The next contacts are in one group of those that are mixed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval('contacts_contact_id_seq', ((last_value >> 16) + 1) << 16)"
            "  FROM contacts_contact_id_seq"
        )


def in_order(mailing: Mailing) -> list[Message]:
    return list(Message.objects.filter(mailing=mailing).order_by("id"))


@pytest.mark.parametrize("people", [200, PEOPLE])
def test_the_dead_of_an_old_file_do_not_follow_each_other(open_to: Open, people: int) -> None:
    dead = {f"p{n}@x.example" for n in range(50, 50 + people // 10)}
    mailing = open_to([f"p{n}@x.example" for n in range(people)])
    runs = groupby(one.address in dead for one in in_order(mailing))
    assert max(len(list(run)) for is_dead, run in runs if is_dead) < 12


def test_those_who_are_claimed_together_are_stored_together(open_to: Open) -> None:
    """A claim reads a few pages of contacts, not one for each recipient."""
    places = [(one.contact_id or 0) >> 5 for one in in_order(open_to(addresses(PEOPLE)))]
    assert len(places) == PEOPLE
    assert not set(places[:800]) & set(places[-800:])
    # But not one place after the other.
    assert len(set(places[:100])) > 20


def test_another_mailing_has_another_order(open_to: Open) -> None:
    first, second = ([one.address for one in in_order(open_to(addresses(100)))] for _ in range(2))
    assert sorted(first) == sorted(second)
    assert first != second


def addresses(number: int) -> list[str]:
    return [f"p{n}@x.example" for n in range(number)]
