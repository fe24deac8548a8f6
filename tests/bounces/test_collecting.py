"""Collecting over real IMAP: what comes back is counted once, and nothing else is touched."""

import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from accounts import secrets
from accounts.models import User, Workspace
from bounces.imap.box import ImapBox
from bounces.imap.errors import BoxError
from bounces.imap.wire import Account
from bounces.models import BounceMail, BounceMailbox
from bounces.reading import ReportKind
from bounces.services import collecting, deciding, mailboxes
from contacts.models import Contact, Suppression
from contacts.provenance import Source
from relays import verp
from sending.compose.tokens import make as token
from sending.models import Event, Message, Tally
from tests.bounces import returns
from tests.loglines import named
from tests.mailservers.imap import PASSWORD, USER, Imap, running
from tests.sending.engine.conftest import assert_closes

Sent = Callable[..., list[Message]]


def verp_of(message: Message) -> str:
    return verp.address("bounces@brand.example", token(message.pk))


def test_hard_bounce_by_verp_suppresses_and_moves(
    imap: Imap, mailbox: BounceMailbox, sent: Sent
) -> None:
    (message,) = sent("gone@receiver.example")
    imap.append(returns.dsn("gone@receiver.example", to=verp_of(message)))
    done = collecting.collect(mailbox.pk)
    assert (done.error, done.stored, done.cleared) == ("", 1, 1)
    event = Event.objects.get(message=message)
    assert (event.kind, event.detail) == ("hard_bounced", "550 5.1.1 No such user here")
    suppression = Suppression.objects.get(value="gone@receiver.example")
    assert (suppression.reason, suppression.source) == ("hard_bounced", Source("campaign", 7))
    assert suppression.detail == "550 5.1.1 No such user here"
    assert assert_closes(message.mailing).hard_bounced == 1
    mail = BounceMail.objects.get()
    assert (mail.state, mail.matched_by, mail.message) == ("processed", "verp", message)
    assert not imap.contents()
    assert len(imap.contents("Yanshu")) == 1
    mailbox.refresh_from_db()
    assert mailbox.collected_at
    assert mailbox.leased_until is None


def test_a_collection_is_one_line(
    imap: Imap, mailbox: BounceMailbox, sent: Sent, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "bounces")
    collecting.collect(mailbox.pk)
    assert not named(caplog, "mailbox collected")
    (message,) = sent("gone@receiver.example")
    imap.append(returns.dsn("gone@receiver.example", to=verp_of(message)))
    collecting.collect(mailbox.pk)
    (fields,) = named(caplog, "mailbox collected")
    assert (fields["mailbox"], fields["workspace"]) == (mailbox.pk, mailbox.workspace_id)
    numbers = [fields[name] for name in ("stored", "ours", "suppressed", "cleared", "failed")]
    assert numbers == [1, 1, 1, 1, 0]
    BounceMailbox.objects.update(username="another")
    collecting.collect(mailbox.pk)
    (fields,) = named(caplog, "mailbox could not be collected")
    assert fields["mailbox"] == mailbox.pk


def test_by_returned_headers(imap: Imap, mailbox: BounceMailbox, sent: Sent) -> None:
    (message,) = sent("gone@receiver.example")
    returned = returns.original(message.pk, "gone@receiver.example")
    only_id = "\r\n".join(line for line in returned.split("\r\n") if "Message-ID" in line) + "\r\n"
    imap.append(returns.dsn("alias@elsewhere.example", returned=only_id))
    collecting.collect(mailbox.pk)
    mail = BounceMail.objects.get()
    assert (mail.matched_by, mail.message, mail.recipient) == (
        "header",
        message,
        "alias@elsewhere.example",
    )
    # The address that we mailed, not the one it was forwarded to.
    assert Suppression.objects.get().value == "gone@receiver.example"


