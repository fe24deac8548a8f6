"""A mailing through a real Postfix, whose reports come back to a real Dovecot."""

from collections.abc import Callable

import pytest

from accounts.models import Workspace
from bounces.imap.box import ImapBox
from bounces.models import BounceMail, BounceMailbox
from bounces.services import collecting, mailboxes
from contacts.models import Suppression
from contacts.provenance import Source
from relays.models import Relay
from sending.engine import shift
from sending.models import Event, Mailing, Message
from sending.services import dispatch
from tests import factories
from tests.mailhost.conftest import ADDRESS
from tests.mailhost.servers import MailHost, until
from tests.mailservers.sink import Sink
from tests.sending.engine.conftest import assert_closes

# The engine has a database connection of its own.
pytestmark = pytest.mark.django_db(transaction=True)
State = Message.State


@pytest.fixture
def relay(workspace: Workspace, host: MailHost) -> Relay:
    return factories.make_relay(
        workspace, name="Postfix", port=host.smtp, connections=2, bounce_address=ADDRESS
    )


def waiting(mailbox: BounceMailbox) -> int:
    """How many mails are in the folder that is read."""
    with ImapBox(mailboxes.account(mailbox)) as box:
        return len(box.uids_from(1))


def test_a_mailing_and_its_returns(
    host: MailHost,
    elsewhere: Sink,
    relay: Relay,
    mailbox: BounceMailbox,
    open_to: Callable[..., Mailing],
) -> None:
    good = [f"person{number}@rejecting.test" for number in range(20)]
    unknown = [f"reject{number}@rejecting.test" for number in range(6)]
    nowhere = [f"person{number}@nowhere.test" for number in range(4)]
    mailing = open_to(good + unknown + nowhere, relay=relay)
    shift.run(relay)
    tally = assert_closes(mailing)
    # nowhere.test is refused at RCPT; the others come back.
    assert (tally.accepted, tally.failed) == (26, 4)

    until(lambda: waiting(mailbox) == 6, what=host.log, seconds=60)
    until(lambda: len(elsewhere.mails) == 20, what=host.log)
    done = collecting.collect(mailbox.pk)
    assert done.error == ""
    assert dict(done.applied.kinds) == {"hard_bounced": 6}
    assert done.cleared == 6

    # That the relay finds no server for nowhere.test suppresses nobody.
    dispatch.tend_mailings()
    tally = assert_closes(mailing)
    assert (tally.accepted, tally.hard_bounced) == (26, 6)
    suppressed = Suppression.objects.filter(reason="hard_bounced")
    details = dict(suppressed.values_list("value", "detail"))
    assert set(details) == set(unknown)
    assert {one.source for one in suppressed} == {Source("campaign", 7)}
    assert "550 5.1.1 User unknown" in details["reject0@rejecting.test"]
    assert set(BounceMail.objects.values_list("matched_by", flat=True)) == {"verp"}
    assert Event.objects.filter(kind="hard_bounced").count() == 6
    bounced = Message.objects.exclude(bounced_at=None)
    assert set(bounced.values_list("address", flat=True)) == set(unknown)

    assert waiting(mailbox) == 0
    trial = mailboxes.look(mailboxes.account(mailbox))
    assert {folder.name: folder.mails for folder in trial.folders} == {"INBOX": 0, "Yanshu": 6}
    # Who bounced is left out of the next one.
    again = open_to(good[:1] + unknown)
    assert again.tally.targeted == 1
    assert again.excluded == {"suppressed_hard_bounced": 6}


def test_without_verp_by_what_came_back(
    host: MailHost, relay: Relay, mailbox: BounceMailbox, open_to: Callable[..., Mailing]
) -> None:
    """A relay that rewrites the envelope sender: the returned headers tell."""
    relay.envelope = Relay.Envelope.FIXED
    relay.save()
    mailing = open_to(["reject@rejecting.test"], relay=relay)
    shift.run(relay)
    until(lambda: waiting(mailbox) == 1, what=host.log, seconds=60)
    BounceMailbox.objects.update(after="delete")
    collecting.collect(mailbox.pk)
    assert BounceMail.objects.get().matched_by == "header"
    assert assert_closes(mailing).hard_bounced == 1
    assert waiting(mailbox) == 0
