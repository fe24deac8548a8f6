"""Bounce mailboxes whose server keeps all folders under the inbox, as Courier and Cyrus do: here a
Dovecot with prefix=INBOX. and a dot between levels."""

import pytest
from django.test import Client

from bounces.imap.box import ImapBox
from bounces.models import BounceMailbox
from bounces.services import collecting, mailboxes
from tests.bounces import returns
from tests.mailhost.servers import MailHost

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def namespace() -> str:
    return "INBOX."


def _folders(mailbox: BounceMailbox) -> dict[str, int]:
    with ImapBox(mailboxes.account(mailbox)) as box:
        return {folder.name: folder.mails for folder in box.folders()}


def _arrives(mailbox: BounceMailbox, mail: bytes) -> None:
    with ImapBox(mailboxes.account(mailbox)) as box:
        box.client.append(box.opened, mail)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Yanshu", "INBOX.Yanshu"),
        ("Yanshu/Bounces", "INBOX.Yanshu.Bounces"),
        ("Yanshu.Bounces", "INBOX.Yanshu.Bounces"),
        ("INBOX/Yanshu", "INBOX.Yanshu"),
        ("INBOX.Yanshu", "INBOX.Yanshu"),
        ("inbox.Yanshu", "INBOX.Yanshu"),
        ("退信/已处理", "INBOX.退信.已处理"),
        ("R&D", "INBOX.R&D"),
    ],
)
def test_the_folder_is_made_where_the_server_wants_it(
    host: MailHost, mailbox: BounceMailbox, typed: str, name: str
) -> None:
    with ImapBox(mailboxes.account(mailbox)) as box:
        assert box.prepare(typed) == name, host.log()
        # It is found from now on, and no second one is made.
        assert box.prepare(typed) == name
    assert set(_folders(mailbox)) == {"INBOX", name}


def test_collecting_end_to_end(
    host: MailHost, mailbox: BounceMailbox, owner_client: Client
) -> None:
    """The test says what will be, and collecting does it."""
    url = f"/w/brand/mailboxes/{mailbox.pk}/try/"
    page = owner_client.post(url).content.decode()
    assert "A test mail was moved to INBOX.Yanshu and removed again." in page, host.log()
    assert _folders(mailbox) == {"INBOX": 0, "INBOX.Yanshu": 0}

    _arrives(mailbox, returns.LETTER)
    done = collecting.collect(mailbox.pk)
    assert (done.error, done.stored) == ("", 1)
    mailbox.mails.update(state="processed", cleared_at=None)
    done = collecting.collect(mailbox.pk)
    assert (done.error, done.cleared) == ("", 1), host.log()
    assert _folders(mailbox) == {"INBOX": 0, "INBOX.Yanshu": 1}


def test_a_folder_to_read_is_found_there_too(host: MailHost, mailbox: BounceMailbox) -> None:
    with ImapBox(mailboxes.account(mailbox)) as box:
        box.client.create_folder("INBOX.Returns")
    mailbox.folder = "Returns"
    mailbox.save()
    trial = mailboxes.try_out(mailboxes.account(mailbox), move_to="Yanshu")
    assert trial.ok, trial.words
    assert collecting.collect(mailbox.pk).error == ""


def test_moving_into_the_folder_that_is_read_is_refused(
    host: MailHost, mailbox: BounceMailbox
) -> None:
    with ImapBox(mailboxes.account(mailbox)) as box:
        box.client.create_folder("INBOX.Returns")
    mailbox.folder = "INBOX.Returns"
    trial = mailboxes.try_out(mailboxes.account(mailbox), move_to="Returns")
    assert not trial.ok
    assert "Processed mail would stay in the folder that is read." in trial.sentence


def test_a_folder_that_cannot_be_made_is_told_by_the_test(
    host: MailHost, mailbox: BounceMailbox
) -> None:
    trial = mailboxes.try_out(mailboxes.account(mailbox), move_to="a..b\x01")
    assert not trial.ok
    assert trial.sentence == "The folder for processed mail could not be created."
    assert trial.words
    # And nothing of ours stays behind.
    assert _folders(mailbox)["INBOX"] == 0


@pytest.mark.parametrize("namespace", [""])
def test_a_server_without_a_prefix_keeps_the_names(mailbox: BounceMailbox, namespace: str) -> None:
    with ImapBox(mailboxes.account(mailbox)) as box:
        assert box.prepare("Yanshu") == "Yanshu"
    trial = mailboxes.try_out(mailboxes.account(mailbox), move_to="")
    assert trial.cleared is not None
    assert trial.cleared.tried
    assert _folders(mailbox) == {"INBOX": 0, "Yanshu": 0}