def test_by_recipient_means_the_last_message(
    imap: Imap, mailbox: BounceMailbox, sent: Sent
) -> None:
    sent("gone@receiver.example")
    (last,) = sent("gone@receiver.example")
    imap.append(returns.dsn("Gone@Receiver.example"))
    collecting.collect(mailbox.pk)
    mail = BounceMail.objects.get()
    assert (mail.state, mail.matched_by, mail.message) == ("unproven", "recipient", last)


def test_by_recipient_not_after_two_weeks(imap: Imap, mailbox: BounceMailbox, sent: Sent) -> None:
    sent("gone@receiver.example")
    Message.objects.update(settled_at=timezone.now() - timedelta(days=15))
    imap.append(returns.dsn("gone@receiver.example"))
    collecting.collect(mailbox.pk)
    assert BounceMail.objects.get().state == "not_ours"
    assert not Event.objects.exists()


def test_other_workspaces_message_is_not_ours(
    imap: Imap, mailbox: BounceMailbox, sent: Sent, other_workspace: Workspace
) -> None:
    (message,) = sent("gone@receiver.example")
    mailbox.workspace = other_workspace
    mailbox.save()
    imap.append(returns.dsn("gone@receiver.example", to=verp_of(message)))
    collecting.collect(mailbox.pk)
    assert BounceMail.objects.get().state == "not_ours"
    assert not Suppression.objects.exists()
    assert len(imap.contents()) == 1


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"status": "4.2.2", "words": "452 4.2.2 Mailbox full"}, "soft_bounced"),
        ({"status": "5.7.1", "words": "554 5.7.1 Spam"}, "blocked"),
        ({"status": "5.0.0", "words": "550 Odd"}, "soft_bounced"),
        ({"action": "delayed", "status": "4.4.1", "words": "Connection timed out"}, "delayed"),
    ],
)
def test_what_does_not_suppress(
    imap: Imap, mailbox: BounceMailbox, sent: Sent, said: dict[str, str], kind: str
) -> None:
    (message,) = sent("a@receiver.example")
    imap.append(returns.dsn("a@receiver.example", to=verp_of(message), **said))
    collecting.collect(mailbox.pk)
    assert Event.objects.get(message=message).kind == kind
    assert not Suppression.objects.exists()
    assert assert_closes(message.mailing).hard_bounced == 0


def test_automatic_reply_needs_proof(imap: Imap, mailbox: BounceMailbox, sent: Sent) -> None:
    (message,) = sent("anna@receiver.example")
    imap.append(
        returns.out_of_office(verp_of(message)), returns.out_of_office("bounces@brand.example")
    )
    collecting.collect(mailbox.pk)
    assert [event.kind for event in Event.objects.filter(message=message)] == ["auto_replied"]
    # The other one may answer a person's own mail: it stays.
    assert len(imap.contents()) == 1
    assert not Suppression.objects.exists()


def test_complaint_suppresses(imap: Imap, mailbox: BounceMailbox, sent: Sent) -> None:
    (message,) = sent("anna@receiver.example")
    returned = returns.original(message.pk, "anna@receiver.example")
    imap.append(returns.complaint("anna@receiver.example", returned))
    collecting.collect(mailbox.pk)
    assert Suppression.objects.get().reason == "complained"
    assert assert_closes(message.mailing).complained == 1


def test_bounce_of_unknown_settles_it(imap: Imap, mailbox: BounceMailbox, sent: Sent) -> None:
    (message,) = sent("gone@receiver.example", state=Message.State.UNKNOWN)
    imap.append(returns.dsn("gone@receiver.example", to=verp_of(message)))
    collecting.collect(mailbox.pk)
    message.refresh_from_db()
    assert message.state == Message.State.ACCEPTED
    assert assert_closes(message.mailing).unknown == 0


