"""Who wants at most one advertising mail a week or a month gets exactly one, whichever workers and
mailings come first; the ledger says why the others were skipped."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Contact
from contacts.services import preferences
from relays.models import Relay
from sending.models import Mailing, Message
from sending.purposes import NOTICE
from sending.queries.claim import claim, left_since
from sending.services import mailings
from tests.mailservers.sink import Sink
from tests.sending.engine.conftest import assert_closes
from tests.sending.engine.test_shift import finish

pytestmark = pytest.mark.django_db(transaction=True)
Open = Callable[..., Mailing]
PEOPLE = ["rarely@x.example", "gladly@x.example"]


def limit(workspace: Workspace, most: str) -> Contact:
    contact = Contact.objects.get(workspace=workspace, email="rarely@x.example")
    preferences.set_frequency(contact, most)
    return contact


def ended(mailing: Mailing) -> dict[str, str]:
    """{beginning of the address: why it got nothing, or ""}"""
    rows = Message.objects.filter(mailing=mailing).values_list("address", "state", "reason")
    return {
        address.partition("@")[0]: reason if state == Message.State.SKIPPED else ""
        for address, state, reason in rows
    }


@pytest.mark.parametrize(
    ("most", "age", "reason"),
    [
        ("week", timedelta(days=1), "too_often"),
        ("week", timedelta(days=6, hours=11), "too_often"),
        ("week", timedelta(days=6, hours=13), ""),
        ("month", timedelta(days=27), "too_often"),
        ("month", timedelta(days=28), ""),
        ("", timedelta(0), ""),
    ],
)
def test_the_last_advertising_mail_counts(  # noqa: PLR0917 - fixtures and cases
    open_to: Open,
    relay: Relay,
    workspace: Workspace,
    sink: Sink,
    most: str,
    age: timedelta,
    reason: str,
) -> None:
    first = open_to(PEOPLE)
    finish(first, relay)
    limit(workspace, most)
    Message.objects.update(settled_at=timezone.now() - age)
    second = open_to(PEOPLE)
    finish(second, relay)
    assert second.state == Mailing.State.FINISHED
    assert ended(second) == {"rarely": reason, "gladly": ""}
    assert_closes(second)
    assert len(sink.mails) == (3 if reason else 4)


def test_notices_neither_count_nor_are_skipped(
    open_to: Open, relay: Relay, workspace: Workspace
) -> None:
    finish(open_to(PEOPLE, purpose=NOTICE), relay)
    open_to(PEOPLE)
    limit(workspace, "week")
    advertising = Mailing.objects.get(purpose="advertising")
    finish(advertising, relay)
    assert ended(advertising) == {"rarely": "", "gladly": ""}
    notice = open_to(PEOPLE, purpose=NOTICE)
    finish(notice, relay)
    assert ended(notice) == {"rarely": "", "gladly": ""}


def test_of_two_mailings_at_once_the_first_one_mails(
    open_to: Open, relay: Relay, workspace: Workspace
) -> None:
    first, second = open_to(PEOPLE), open_to(PEOPLE)
    limit(workspace, "month")
    # The second one's worker is faster.
    claimed = claim(second, relay, holder="here:two", limit=10)
    assert claimed is not None
    assert [one.address for one in claimed.messages] == ["gladly@x.example"]
    assert ended(second)["rarely"] == "too_often"
    finish(first, relay)
    assert ended(first) == {"rarely": "", "gladly": ""}
    assert_closes(first)
    assert_closes(second)


def test_a_paused_mailing_keeps_nobody_waiting(
    open_to: Open, relay: Relay, workspace: Workspace
) -> None:
    first, second = open_to(PEOPLE), open_to(PEOPLE)
    limit(workspace, "week")
    mailings.pause(first)
    finish(second, relay)
    assert ended(second) == {"rarely": "", "gladly": ""}
    mailings.resume(first)
    finish(first, relay)
    assert ended(first) == {"rarely": "too_often", "gladly": ""}


def test_a_limit_chosen_while_claimed_messages_wait_counts(
    open_to: Open, relay: Relay, workspace: Workspace
) -> None:
    finish(open_to(PEOPLE), relay)
    second = open_to(PEOPLE)
    claimed = claim(second, relay, holder="here:one", limit=10)
    assert claimed is not None
    numbers = {one.address: one.id for one in claimed.messages}
    assert left_since(second, list(numbers.values())) == {}
    limit(workspace, "week")
    assert left_since(second, list(numbers.values())) == {numbers["rarely@x.example"]: "too_often"}


def test_a_pause_stops_advertising_and_no_notice(
    open_to: Open, relay: Relay, workspace: Workspace
) -> None:
    first = open_to(PEOPLE)
    contact = Contact.objects.get(email="rarely@x.example")
    until = timezone.now() + timedelta(days=31)
    preferences.pause(workspace, [contact.email], until=until, source=first.source)
    finish(first, relay)
    assert ended(first) == {"rarely": "suppressed_paused", "gladly": ""}
    assert_closes(first)
    notice = open_to(PEOPLE, purpose=NOTICE)
    finish(notice, relay)
    assert ended(notice) == {"rarely": "", "gladly": ""}
    later = open_to(PEOPLE)
    assert later.excluded == {"suppressed_paused": 1}
    preferences.end_pause(workspace, [contact.email])
    after = open_to(PEOPLE)
    assert after.excluded == {}
