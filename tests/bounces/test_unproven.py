"""Reports that anybody could have written: over real IMAP, from the mailbox to the person."""

import re
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from html import unescape

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import User, Workspace
from bounces import tasks
from bounces.models import BounceMail, BounceMailbox
from bounces.services import collecting, deciding, unproven, unprovensources
from contacts.models import Suppression
from relays import verp
from sending.compose.tokens import make as token
from sending.models import Event, Message
from tests.bounces import returns
from tests.mailservers.imap import Imap
from tests.sending.engine.conftest import assert_closes

Sent = Callable[..., list[Message]]
BOUNCES = "/w/brand/bounces/"


def words(html: str) -> str:
    return unescape(" ".join(re.sub(r"<[^>]*>", " ", html).split()))


def verp_of(message: Message) -> str:
    return verp.address("bounces@brand.example", token(message.pk))


@pytest.fixture
def victim(sent: Sent) -> Message:
    (message,) = sent("victim@receiver.example")
    return message


@pytest.fixture
def forged(imap: Imap, mailbox: BounceMailbox, victim: Message) -> BounceMail:
    imap.append(returns.dsn(victim.address))
    collecting.collect(mailbox.pk)
    return BounceMail.objects.get()


def untouched(message: Message) -> None:
    assert not Suppression.objects.exists()
    assert not Event.objects.exists()
    tally = assert_closes(message.mailing)
    assert (tally.hard_bounced, tally.soft_bounced, tally.complained) == (0, 0, 0)


STRANGERS = {
    "bounce": returns.dsn("victim@receiver.example"),
    "soft_bounced": returns.dsn(
        "Victim@Receiver.example", status="4.2.2", words="452 4.2.2 Mailbox full"
    ),
    "complained": returns.complaint("victim@receiver.example", "Subject: Hello\r\n"),
    "token": returns.dsn(
        "victim@receiver.example",
        to="bounces+00112233445566778899@brand.example",
        returned="X-Yanshu-Message: 00112233445566778899\r\nMessage-ID: <1@brand.example>\r\n",
    ),
}


@pytest.mark.parametrize("name", list(STRANGERS))
def test_a_stranger_suppresses_nobody(
    imap: Imap, mailbox: BounceMailbox, victim: Message, name: str
) -> None:
    imap.append(STRANGERS[name], flags=(b"\\Flagged",))
    before = imap.contents()
    for _ in range(2):
        done = collecting.collect(mailbox.pk)
        assert (done.error, done.cleared) == ("", 0)
    row = BounceMail.objects.get()
    assert (row.state, row.matched_by, row.message) == ("unproven", "recipient", victim)
    assert bytes(row.raw or b"") == STRANGERS[name]
    untouched(victim)
    # Neither deleted nor moved, nor marked as read.
    assert imap.contents() == before
    assert not imap.contents("Yanshu")


def test_somebody_elses_token_proves_nothing(
    imap: Imap, mailbox: BounceMailbox, sent: Sent, victim: Message
) -> None:
    (own,) = sent("mallory@receiver.example")
    returned = returns.original(own.pk, own.address)
    imap.append(
        returns.dsn(victim.address, to=verp_of(own)),
        returns.dsn(victim.address, returned=returned),
        returns.complaint(victim.address, returned),
    )
    collecting.collect(mailbox.pk)
    rows = BounceMail.objects.all()
    assert {(row.state, row.matched_by, row.message) for row in rows} == {
        ("unproven", "foreign", victim)
    }
    untouched(victim)
    assert_closes(own.mailing)
    assert len(imap.contents()) == 3


def test_genuine_reports_count(imap: Imap, mailbox: BounceMailbox, sent: Sent) -> None:
    by_verp, by_header, full = sent("a@taker.example", "b@taker.example", "c@taker.example")
    imap.append(
        returns.dsn(by_verp.address, to=verp_of(by_verp)),
        returns.dsn(by_header.address, returned=returns.original(by_header.pk, by_header.address)),
        returns.dsn(full.address, to=verp_of(full), status="5.2.2", words="552 5.2.2 Mailbox full"),
    )
    collecting.collect(mailbox.pk)
    assert set(Suppression.objects.values_list("value", flat=True)) == {
        by_verp.address,
        by_header.address,
    }
    assert set(BounceMail.objects.values_list("state", "matched_by")) == {
        ("processed", "verp"),
        ("processed", "header"),
    }
    tally = assert_closes(by_verp.mailing)
    assert (tally.hard_bounced, tally.soft_bounced) == (2, 1)
    assert not imap.contents()


def test_each_recipient_of_a_report_by_itself(
    imap: Imap, mailbox: BounceMailbox, sent: Sent
) -> None:
    """The message's own recipient is full; the other one, of somebody else, doesn't exist."""
    (message,) = sent("full@receiver.example")
    begin = b"Final-Recipient: rfc822; "
    group = begin + b"gone@receiver.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
    report = returns.dsn(
        message.address, to=verp_of(message), status="5.2.2", words="552 5.2.2 Mailbox full"
    )
    imap.append(report.replace(begin, group + begin))
    collecting.collect(mailbox.pk)
    assert BounceMail.objects.get().kind == "soft_bounced"
    assert not Suppression.objects.exists()
    assert assert_closes(message.mailing).soft_bounced == 1