@pytest.mark.slow
def test_what_is_not_ours_stays_exactly_as_it_was(
    imap: Imap, mailbox: BounceMailbox, sent: Sent
) -> None:
    (message,) = sent("gone@receiver.example")
    imap.append(returns.LETTER)
    imap.append(returns.LETTER, flags=(b"\\Flagged", b"\\Deleted"))
    imap.append(returns.dsn("stranger@receiver.example"), flags=(b"\\Seen",))
    before = imap.contents()
    imap.append(returns.dsn("gone@receiver.example", to=verp_of(message)))
    for _ in range(2):
        collecting.collect(mailbox.pk)
        assert imap.contents() == before
    kept = BounceMail.objects.filter(state="not_ours")
    assert kept.count() == 3
    assert {(mail.raw, mail.subject, mail.sender) for mail in kept} == {(None, "", "")}
    mailbox.refresh_from_db()
    assert mailbox.next_uid == max(before) + 2


def test_deleting_leaves_other_deleted_mail(imap: Imap, mailbox: BounceMailbox, sent: Sent) -> None:
    mailbox.after = "delete"
    mailbox.save()
    (message,) = sent("gone@receiver.example")
    imap.append(returns.LETTER, flags=(b"\\Deleted",))
    imap.append(returns.dsn("gone@receiver.example", to=verp_of(message)))
    collecting.collect(mailbox.pk)
    assert [flags for _, flags in imap.contents().values()] == [(b"\\Deleted",)]
    assert not imap.contents("Yanshu")


def test_large_mail_is_read_from_its_beginning(
    imap: Imap, mailbox: BounceMailbox, sent: Sent
) -> None:
    (message,) = sent("gone@receiver.example")
    imap.append(returns.dsn("gone@receiver.example", to=verp_of(message)) + b"x" * 400_000)
    collecting.collect(mailbox.pk)
    mail = BounceMail.objects.get()
    assert mail.state == "processed"
    assert len(mail.raw or b"") == 256 * 1024


def test_rebuilt_mailbox_counts_nothing_twice(
    imap: Imap, mailbox: BounceMailbox, sent: Sent
) -> None:
    messages = sent("gone@receiver.example", "away@receiver.example")
    mailbox.move_to = "INBOX"  # what is processed stays in sight
    mailbox.save()
    first, second = (returns.dsn(m.address, to=verp_of(m)) for m in messages)
    imap.append(first, returns.LETTER)
    collecting.collect(mailbox.pk)
    validity = BounceMailbox.objects.get().uid_validity
    imap.rebuild()
    imap.append(first, second)
    collecting.collect(mailbox.pk)
    assert BounceMailbox.objects.get().uid_validity != validity
    assert Event.objects.filter(kind="hard_bounced").count() == 2
    assert Tally.objects.get().hard_bounced == 2


STAGES = ["store", "apply", "clear", "cleared"]


@pytest.mark.parametrize("stage", STAGES)
def test_death_between_any_two_steps(
    imap: Imap,
    mailbox: BounceMailbox,
    sent: Sent,
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
) -> None:
    """A process that dies loses its transaction and nothing else: an exception that nobody
    catches, at each step, and the lease that stays behind."""
    people = [f"gone{number}@receiver.example" for number in range(5)]
    messages = sent(*people)
    imap.append(*(returns.dsn(m.address, to=verp_of(m)) for m in messages), returns.LETTER)

    class Dies(BaseException):
        pass

    def dies(*_: object, **__: object) -> None:
        raise Dies

    with monkeypatch.context() as patch:
        if stage == "store":
            patch.setattr(deciding, "_read", dies)
        elif stage == "apply":
            patch.setattr(deciding, "_settle", dies)
        elif stage == "clear":
            patch.setattr(ImapBox, "move", dies)
        else:
            real = ImapBox.move

            def moves_then_dies(self: ImapBox, *given: object) -> None:
                real(self, *given)  # type: ignore[arg-type]
                raise Dies

            patch.setattr(ImapBox, "move", moves_then_dies)
        patch.setattr(collecting, "_release", lambda *_: None)
        with pytest.raises(Dies):
            collecting.collect(mailbox.pk)
    assert collecting.collect(mailbox.pk).busy
    BounceMailbox.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert not collecting.collect(mailbox.pk).error
    assert Event.objects.filter(kind="hard_bounced").count() == 5
    assert assert_closes(messages[0].mailing).hard_bounced == 5
    assert Suppression.objects.count() == 5
    assert len(imap.contents()) == 1
    assert len(imap.contents("Yanshu")) == 5
    assert not BounceMail.objects.filter(state="processed", cleared_at=None).exists()


