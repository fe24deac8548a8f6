"""What the ledger keeps of a person who was erased: rows that count, without a name."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Contact
from contacts.services import erasing
from sending.compose import tokens
from sending.models import Event, LeftOut, Mailing, Message, PastRecipients, WaitingErasure
from sending.queries import events
from sending.services import erasing as ledger
from sending.tasks import engine
from tests.sending.engine.conftest import assert_closes

pytestmark = pytest.mark.django_db
Sent = Callable[..., list[Message]]
ANN, BEN = "ann@b.example", "ben@b.example"


def everything() -> str:
    """All texts of the ledger."""
    rows = [
        *Message.objects.values_list("address", "reply"),
        *Event.objects.values_list("detail"),
        *LeftOut.objects.values_list("address"),
        *PastRecipients.objects.values_list("addresses"),
    ]
    return str(rows)


def erase(workspace: Workspace, address: str = ANN) -> None:
    erasing.erase(workspace, address, by=None)


def test_addresses_and_texts_go_and_the_counts_stay(workspace: Workspace, sent: Sent) -> None:
    ann, _ben = sorted(sent(ANN, BEN), key=lambda one: one.address)
    Message.objects.filter(pk=ann.pk).update(reply="250 2.0.0 Ok ann@b.example is fine")
    events.record(
        [
            events.EventRow(ann.pk, "opened", timezone.now(), detail="Mozilla"),
            events.EventRow(ann.pk, "hard_bounced", timezone.now(), detail="550 no ann@b.example"),
        ]
    )
    assert "address, texts and data of 1 mail" in erasing.find(workspace, ANN).traces
    erase(workspace)
    ann.refresh_from_db()
    assert (ann.address, ann.reply) == (f"erased-{ann.pk}@erased.invalid", "250 2.0.0")
    assert "ann" not in everything()
    assert BEN in everything()
    assert Event.objects.count() == 2
    tally = assert_closes(ann.mailing)
    assert (tally.accepted, tally.opened, tally.hard_bounced) == (2, 1, 1)
    erase(workspace)


@pytest.mark.django_db(transaction=True)
def test_two_persons_of_one_mailing(workspace: Workspace, sent: Sent) -> None:
    sent(ANN, BEN)
    erase(workspace)
    erase(workspace, BEN)
    assert len(set(Message.objects.values_list("address", flat=True))) == 2


def test_the_links_of_their_mails_say_that_they_are_unknown(
    workspace: Workspace, sent: Sent, client: Client
) -> None:
    (message,) = sent(ANN)
    erase(workspace)
    for method in (client.get, client.post):
        page = method(f"/e/u/{tokens.make(message.pk)}").content.decode()
        assert "We no longer have your address" in page
        assert "erased.invalid" not in page


def test_a_mail_that_waits_is_never_sent_and_forgotten_later(
    workspace: Workspace, sent: Sent
) -> None:
    (message,) = sent(ANN, state=Message.State.WAITING)
    erase(workspace)
    message.refresh_from_db()
    assert message.address == ANN
    assert ledger.forget_waiting() == 0
    Message.objects.update(state=Message.State.SKIPPED, reason="gone")
    engine.forget_old()
    assert "ann" not in everything()
    assert not WaitingErasure.objects.exists()


def test_mails_of_somebody_else_at_a_former_address_stay(workspace: Workspace, sent: Sent) -> None:
    """Ben had Ann's address before her."""
    (message,) = sent(ANN)
    Contact.objects.update(email=BEN)
    Contact.objects.create(workspace=workspace, email=ANN)
    erase(workspace)
    message.refresh_from_db()
    assert message.address == ANN


def test_left_out_and_dropped_mails(workspace: Workspace, sent: Sent) -> None:
    (message,) = sent(BEN)
    mailing = Mailing.objects.get()
    LeftOut.objects.create(mailing=mailing, contact_id=9, address=ANN, reason="unsubscribed")
    PastRecipients.objects.create(
        mailing=mailing,
        span=9,
        offsets=[1, 2, 3],
        contacts=[None, 7, None],
        addresses=[ANN, None, "carl@b.example"],
    )
    erase(workspace)
    assert "ann" not in everything()
    assert PastRecipients.objects.get().addresses == [None, None, "carl@b.example"]
    message.refresh_from_db()
    assert message.address == BEN


def test_another_workspace_keeps_its_mails(
    other_workspace: Workspace, workspace: Workspace, sent: Sent
) -> None:
    (message,) = sent(ANN)
    erase(other_workspace)
    message.refresh_from_db()
    assert message.address == ANN
