"""Failed recipients who are tried again because somebody asked, and what is taken back with it."""

import json
import re
import threading
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.models import Sum
from django.test import Client
from django.utils import timezone

from accounts.models import User, Workspace
from accounts.permissions import Role
from campaigns.models import Campaign
from contacts.models import Suppression
from contacts.provenance import BY_HAND
from contacts.services.suppressions import suppress
from sending.models import Event, Mailing, Message, TallyMinute
from sending.queries import events
from sending.services import mailings, retrying
from tests.campaigns.test_report import mailing_of, read, url, words
from tests.mailservers.sink import RULES, Sink
from tests.sending.engine.conftest import assert_closes

pytestmark = pytest.mark.django_db(transaction=True)
Start = Callable[..., Campaign]
Send = Callable[[], None]
State = Message.State
MIXED = ("a@x.example", "reject1@x.example", "reject2@y.example", "spam@y.example")


@pytest.fixture
def failed(start: Start, send: Send) -> Campaign:
    """A campaign that is finished: one recipient accepted, three failed."""
    campaign = start(*MIXED)
    send()
    mailing = mailing_of(campaign)
    assert (mailing.state, mailing.tally.failed) == ("finished", 3)
    return campaign


def rows() -> dict[str, int]:
    return dict(Message.objects.values_list("address", "state"))


def minutes(mailing: Mailing) -> tuple[int, int]:
    sums = TallyMinute.objects.filter(mailing=mailing).aggregate(f=Sum("failed"), b=Sum("bounced"))
    return sums["f"], sums["b"]


def test_failed_recipients_wait_again_and_keep_what_is_known(failed: Campaign) -> None:
    mailing = mailing_of(failed)
    assert retrying.retry_failed(mailing).messages == 3
    tally = assert_closes(mailing)
    assert (tally.accepted, tally.waiting, tally.failed) == (1, 3, 0)
    assert mailing.state == Mailing.State.SENDING
    row = Message.objects.get(address="spam@y.example")
    assert (row.attempts, row.reason, row.settled_at) == (1, "retried", None)
    assert row.reply.startswith("554")


def test_their_suppressions_and_bounces_are_taken_back(failed: Campaign, owner: User) -> None:
    mailing = mailing_of(failed)
    assert Suppression.objects.filter(lifted_at=None).count() == 2
    assert (mailing.tally.hard_bounced, minutes(mailing)) == (2, (3, 2))
    done = retrying.retry_failed(mailing, by=owner)
    assert (done.messages, done.bounces, done.suppressions) == (3, 2, 2)
    assert not Suppression.objects.filter(lifted_at=None).exists()
    assert set(Suppression.objects.values_list("lifted_by", flat=True)) == {owner.pk}
    assert not Event.objects.filter(kind=Event.Kind.HARD_BOUNCED).exists()
    tally = assert_closes(mailing)
    assert (tally.hard_bounced, tally.bounced) == (0, 0)
    assert minutes(mailing) == (0, 0)
    assert not Message.objects.exclude(bounced_at=None).exists()


def test_a_bounce_that_a_mail_reported_stays(failed: Campaign) -> None:
    message = Message.objects.get(address="reject1@x.example")
    events.record([events.EventRow(message.pk, Event.Kind.SOFT_BOUNCED, timezone.now())])
    mailing = mailing_of(failed)
    retrying.retry_failed(mailing)
    tally = assert_closes(mailing)
    assert (tally.bounced, tally.hard_bounced, tally.soft_bounced) == (1, 0, 1)
    assert minutes(mailing) == (0, 1)
    message.refresh_from_db()
    assert message.bounced_at is not None


def test_they_are_mailed_once_when_the_server_takes_them(
    failed: Campaign, send: Send, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RULES, "reject", b"250 OK\r\n")
    mailing = mailing_of(failed)
    retrying.retry_failed(mailing)
    send()
    mailing.refresh_from_db()
    assert mailing.state == Mailing.State.FINISHED
    tally = assert_closes(mailing)
    assert (tally.accepted, tally.failed) == (3, 1)
    assert minutes(mailing)[0] == 1
    assert sorted(recipient for _, recipient, _ in sink.mails) == [
        "a@x.example",
        "reject1@x.example",
        "reject2@y.example",
    ]


def test_only_those_that_are_chosen(failed: Campaign) -> None:
    mailing = mailing_of(failed)
    chosen = Message.objects.filter(address__endswith="@y.example", reason="address")
    assert retrying.retry_failed(mailing, chosen).messages == 1
    assert rows() == {
        "a@x.example": State.ACCEPTED,
        "reject1@x.example": State.FAILED,
        "reject2@y.example": State.WAITING,
        "spam@y.example": State.FAILED,
    }
    assert Suppression.objects.get(value="reject1@x.example").lifted_at is None