def test_two_at_once_are_one(imap: Imap, mailbox: BounceMailbox, sent: Sent) -> None:
    (message,) = sent("gone@receiver.example")
    imap.append(returns.dsn("gone@receiver.example", to=verp_of(message)))
    BounceMailbox.objects.update(leased_until=timezone.now() + timedelta(minutes=1))
    assert collecting.collect(mailbox.pk).busy
    assert not BounceMail.objects.exists()


# What can be wrong -------------------------------------------------------------------------------


def wrong(mailbox: BounceMailbox, **values: object) -> str:
    BounceMailbox.objects.filter(pk=mailbox.pk).update(**values)
    done = collecting.collect(mailbox.pk)
    mailbox.refresh_from_db()
    assert (mailbox.error, mailbox.error_words) == (done.error, done.words)
    assert mailbox.collected_at is None
    return done.sentence


def test_login_refused(mailbox: BounceMailbox) -> None:
    error = wrong(mailbox, password=secrets.encrypt("wrong"))
    assert error.startswith("The server refuses this user and password.")


def test_folder_missing(mailbox: BounceMailbox) -> None:
    assert wrong(mailbox, folder="Nowhere").startswith("There is no such folder")


def test_nobody_listens(mailbox: BounceMailbox) -> None:
    assert wrong(mailbox, port=1).startswith("The server takes no connection on this port.")


def test_unknown_name(mailbox: BounceMailbox) -> None:
    assert wrong(mailbox, host="no-such-host.invalid").startswith("The server's name is not known.")


def test_no_tls_there(mailbox: BounceMailbox) -> None:
    assert wrong(mailbox, security="tls").startswith("No encrypted connection could be made.")


def test_no_starttls(mailbox: BounceMailbox) -> None:
    assert wrong(mailbox, security="starttls").startswith("The server offers no STARTTLS.")


def test_secret_of_another_key(mailbox: BounceMailbox) -> None:
    assert "Enter the password again" in wrong(mailbox, password=b"nonsense")


def test_certificate_is_checked(certificate: tuple[Path, ssl.SSLContext]) -> None:
    path, server = certificate
    for options in ({"tls": server}, {"starttls": server}):
        with running(**options) as imap:
            security = next(iter(options))
            account = Account("localhost", imap.port, security, USER, PASSWORD)
            with pytest.raises(BoxError) as caught, ImapBox(account):
                pass
            assert caught.value.code == "certificate"
            known = ssl.create_default_context(cafile=path)
            with ImapBox(account, tls=known) as box:
                assert box.uids_from(1) == []


def test_back_off_of_a_failing_mailbox(mailbox: BounceMailbox) -> None:
    now = timezone.now()
    for failing, pause in ((0, 1), (4, 4), (300, 15)):
        BounceMailbox.objects.update(
            managed_by="",
            error="login",
            checked_at=now,
            collected_at=now - timedelta(minutes=failing),
        )
        assert collecting.due(now + timedelta(minutes=pause, seconds=-1)) == []
        assert collecting.due(now + timedelta(minutes=pause)) == [mailbox.pk]


def test_due_each_minute_and_the_sandbox_soon(mailbox: BounceMailbox) -> None:
    assert collecting.due() == [mailbox.pk]
    now = timezone.now()
    BounceMailbox.objects.update(checked_at=now)
    assert collecting.due(now + timedelta(seconds=9)) == []
    assert collecting.due(now + timedelta(seconds=10)) == [mailbox.pk]
    BounceMailbox.objects.update(managed_by="")
    assert collecting.due(now + timedelta(seconds=59)) == []
    assert collecting.due(now + timedelta(seconds=60)) == [mailbox.pk]
    BounceMailbox.objects.update(active=False)
    assert collecting.due(now + timedelta(hours=1)) == []