def test_what_comes_again_does_not_suppress_again(
    imap: Imap, mailbox: BounceMailbox, sent: Sent, owner: User
) -> None:
    (message,) = sent("gone@receiver.example")
    report = returns.dsn(message.address, to=verp_of(message))
    imap.append(report)
    collecting.collect(mailbox.pk)
    row = BounceMail.objects.select_related("message__mailing", "mailbox__workspace").get()
    assert deciding.not_a_bounce(row, owner, timezone.now()) == 1
    # The same bytes, and the same report with other ones.
    imap.append(report, report.replace(b"Subject: Your", b"Subject: Again, your"))
    collecting.collect(mailbox.pk)
    assert not Suppression.objects.filter(lifted_at=None).exists()
    assert assert_closes(message.mailing).hard_bounced == 1


@pytest.mark.usefixtures("forged")
def test_a_rebuilt_mailbox_asks_once(imap: Imap, mailbox: BounceMailbox) -> None:
    imap.rebuild()
    collecting.collect(mailbox.pk)
    assert list(BounceMail.objects.order_by("pk").values_list("state", flat=True)) == [
        "unproven",
        "not_ours",
    ]


# A person decides ---------------------------------------------------------------------------------


def test_the_page_says_what_it_is(owner_client: Client, forged: BounceMail) -> None:
    page = owner_client.get(BOUNCES).content.decode()
    assert "1 report is not proven" in words(page)
    found = owner_client.get(f"{BOUNCES}?state=unproven").content.decode()
    assert "victim@receiver.example" in words(found)
    one = words(owner_client.get(f"{BOUNCES}{forged.pk}/").content.decode())
    assert "Anybody could have written it, so it changes nothing until somebody decides." in one
    assert "Final-Recipient: rfc822; victim@receiver.example" in one
    assert "It is genuine: victim@receiver.example gets no more mail." in one
    assert "This is not a bounce" not in one
    home = words(owner_client.get("/w/brand/").content.decode())
    assert "1 bounce report is not proven" in home


def test_counting_one(
    owner_client: Client, imap: Imap, mailbox: BounceMailbox, forged: BounceMail, victim: Message
) -> None:
    answer = owner_client.post(f"{BOUNCES}{forged.pk}/count/", follow=True)
    assert "1 report is counted. 1 address is suppressed because of it." in words(
        answer.content.decode()
    )
    forged.refresh_from_db()
    assert (forged.state, forged.decided_by) == ("processed", User.objects.get())
    assert Suppression.objects.get().value == victim.address
    assert assert_closes(victim.mailing).hard_bounced == 1
    # Once more changes nothing; and it is cleared as any other.
    owner_client.post(f"{BOUNCES}{forged.pk}/count/")
    assert assert_closes(victim.mailing).hard_bounced == 1
    collecting.collect(mailbox.pk)
    assert not imap.contents()
    assert len(imap.contents("Yanshu")) == 1


def test_dismissing_one(
    owner_client: Client, imap: Imap, mailbox: BounceMailbox, forged: BounceMail, victim: Message
) -> None:
    answer = owner_client.post(f"{BOUNCES}{forged.pk}/dismiss/", follow=True)
    assert "1 report is dismissed." in words(answer.content.decode())
    collecting.collect(mailbox.pk)
    assert BounceMail.objects.get().state == "dismissed"
    untouched(victim)
    assert len(imap.contents()) == 1
    assert "not proven" not in words(owner_client.get(BOUNCES).content.decode())
    # A second thought.
    owner_client.post(f"{BOUNCES}{forged.pk}/count/")
    assert Suppression.objects.get().value == victim.address


@pytest.fixture
def flood(imap: Imap, mailbox: BounceMailbox, sent: Sent) -> list[Message]:
    messages = sent(*(f"victim{number}@receiver.example" for number in range(unproven.FLOOD)))
    imap.append(*(returns.dsn(message.address) for message in messages))
    collecting.collect(mailbox.pk)
    return messages


@pytest.mark.slow
def test_all_that_were_shown(
    owner_client: Client, imap: Imap, mailbox: BounceMailbox, flood: list[Message], victim: Message
) -> None:
    page = words(owner_client.get(BOUNCES).content.decode())
    assert "Count 20 reports?" in page
    assert "20 addresses get no more mail." in page
    until = BounceMail.objects.latest("pk").pk
    imap.append(returns.dsn(victim.address))
    collecting.collect(mailbox.pk)
    assert owner_client.post(f"{BOUNCES}unproven/count/").status_code == 400
    answer = owner_client.post(f"{BOUNCES}unproven/count/", {"until": until}, follow=True)
    said = "20 reports are counted. 20 addresses are suppressed because of it."
    assert said in words(answer.content.decode())
    assert not Suppression.objects.filter(value=victim.address).exists()
    assert BounceMail.objects.get(state="unproven").message == victim