def test_whoever_was_suppressed_by_somebody_else_stays_so(failed: Campaign, send: Send) -> None:
    """The mailing's own suppression is lifted; another one keeps the person from being mailed."""
    mailing = mailing_of(failed)
    suppress(
        mailing.workspace, value="spam@y.example", kind="address", reason="manual", source=BY_HAND
    )
    retrying.retry_failed(mailing)
    send()
    row = Message.objects.get(address="spam@y.example")
    assert (row.state, row.reason) == (State.SKIPPED, "suppressed_manual")
    assert_closes(mailing)


def test_accepted_and_unknown_ones_are_never_retried(start: Start, send: Send) -> None:
    campaign = start("a@x.example", "drop@x.example")
    send()
    mailing = mailing_of(campaign)
    assert mailing.tally.unknown == 1
    assert not retrying.retry_failed(mailing, Message.objects.filter(mailing=mailing)).messages
    assert rows() == {"a@x.example": State.ACCEPTED, "drop@x.example": State.UNKNOWN}


def test_another_mailings_messages_are_not_touched(
    failed: Campaign, start: Start, send: Send
) -> None:
    start("reject9@z.example", name="Other")
    send()
    assert retrying.retry_failed(mailing_of(failed), Message.objects.all()).messages == 3
    assert rows()["reject9@z.example"] == State.FAILED


def test_of_a_cancelled_mailing_none_is_retried(start: Start, send: Send) -> None:
    campaign = start("reject@x.example", "defer@x.example")
    send()
    mailing = mailing_of(campaign)
    mailings.cancel(mailing)
    assert not retrying.retry_failed(mailing).messages
    assert mailing.state == Mailing.State.CANCELLED


def test_a_paused_mailing_stays_paused(start: Start, send: Send) -> None:
    campaign = start("reject@x.example", "defer@x.example")
    send()
    mailing = mailing_of(campaign)
    mailings.pause(mailing)
    assert retrying.retry_failed(mailing).messages == 1
    assert mailing.state == Mailing.State.PAUSED
    assert_closes(mailing)