def test_trial_shows_folders(imap: Imap, mailbox: BounceMailbox) -> None:
    imap.append(returns.LETTER)
    trial = mailboxes.look(mailboxes.account(mailbox), trusted=True)
    assert trial.ok
    assert [(f.name, f.mails, f.unseen) for f in trial.folders] == [("INBOX", 1, 1)]


def test_servers_of_a_cloud_are_refused(mailbox: BounceMailbox) -> None:
    error = wrong(mailbox, host="169.254.169.254", managed_by="")
    assert error.startswith("This server can't be used for a mailbox. 169.254.169.254 is")


def test_not_a_bounce_lifts(imap: Imap, mailbox: BounceMailbox, sent: Sent, owner: User) -> None:
    (message,) = sent("gone@receiver.example")
    imap.append(returns.dsn("gone@receiver.example", to=verp_of(message)))
    collecting.collect(mailbox.pk)
    mail = BounceMail.objects.select_related("message__mailing", "mailbox__workspace").get()
    moment = timezone.now()
    assert deciding.not_a_bounce(mail, owner, moment) == 1
    assert Suppression.objects.get().lifted_at
    assert BounceMail.objects.get().kind == "other"
    deciding.is_a_bounce(mail, ReportKind.HARD_BOUNCED, moment)
    assert Suppression.objects.get().lifted_at is None
    assert BounceMail.objects.get().kind == "hard_bounced"


def test_a_complaint_is_the_persons_and_a_bounce_the_addresss(
    imap: Imap, mailbox: BounceMailbox, sent: Sent, owner: User
) -> None:
    """The contact's address changed between the mail and what came back of it."""
    both = {one.address: one for one in sent("anna@receiver.example", "ben@receiver.example")}
    complained, gone = both["anna@receiver.example"], both["ben@receiver.example"]
    for message, address in ((complained, "anna@new.example"), (gone, "ben@new.example")):
        Contact.objects.filter(pk=message.contact_id or 0).update(email=address)
    returned = returns.original(complained.pk, "anna@receiver.example")
    imap.append(
        returns.complaint("anna@receiver.example", returned),
        returns.dsn("ben@receiver.example", to=verp_of(gone)),
    )
    collecting.collect(mailbox.pk)
    rows = Suppression.objects.order_by("value").values_list("value", "reason")
    assert list(rows) == [
        ("anna@new.example", "complained"),
        ("anna@receiver.example", "complained"),
        ("ben@receiver.example", "hard_bounced"),
    ]
    mail = BounceMail.objects.select_related("message__mailing", "mailbox__workspace").get(
        kind="complained"
    )
    moment = timezone.now()
    assert deciding.not_a_bounce(mail, owner, moment) == 2
    active = Suppression.objects.filter(lifted_at=None)
    assert active.get().value == "ben@receiver.example"
    deciding.is_a_bounce(mail, ReportKind.COMPLAINED, moment)
    assert active.count() == 3


def test_not_a_complaint_lifts_no_other_complaint(
    imap: Imap, mailbox: BounceMailbox, sent: Sent, owner: User
) -> None:
    """The present address was complained about in another campaign: that stays."""
    (message,) = sent("anna@receiver.example")
    contact = Contact.objects.get(pk=message.contact_id or 0)
    Contact.objects.filter(pk=contact.pk).update(email="anna@new.example")
    Suppression.objects.create(
        workspace=contact.workspace,
        kind="address",
        value="anna@new.example",
        reason="complained",
        **Source("campaign", 3).columns,
    )
    returned = returns.original(message.pk, "anna@receiver.example")
    imap.append(returns.complaint("anna@receiver.example", returned))
    collecting.collect(mailbox.pk)
    mail = BounceMail.objects.select_related("message__mailing", "mailbox__workspace").get()
    assert deciding.not_a_bounce(mail, owner, timezone.now()) == 1
    assert Suppression.objects.get(lifted_at=None).source == Source("campaign", 3)