def test_all_are_dismissed(
    owner_client: Client, imap: Imap, mailbox: BounceMailbox, flood: list[Message]
) -> None:
    until = BounceMail.objects.latest("pk").pk
    answer = owner_client.post(f"{BOUNCES}unproven/dismiss/", {"until": until}, follow=True)
    assert "20 reports are dismissed." in words(answer.content.decode())
    untouched(flood[0])
    assert len(imap.contents()) == 20


def test_another_workspace_counts_nothing(
    owner: User, other_workspace: Workspace, forged: BounceMail
) -> None:
    assert unproven.count(unproven.of(other_workspace), owner) == (0, 0)
    forged.refresh_from_db()
    assert forged.state == "unproven"


# What is stored of them ---------------------------------------------------------------------------


@pytest.fixture
def bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unprovensources, "MOST", 3)
    monkeypatch.setattr(unprovensources, "AT_ONCE", 2)


@pytest.mark.slow
@pytest.mark.usefixtures("bound")
def test_only_the_newest_keep_their_source(
    owner_client: Client, imap: Imap, mailbox: BounceMailbox, flood: list[Message]
) -> None:
    rows = BounceMail.objects.order_by("-pk")
    assert [row.raw is not None for row in rows] == [True] * 3 + [False] * 17
    oldest = rows[19]
    assert (oldest.state, oldest.kind, oldest.message_id) == (
        "unproven",
        "hard_bounced",
        flood[0].pk,
    )
    assert len(imap.contents()) == 20
    shown = words(owner_client.get(f"{BOUNCES}{oldest.pk}/").content.decode())
    assert "The mail itself is not kept here any more." in shown
    assert "the newest 3 of the workspace keep the mail itself here, for 90 days" in shown
    assert oldest.detail in shown
    assert "Download the mail" not in shown
    assert owner_client.get(f"{BOUNCES}{oldest.pk}/source/").status_code == 404
    assert "Download the mail" in words(
        owner_client.get(f"{BOUNCES}{rows[0].pk}/").content.decode()
    )
    # A mailbox that was rebuilt asks about none of them again.
    imap.rebuild()
    collecting.collect(mailbox.pk)
    assert BounceMail.objects.filter(state="unproven").count() == 20
    assert BounceMail.objects.filter(state="not_ours").count() == 20


@pytest.mark.usefixtures("bound")
def test_a_report_without_its_source_is_decided_as_any_other(
    owner_client: Client, imap: Imap, mailbox: BounceMailbox, flood: list[Message]
) -> None:
    oldest = BounceMail.objects.earliest("pk")
    page = owner_client.get(f"{BOUNCES}{oldest.pk}/").content.decode()
    assert "This is not a bounce" not in words(page)
    assert owner_client.post(f"{BOUNCES}{oldest.pk}/not/").status_code == 400
    owner_client.post(f"{BOUNCES}{oldest.pk}/count/")
    assert Suppression.objects.get().value == flood[0].address
    answer = owner_client.post(f"{BOUNCES}{oldest.pk}/not/", follow=True)
    assert Suppression.objects.get().lifted_at is not None
    [undo] = re.findall(r'action="([^"]*/again/[^"]*)"', answer.content.decode())
    owner_client.post(unescape(undo))
    oldest.refresh_from_db()
    assert oldest.kind == "hard_bounced"
    assert Suppression.objects.get().lifted_at is None


def test_sources_of_each_workspace_have_the_bound_and_an_age(
    forged: BounceMail, other_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unprovensources, "MOST", 1)
    other = BounceMailbox.objects.create(workspace=other_workspace, name="Other", host="x.example")
    theirs = BounceMail.objects.create(
        mailbox=other, uid_validity=1, uid=1, raw=b"theirs", state="dismissed"
    )
    counts = BounceMail.objects.create(
        mailbox=other, uid_validity=1, uid=2, raw=b"counts", state="processed"
    )
    assert unprovensources.drop_old() == 0
    old = timezone.now() - unprovensources.KEPT - timedelta(minutes=1)
    BounceMail.objects.update(collected_at=old)
    tasks.tell_unproven()
    kept = {row.pk: row.raw is not None for row in BounceMail.objects.all()}
    assert kept == {forged.pk: False, theirs.pk: False, counts.pk: True}
    theirs.refresh_from_db()
    assert bytes(theirs.digest or b"") == sha256(b"theirs").digest()


# A flood ------------------------------------------------------------------------------------------


def test_a_flood_is_told_once_a_day(owner: User, flood: list[Message]) -> None:
    assert unproven.tell_all() == 1
    (notice,) = mail.outbox
    assert notice.to == [owner.email]
    assert notice.subject == "20 unproven bounce reports within a day"
    assert "Nobody was suppressed because of them" in notice.body
    assert "/w/brand/bounces/?state=unproven" in notice.body
    assert unproven.tell_all() == 0
    BounceMailbox.objects.update(flood_told_at=timezone.now() - unproven.DAY)
    assert unproven.tell_all() == 1


@pytest.mark.usefixtures("owner", "forged")
def test_a_few_are_no_flood() -> None:
    assert unproven.tell_all() == 0
    assert not mail.outbox
