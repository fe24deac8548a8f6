"""The mail sandbox over real SMTP and IMAP."""

import asyncio
import email
import smtplib
import threading
import time
from collections.abc import Iterator
from email.message import Message as Mail
from typing import Any, cast

import pytest
from django.utils import timezone
from imapclient import IMAPClient
from imapclient.exceptions import LoginError

from accounts.models import Workspace
from accounts.secrets import decrypt
from bounces.models import BounceMailbox
from relays.models import Relay
from sandbox import behaviour, store
from sandbox.models import SandboxMail, SandboxReturn
from sandbox.server import Sandbox
from sandbox.services import sandbox as services

pytestmark = pytest.mark.django_db(transaction=True)
CONTENT = (
    b"From: News <news@brand.example>\r\nTo: a@b.example\r\n"
    b"Subject: =?utf-8?b?5pil5a2j?= sale\r\nMessage-ID: <m1@brand.example>\r\n\r\n"
    b"Hello\r\n.dot\r\n"
)
SENDER = "bounces+abc@sandbox.example"


class Running:
    """A sandbox in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.sandbox: Sandbox = self.do(self._start())
        self.smtp_port, self.imap_port = self.sandbox.ports

    async def _start(self) -> Sandbox:
        sandbox = Sandbox()
        await sandbox.start(smtp_port=0, imap_port=0)
        return sandbox

    def do(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def stop(self) -> None:
        self.do(self.sandbox.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture
def running(transactional_db: None) -> Iterator[Running]:
    running = Running()
    yield running
    running.stop()


@pytest.fixture
def relay(workspace: Workspace, settings: Any) -> Relay:
    settings.SANDBOX = True
    services.provision(workspace)
    return Relay.objects.get(workspace=workspace)


def log_in(running: Running, relay: Relay) -> smtplib.SMTP:
    client = smtplib.SMTP("127.0.0.1", running.smtp_port, timeout=20)
    client.login(relay.username, decrypt(relay.password))
    return client


def send(running: Running, relay: Relay, recipient: str) -> None:
    with log_in(running, relay) as client:
        client.sendmail(SENDER, recipient, CONTENT)


def inbox(running: Running, relay: Relay) -> IMAPClient:
    client = IMAPClient("127.0.0.1", running.imap_port, ssl=False)
    client.login(relay.username, decrypt(relay.password))
    client.select_folder("INBOX")
    return client


def returned(running: Running, relay: Relay) -> list[Mail]:
    with inbox(running, relay) as client:
        found = client.fetch(client.search(), ["BODY.PEEK[]"])
    return [email.message_from_bytes(found[uid][b"BODY[]"]) for uid in sorted(found)]


def test_keeps_what_it_takes(running: Running, relay: Relay, workspace: Workspace) -> None:
    send(running, relay, "Ada@people.example")
    mail = SandboxMail.objects.get()
    assert mail.workspace == workspace
    assert (mail.envelope_from, mail.envelope_to) == (SENDER, "Ada@people.example")
    assert mail.subject == "春季 sale"
    assert bytes(mail.raw) == CONTENT
    assert mail.outcome == "delivered"
    assert not SandboxReturn.objects.exists()


@pytest.mark.parametrize("mechanism", ["auth_plain", "auth_login"])
def test_both_ways_to_log_in(running: Running, relay: Relay, mechanism: str) -> None:
    with smtplib.SMTP("127.0.0.1", running.smtp_port, timeout=20) as client:
        client.ehlo()
        client.user, client.password = relay.username, decrypt(relay.password)
        name = mechanism.removeprefix("auth_").upper()
        assert client.auth(name, getattr(client, mechanism))[0] == 235


def test_a_wrong_password_is_refused(running: Running, relay: Relay) -> None:
    with (
        smtplib.SMTP("127.0.0.1", running.smtp_port, timeout=20) as client,
        pytest.raises(smtplib.SMTPAuthenticationError),
    ):
        client.login(relay.username, "wrong")
    with (
        IMAPClient("127.0.0.1", running.imap_port, ssl=False) as imap,
        pytest.raises(LoginError),
    ):
        imap.login(relay.username, "wrong")


def test_mail_without_a_login_belongs_to_no_workspace(running: Running, relay: Relay) -> None:
    with smtplib.SMTP("127.0.0.1", running.smtp_port, timeout=20) as client:
        client.sendmail("yanshu@localhost", "bounce@people.example", CONTENT)
    assert SandboxMail.objects.get().workspace is None
    assert not SandboxReturn.objects.exists()


@pytest.mark.parametrize(
    ("recipient", "outcome", "status"),
    [
        ("bounce@people.example", "hard_bounced", "5.1.1"),
        ("bounce+17@people.example", "hard_bounced", "5.1.1"),
        ("Bounce17@people.example", "hard_bounced", "5.1.1"),
        ("softbounce@people.example", "soft_bounced", "4.2.2"),
        ("blocked@people.example", "blocked", "5.7.1"),
        ("delayed@people.example", "delayed", "4.4.1"),
    ],
)
def test_returns_a_delivery_report(
    running: Running, relay: Relay, recipient: str, outcome: str, status: str
) -> None:
    send(running, relay, recipient)
    assert SandboxMail.objects.get().outcome == outcome
    (report,) = returned(running, relay)
    assert report["To"] == f"<{SENDER}>"
    assert report.get_content_type() == "multipart/report"
    _text, machine, original = cast("list[Mail]", report.get_payload())
    about = cast("list[Mail]", machine.get_payload())[1]
    assert about["Final-Recipient"] == f"rfc822; {recipient}"
    assert about["Status"] == status
    assert about["Action"] == ("delayed" if outcome == "delayed" else "failed")
    assert "<m1@brand.example>" in original.as_string()


def test_returns_a_complaint(running: Running, relay: Relay) -> None:
    send(running, relay, "complain@people.example")
    (report,) = returned(running, relay)
    assert report.get_param("report-type") == "feedback-report"
    assert [part.get_content_type() for part in cast("list[Mail]", report.get_payload())] == [
        "text/plain",
        "message/feedback-report",
        "message/rfc822",
    ]
    assert "Original-Rcpt-To: <complain@people.example>" in report.as_string()


def test_returns_an_automatic_reply(running: Running, relay: Relay) -> None:
    send(running, relay, "autoreply@people.example")
    (reply,) = returned(running, relay)
    assert reply["Auto-Submitted"] == "auto-replied"
    assert reply["In-Reply-To"] == "<m1@brand.example>"


@pytest.mark.parametrize(
    ("recipient", "replies"),
    [
        ("reject@people.example", [550, 550, 550]),
        ("defer@people.example", [451, 250, 250]),
        ("greylist@people.example", [450, 450, 450]),
        ("full@people.example", [452, 452, 452]),
    ],
)
def test_refuses_recipients(
    running: Running, relay: Relay, recipient: str, replies: list[int]
) -> None:
    with log_in(running, relay) as client:
        client.mail(SENDER)
        assert [client.rcpt(recipient)[0] for _ in replies] == replies
    assert not SandboxMail.objects.exists()


def test_too_fast_ends_the_session(running: Running, relay: Relay) -> None:
    client = log_in(running, relay)
    client.mail(SENDER)
    assert client.rcpt("rate@people.example")[0] == 421
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.noop()
    with log_in(running, relay) as client:
        client.mail(SENDER)
        assert client.rcpt("rate@people.example")[0] == 450


def test_refuses_after_the_content(running: Running, relay: Relay) -> None:
    with pytest.raises(smtplib.SMTPDataError, match="554"):
        send(running, relay, "spam@people.example")
    assert not SandboxMail.objects.exists()


@pytest.mark.parametrize(
    ("elapsed", "tries", "taken"), [(0, 1, False), (9, 5, False), (10, 2, True), (99, 1, False)]
)
def test_greylisting_ends(elapsed: float, tries: int, taken: bool) -> None:
    refusal = behaviour.BY_WORD["greylist"].at_recipient
    assert refusal
    assert (refusal.reply(tries, elapsed) == "") is taken


@pytest.mark.parametrize(
    "address", ["rejected@x.example", "bouncer@x.example", "full.name@x.example", "@x.example"]
)
def test_other_addresses_are_plain(address: str) -> None:
    assert behaviour.of(address) is behaviour.PLAIN


def test_commands_may_be_pipelined(running: Running, relay: Relay) -> None:
    with log_in(running, relay) as client:
        client.send(
            b"MAIL FROM:<a@b.example>\r\nRCPT TO:<reject@p.example>\r\n"
            b"RCPT TO:<ada@p.example>\r\nDATA\r\n"
        )
        assert [client.getreply()[0] for _ in range(4)] == [250, 550, 250, 354]
        client.send(b"\r\n.\r\nNOOP\r\n")
        assert [client.getreply()[0] for _ in range(2)] == [250, 250]
    assert bytes(SandboxMail.objects.get().raw) == b"\r\n"


def test_a_larger_mail_is_refused(
    running: Running, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.smtpserver.LARGEST_MAIL", 50)
    with pytest.raises(smtplib.SMTPDataError, match="552"):
        send(running, relay, "ada@people.example")


def test_the_mailbox_outlives_a_restart(relay: Relay) -> None:
    first = Running()
    send(first, relay, "bounce1@people.example")
    send(first, relay, "bounce2@people.example")
    with inbox(first, relay) as client:
        before = client.search()
        validity = client.folder_status("INBOX", ["UIDVALIDITY"])
        client.delete_messages(before[:1])
        client.expunge()
    first.stop()
    second = Running()
    with inbox(second, relay) as client:
        assert client.search() == before[1:]
        assert client.folder_status("INBOX", ["UIDVALIDITY"]) == validity
    second.stop()


def test_processed_mail_can_be_moved(running: Running, relay: Relay) -> None:
    send(running, relay, "bounce@people.example")
    with inbox(running, relay) as client:
        client.create_folder("Yanshu")
        client.move(client.search(), "Yanshu")
        assert client.search() == []
        client.select_folder("Yanshu")
        (uid,) = client.search()
        assert b"No such mailbox" in client.fetch([uid], ["BODY.PEEK[]"])[uid][b"BODY[]"]
    assert SandboxReturn.objects.get().folder == "Yanshu"


def test_workspaces_see_only_their_own(
    running: Running, relay: Relay, other_workspace: Workspace
) -> None:
    services.provision(other_workspace)
    other = Relay.objects.get(workspace=other_workspace)
    send(running, relay, "bounce@people.example")
    assert len(returned(running, relay)) == 1
    assert returned(running, other) == []


def test_an_open_mailbox_learns_of_new_mail(running: Running, relay: Relay) -> None:
    with inbox(running, relay) as client:
        client.idle()
        send(running, relay, "bounce@people.example")
        assert (1, b"EXISTS") in client.idle_check(timeout=20)
        client.idle_done()


def test_the_oldest_are_removed(
    running: Running, relay: Relay, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "KEPT", 3)
    monkeypatch.setattr(store, "PRUNE_EVERY", 5)
    with log_in(running, relay) as client:
        for number in range(10):
            client.sendmail(SENDER, f"p{number}@people.example", CONTENT)
    end = time.monotonic() + 10
    kept = SandboxMail.objects.filter(workspace=workspace).order_by("id")
    while kept.count() > 3:
        assert time.monotonic() < end
    assert kept[0].envelope_to == "p7@people.example"


def test_provisioning_is_done_once(relay: Relay, workspace: Workspace) -> None:
    services.provision(workspace)
    assert Relay.objects.get() == relay
    mailbox = BounceMailbox.objects.get()
    assert mailbox.managed_by == "sandbox"
    assert mailbox.username == relay.username
    assert relay.bounce_address == "bounces@sandbox.example"


def test_without_the_sandbox_a_workspace_gets_nothing(workspace: Workspace) -> None:
    services.provision(workspace)
    assert not Relay.objects.exists()


def test_a_workspace_that_is_being_deleted_gets_nothing(
    relay: Relay, other_workspace: Workspace
) -> None:
    Workspace.objects.filter(pk=other_workspace.pk).update(deleted_at=timezone.now())
    services.ensure_all()
    assert Relay.objects.get() == relay


def test_a_start_brings_workspaces_up_to_date(
    relay: Relay, other_workspace: Workspace, settings: Any
) -> None:
    settings.SANDBOX_SMTP_PORT, settings.SANDBOX_IMAP_PORT = 5025, 5143
    Relay.objects.update(password=b"encrypted with another key")
    services.ensure_all()
    assert set(Relay.objects.values_list("port", flat=True)) == {5025}
    assert set(BounceMailbox.objects.values_list("port", flat=True)) == {5143}
    assert Relay.objects.filter(workspace=other_workspace).count() == 1
    relay.refresh_from_db()
    mailbox = BounceMailbox.objects.get(workspace=relay.workspace)
    assert decrypt(relay.password) == decrypt(mailbox.password)
