"""What comes back of mails whose rows were dropped: it suppresses if it has proof."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from bounces.models import BounceMail, BounceMailbox
from bounces.services import collecting
from contacts.models import Contact, Suppression
from contacts.provenance import Source
from contacts.services import contacts as services
from relays import verp
from sending.compose.tokens import make as token
from sending.models import Event, Mailing, Message, Tally
from sending.services import blocks, retention
from tests.bounces import returns
from tests.mailservers.imap import Imap

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def gone(sent: Callable[..., list[Message]]) -> Message:
    (message,) = sent("gone@receiver.example")
    ago = timezone.now() - timedelta(days=400)
    Mailing.objects.update(state="finished", opened_at=ago, finished_at=ago)
    Tally.objects.update(waiting=0, accepted=1)
    blocks.turn()
    return message


def drop() -> None:
    before = timezone.now() - timedelta(days=300)
    for block in retention.look(before):
        retention.drop(block, before)


def test_a_bounce_with_proof_suppresses_and_is_not_counted(
    gone: Message, imap: Imap, mailbox: BounceMailbox, owner_client: Client
) -> None:
    drop()
    to = verp.address("bounces@brand.example", token(gone.pk))
    imap.append(returns.dsn("gone@receiver.example", to=to))
    done = collecting.collect(mailbox.pk)
    assert (done.error, done.stored, done.cleared) == ("", 1, 1)
    suppression = Suppression.objects.get(value="gone@receiver.example")
    assert (suppression.reason, suppression.source) == ("hard_bounced", Source("campaign", 7))
    assert not Event.objects.exists()
    assert Tally.objects.get().bounced == 0
    mail = BounceMail.objects.get()
    assert (mail.state, mail.message_id) == ("processed", gone.pk)
    for page in ("bounces/", f"bounces/{mail.pk}/", "bounces/?q=gone"):
        answer = owner_client.get(f"/w/brand/{page}")
        assert answer.status_code == 200, page
        assert "gone@receiver.example" in answer.content.decode()


@pytest.mark.parametrize("kind", ["hard_bounced", "complained"])
def test_it_is_about_the_address_that_was_mailed(
    gone: Message, imap: Imap, mailbox: BounceMailbox, owner_client: Client, kind: str
) -> None:
    """The contact moved after the drop. A complaint is about the person, at both addresses."""
    drop()
    contact = Contact.objects.get()
    services.update(contact, email="new@receiver.example", known_names={}, attributes={})
    if kind == "hard_bounced":
        to = verp.address("bounces@brand.example", token(gone.pk))
        imap.append(returns.dsn("gone@receiver.example", to=to))
    else:
        returned = returns.original(gone.pk, "gone@receiver.example")
        imap.append(returns.complaint("gone@receiver.example", returned))
    collecting.collect(mailbox.pk)
    mailed = {"gone@receiver.example"}
    both = {*mailed, "new@receiver.example"}
    active = Suppression.objects.filter(lifted_at=None, reason=kind)
    assert {one.value for one in active} == (mailed if kind == "hard_bounced" else both)
    owner_client.post(f"/w/brand/bounces/{BounceMail.objects.get().pk}/not/")
    assert not active.all().exists()


def test_a_bounce_without_proof_does_nothing(
    gone: Message, imap: Imap, mailbox: BounceMailbox
) -> None:
    drop()
    imap.append(returns.dsn("gone@receiver.example", to="bounces@brand.example"))
    assert collecting.collect(mailbox.pk).error == ""
    assert not Suppression.objects.exists()
    assert BounceMail.objects.get().state == "not_ours"


def test_bounces_that_were_counted_before_are_shown(
    gone: Message, imap: Imap, mailbox: BounceMailbox, owner_client: Client
) -> None:
    to = verp.address("bounces@brand.example", token(gone.pk))
    imap.append(returns.dsn("gone@receiver.example", to=to))
    collecting.collect(mailbox.pk)
    Tally.objects.update(unjudged_since=None)
    drop()
    mail = BounceMail.objects.get()
    for page in ("bounces/", f"bounces/{mail.pk}/"):
        assert owner_client.get(f"/w/brand/{page}").status_code == 200, page
    answer = owner_client.post(f"/w/brand/bounces/{mail.pk}/not/", follow=True)
    assert answer.status_code == 200
    assert not Suppression.objects.filter(lifted_at=None).exists()
