"""Contacts of an old campaign are merged, and its failed or unknown messages are tried again: the
person who got the mail at one address doesn't get it at the other, too."""

from collections.abc import Callable

import pytest
from django.test import Client

from campaigns.models import Campaign
from contacts.models import Contact, Suppression
from contacts.services import contactmerge
from contacts.services.contactmerge import Values
from sending.models import Event, Message
from sending.services import retrying, unknowns
from tests.campaigns.test_report import mailing_of, url
from tests.campaigns.test_retrying import Send, Start, State, minutes, rows
from tests.mailservers.sink import RULES, Sink
from tests.sending.engine.conftest import assert_closes

pytestmark = pytest.mark.django_db(transaction=True)
Begun = Callable[..., Campaign]


@pytest.fixture
def begun(start: Start, send: Send, monkeypatch: pytest.MonkeyPatch) -> Begun:
    """A campaign that went to these addresses; afterwards the server takes everything."""

    def begin(*addresses: str) -> Campaign:
        campaign = start(*addresses)
        send()
        monkeypatch.setitem(RULES, "reject", b"250 OK\r\n")
        return campaign

    return begin


def merge(kept: str, other: str) -> None:
    mine, theirs = (Contact.objects.get(email=one) for one in (kept, other))
    contactmerge.merge(mine, theirs, Values({}, {}))


def reached(sink: Sink) -> list[str]:
    return sorted(recipient for _, recipient, _ in sink.mails)


@pytest.mark.parametrize("kept", ["a@x.example", "reject1@x.example"])
def test_who_got_it_at_the_other_address_is_skipped(
    begun: Begun, send: Send, sink: Sink, kept: str
) -> None:
    addresses = ("a@x.example", "reject1@x.example")
    campaign = begun(*addresses, "reject2@y.example")
    merge(kept, next(one for one in addresses if one != kept))
    mailing = mailing_of(campaign)
    assert retrying.retry_failed(mailing).messages == 1
    send()
    assert reached(sink) == ["a@x.example", "reject2@y.example"]
    tally = assert_closes(mailing)
    assert (tally.accepted, tally.failed, tally.skipped) == (2, 0, 1)
    skipped = Message.objects.get(address="reject1@x.example")
    assert (skipped.state, skipped.reason) == (State.SKIPPED, "same_person")
    # Nothing was tried again, so that the refusal, its bounce and its suppression stay.
    assert skipped.reply.startswith("550")
    assert Event.objects.filter(message=skipped, kind=Event.Kind.HARD_BOUNCED).exists()
    assert Suppression.objects.filter(value=skipped.address, lifted_at=None).exists()
    assert minutes(mailing) == (0, 1)


def test_of_two_that_failed_one_is_sent(begun: Begun, send: Send, sink: Sink) -> None:
    campaign = begun("reject1@x.example", "reject2@x.example")
    merge("reject1@x.example", "reject2@x.example")
    mailing = mailing_of(campaign)
    assert retrying.retry_failed(mailing).messages == 2
    send()
    assert len(reached(sink)) == 1
    tally = assert_closes(mailing)
    assert (tally.accepted, tally.skipped) == (1, 1)
    assert Message.objects.get(state=State.SKIPPED).reason == "same_person"


def test_an_unknown_one_is_not_sent_again_to_who_got_it(
    begun: Begun, send: Send, sink: Sink
) -> None:
    campaign = begun("a@x.example", "b@x.example")
    mailing = mailing_of(campaign)
    Message.objects.filter(address="b@x.example").update(state=State.UNKNOWN)
    mailing.tally.accepted, mailing.tally.unknown, mailing.tally.with_pixel = 1, 1, 1
    mailing.tally.save()
    merge("b@x.example", "a@x.example")
    sink.mails.clear()
    assert unknowns.resend(mailing) == 1
    send()
    assert reached(sink) == []
    assert_closes(mailing)
    assert rows()["b@x.example"] == State.SKIPPED


def test_the_page_says_why(begun: Begun, owner_client: Client) -> None:
    campaign = begun("a@x.example", "reject1@x.example")
    merge("a@x.example", "reject1@x.example")
    done = owner_client.post(url(campaign, "failed/retry/"), {"confirmed": "1"}, follow=True)
    assert "1 recipient is skipped" in done.content.decode()
    page = owner_client.get(url(campaign, "recipients/"), {"state": "skipped"}).content.decode()
    assert "The person got the mailing at another address" in page