def test_a_retried_message_has_as_long_as_at_first(
    start: Start, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its mailing is older than its patience: without a new beginning it would fail at once."""
    monkeypatch.setitem(RULES, "reject", b"451 4.3.0 later\r\n")
    campaign = start("reject@x.example")
    mailing = mailing_of(campaign)
    long_ago = timezone.now() - timedelta(days=30)
    Mailing.objects.filter(pk=mailing.pk).update(opened_at=long_ago)
    Message.objects.filter(mailing=mailing).update(attempts=20)
    send()
    row = Message.objects.get()
    assert (row.state, row.reason) == (State.FAILED, "expired")
    retrying.retry_failed(mailing_of(campaign))
    send()
    row.refresh_from_db()
    assert (row.state, row.reason) == (State.WAITING, "transient")
    assert row.retry_at is not None
    assert row.retry_at > timezone.now()


def test_in_pieces(failed: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "AT_ONCE", 1)
    mailing = mailing_of(failed)
    done = retrying.retry_failed(mailing)
    assert (done.messages, done.bounces, done.suppressions) == (3, 2, 2)
    assert_closes(mailing)


# The page and the command -------------------------------------------------------------------------


def press(client: Client, campaign: Campaign, query: str, **more: str) -> str:
    """The words of the page that answers the button."""
    given = {"query": query, **more}
    return words(client.post(url(campaign, "failed/retry/"), given, follow=True).content.decode())


def buttons(html: str) -> list[str]:
    """The filters of each button that tries recipients again."""
    return [unescape(found) for found in re.findall(r'name="query" value="([^"]*)"', html)]


def test_one_click_retries_those_of_one_reason(failed: Campaign, owner_client: Client) -> None:
    html = read(owner_client, failed, "report/failures/")
    [query] = [one for one in buttons(html) if "reason=policy" in one]
    assert "1 recipient is tried again." in press(owner_client, failed, query)
    assert rows()["spam@y.example"] == State.WAITING
    assert rows()["reject1@x.example"] == State.FAILED


def test_the_language_can_be_changed_where_it_asks(failed: Campaign, owner_client: Client) -> None:
    """That page answers a form: its own address can't be read."""
    came_from = f"http://testserver{url(failed)}"
    answer = owner_client.post(
        url(failed, "failed/retry/"), {"query": "state=failed"}, HTTP_REFERER=came_from
    )
    [target] = re.findall(r'name="next" value="([^"]*)"', answer.content.decode())
    switched = owner_client.post("/language/", {"language": "zh-hans", "next": target}, follow=True)
    assert switched.status_code == 200
    assert "Spring sale" in words(switched.content.decode())


def test_dead_addresses_are_asked_about_with_numbers(
    failed: Campaign, owner_client: Client
) -> None:
    """Whoever mails them again gets their suppressions lifted: that is said before."""
    asked = press(owner_client, failed, "state=failed")
    assert "3 failed recipients" in asked
    assert "For 2 of them the server said that the address does not exist." in asked
    assert "1 failed for another reason and is tried again." in asked
    assert mailing_of(failed).tally.failed == 3
    said = press(owner_client, failed, "state=failed", confirmed="1")
    assert "3 recipients are tried again. 2 suppressions were lifted." in said
    assert mailing_of(failed).tally.waiting == 3
    again = press(owner_client, failed, "state=failed", confirmed="1")
    assert "Nothing was changed" in again


def test_those_of_one_provider(start: Start, send: Send, owner_client: Client) -> None:
    campaign = start("spam1@qq.com", "spam2@qq.com", "spam3@gmail.com", "spam4@x.example")
    send()
    html = read(owner_client, campaign, "report/failures/")
    assert "state=failed&provider=qq" in buttons(html)
    press(owner_client, campaign, "state=failed&provider=qq")
    assert {who for who, state in rows().items() if state == State.WAITING} == {
        "spam1@qq.com",
        "spam2@qq.com",
    }
    people = words(read(owner_client, campaign, "recipients/?state=failed&provider=gmail"))
    assert "spam3@gmail.com" in people
    assert "spam4@x.example" not in people
    assert "Nobody matches" in words(read(owner_client, campaign, "recipients/?provider=none"))


@pytest.mark.parametrize("query", ["provider=none", "run=99", "held=99", "event=opened"])
def test_filters_that_fit_nobody_retry_nobody(
    failed: Campaign, owner_client: Client, query: str
) -> None:
    assert "Nothing was changed" in press(owner_client, failed, query, confirmed="1")
    assert mailing_of(failed).tally.failed == 3
    hostile = {"query": "q=%00"}
    assert owner_client.post(url(failed, "failed/retry/"), hostile).status_code == 400


def test_the_table_of_recipients_retries_its_result(failed: Campaign, owner_client: Client) -> None:
    html = read(owner_client, failed, "recipients/?state=failed&domain=y.example")
    assert "Try 2 again" in words(html)
    press(owner_client, failed, buttons(html)[-1], confirmed="1")
    assert mailing_of(failed).tally.failed == 1
    assert "Try 1 again" not in words(read(owner_client, failed, "recipients/"))


def test_of_a_cancelled_campaign_the_page_offers_none(
    start: Start, send: Send, owner_client: Client
) -> None:
    campaign = start("spam@x.example", "defer@x.example")
    send()
    mailings.cancel(mailing_of(campaign))
    assert not buttons(read(owner_client, campaign, "report/failures/"))
    assert "This campaign was cancelled" in press(owner_client, campaign, "state=failed")
    assert rows()["spam@x.example"] == State.FAILED


def test_who_may_not_send_has_no_button(
    failed: Campaign, workspace: Workspace, make_member: Callable[..., User]
) -> None:
    client = Client()
    client.force_login(
        make_member(workspace, Role.VIEWER),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    assert not buttons(read(client, failed, "report/failures/"))
    assert not buttons(read(client, failed, "recipients/?state=failed"))
    assert client.post(url(failed, "failed/retry/"), {"query": ""}).status_code == 403


def test_the_command(failed: Campaign, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("campaign", str(failed.pk), "retry", "--domain", "y.example", "--json")
    out, err = capsys.readouterr()
    assert json.loads(out)["ledger"]["waiting"] == 2
    assert "2 failed recipients wait again; 1 hard bounces count no more, 1 supp" in err
    with pytest.raises(CommandError, match="no such provider"):
        call_command("campaign", str(failed.pk), "retry", "--provider", "nobody")
    mailings.cancel(mailing_of(failed))
    with pytest.raises(CommandError, match="cancelled"):
        call_command("campaign", str(failed.pk), "retry")


def test_beside_a_worker_that_sends(start: Start, send: Send, sink: Sink) -> None:
    """Claims, records and retries of one mailing lock its rows in one order: none of them fails,
    and nobody is mailed twice."""
    campaign = start(
        *(f"reject{number}@x{number}.example" for number in range(20)),
        *(f"person{number}@x{number % 20}.example" for number in range(300)),
    )
    mailing = mailing_of(campaign)
    trouble: list[BaseException] = []

    def work() -> None:
        try:
            send()
        except BaseException as error:  # noqa: BLE001 - told by the test itself
            trouble.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    retried = 0
    # Not so often that servers seem to refuse the mailing.
    while thread.is_alive() and retried < 40:
        retried += retrying.retry_failed(mailing).messages
    thread.join()
    assert not trouble
    assert retrying.retry_failed(mailing).messages + retried >= 20
    send()
    tally = assert_closes(mailing_of(campaign))
    assert (tally.accepted, tally.failed) == (300, 20)
    assert max(sink.accepted.values()) == 1
    # Tried again they are refused one after the other, which proves less (sending.streaks).
    assert Suppression.objects.filter(lifted_at=None).count() == tally.hard_bounced
