"""Messages whose result is not known: shown with what is known of them, and settled by a person."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User, Workspace
from accounts.permissions import Role
from campaigns.models import Campaign
from contacts.models import Contact
from relays.models import Relay
from sending.models import Message
from tests.campaigns.test_report import ledger, mailing_of, read, url, words
from tests.mailservers.sink import Sink
from tests.sending.engine.conftest import assert_closes

pytestmark = pytest.mark.django_db(transaction=True)
Start = Callable[..., Campaign]
Send = Callable[[], None]
State = Message.State
LOST = ("drop1@x.example", "drop2@x.example", "drop3@y.example")


@pytest.fixture
def lost(start: Start, send: Send, relay: Relay) -> Campaign:
    """A campaign of which three messages are not known; each cut made the relay wait."""
    campaign = start("a@x.example", *LOST)
    mailing = mailing_of(campaign)
    while mailing.state == "sending":
        Relay.objects.filter(pk=relay.pk).update(wait_until=None, failures=0)
        send()
        mailing.refresh_from_db()
    assert mailing.tally.unknown == 3
    return campaign


def ids(*addresses: str) -> list[int]:
    return list(Message.objects.filter(address__in=addresses).values_list("pk", flat=True))


def states() -> dict[str, int]:
    return dict(Message.objects.values_list("address", "state"))


def test_the_report_says_what_unknown_means_and_what_each_decision_does(
    lost: Campaign, owner_client: Client
) -> None:
    shown = words(read(owner_client, lost))
    assert "The result of 3 messages is not known" in shown
    assert "It may have arrived. Nothing is sent twice by itself: you decide." in shown
    assert "Whoever did gets it twice." in shown
    assert "No mail is sent. Whoever did not get it never will." in shown
    assert "3 messages will be sent again. Those whose mail did arrive get it twice." in shown
    assert "3 messages will count as accepted; no mail is sent." in shown
    assert shown.count("This can't be undone.") == 2


def test_each_is_there_with_its_moment_relay_and_reason(
    lost: Campaign, owner_client: Client
) -> None:
    contact = Contact.objects.get(email=LOST[0])
    html = read(owner_client, lost, "unknown/")
    shown = words(html)
    for address in LOST:
        assert address in shown
    assert shown.count("Post") == 3
    assert shown.count("Handed over, but the server's reply was never seen") == 3
    assert f'href="/w/brand/contacts/{contact.pk}/"' in html
    assert html.count("<time") == 3
    assert "a@x.example" not in shown


def test_all_are_sent_again_only_when_somebody_says_so(
    lost: Campaign, owner_client: Client, sink: Sink
) -> None:
    answer = owner_client.post(url(lost, "unknown/resend/"), {"scope": "all"}, follow=True)
    assert "3 messages are sent again." in words(answer.content.decode())
    assert mailing_of(lost).state == "sending"
    assert ledger(read(owner_client, lost))["waiting"] == 3
    answer = owner_client.post(url(lost, "unknown/resend/"), {"scope": "all"}, follow=True)
    assert "Nothing was changed" in words(answer.content.decode())
    assert_closes(mailing_of(lost))


def test_one_and_some_and_all_count_as_sent(lost: Campaign, owner_client: Client) -> None:
    owner_client.post(url(lost, "unknown/count/"), {"pk": ids(LOST[0])})
    assert states() == {"a@x.example": 2, LOST[0]: 2, LOST[1]: 5, LOST[2]: 5}
    owner_client.post(url(lost, "unknown/count/"), {"pk": ids(LOST[1], LOST[2])})
    shown = ledger(read(owner_client, lost))
    assert (shown["accepted"], shown["unknown"]) == (4, 0)
    assert_closes(mailing_of(lost))


def test_a_form_that_names_nobody_is_about_nobody(lost: Campaign, owner_client: Client) -> None:
    for verb in ("resend", "count"):
        for given in ({}, {"pk": "x"}, {"pk": "0"}):
            answer = owner_client.post(url(lost, f"unknown/{verb}/"), given, follow=True)
            assert "Nothing was changed" in words(answer.content.decode())
    assert mailing_of(lost).tally.unknown == 3


def test_what_is_accepted_is_never_sent_again(lost: Campaign, owner_client: Client) -> None:
    owner_client.post(url(lost, "unknown/resend/"), {"pk": ids("a@x.example")})
    assert states()["a@x.example"] == State.ACCEPTED


def test_all_in_a_result_are_those_that_the_filters_give(
    lost: Campaign, owner_client: Client
) -> None:
    given = {"all": "1", "query": "state=unknown&domain=x.example", "back": "recipients"}
    answer = owner_client.post(url(lost, "unknown/count/"), given)
    assert answer["Location"] == url(lost, "recipients/?state=unknown")
    assert states() == {"a@x.example": 2, LOST[0]: 2, LOST[1]: 2, LOST[2]: 5}


def test_the_table_of_recipients_settles_them_too(lost: Campaign, owner_client: Client) -> None:
    html = read(owner_client, lost, "recipients/?state=unknown")
    assert len(re.findall('name="pk" value="', html)) == 3
    assert 'name="back" value="recipients"' in html
    everybody = read(owner_client, lost, "recipients/")
    assert 'name="pk"' not in everybody
    assert everybody.count('href="?state=unknown"') == 3


def test_of_a_cancelled_campaign_none_is_sent_again(
    start: Start, send: Send, owner_client: Client
) -> None:
    campaign = start("drop@x.example", "defer@x.example")
    send()
    owner_client.post(url(campaign, "cancel/"))
    assert mailing_of(campaign).state == "cancelled"
    html = read(owner_client, campaign) + read(owner_client, campaign, "unknown/")
    assert "resend-unknown" not in html
    assert "resend-selected" not in html
    assert "count-selected" in html
    answer = owner_client.post(url(campaign, "unknown/resend/"), {"scope": "all"}, follow=True)
    assert "This campaign was cancelled" in words(answer.content.decode())
    assert mailing_of(campaign).tally.unknown == 1
    assert_closes(mailing_of(campaign))


def test_who_may_not_send_sees_them_and_decides_nothing(
    lost: Campaign, workspace: Workspace, make_member: Callable[..., User]
) -> None:
    client = Client()
    client.force_login(
        make_member(workspace, Role.VIEWER),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    html = read(client, lost, "unknown/")
    assert LOST[0] in html
    assert "<form" not in html
    assert "count-unknown" not in read(client, lost)
    assert client.post(url(lost, "unknown/count/"), {"scope": "all"}).status_code == 403


def test_home_names_them_with_the_way_there(lost: Campaign, owner_client: Client) -> None:
    home = owner_client.get("/w/brand/").content.decode()
    assert "Spring sale: the result of 3 messages is unknown" in words(home)
    assert f'href="{url(lost)}#unknown"' in home


def test_a_draft_has_none(make_campaign: Callable[..., Campaign], owner_client: Client) -> None:
    draft = make_campaign()
    assert owner_client.get(url(draft, "unknown/")).status_code == 404
    assert owner_client.post(url(draft, "unknown/count/"), {"scope": "all"}).status_code == 404
