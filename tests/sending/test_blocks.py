"""Each month of mailings has a block of tables of its own (sending.blocks)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from contacts.audience import AudiencePart
from contacts.models import Contact, Subscription
from contacts.provenance import Source
from relays.models import Relay
from sending import blocks
from sending.models import Event, LeftOut, Mailing, MailingLane, Message, StreamItem
from sending.queries import blocks as query
from sending.queries import events
from sending.queries.claim import claim
from sending.queries.record import record
from sending.services import blocks as service
from sending.services import streams
from sending.services.mailings import open_mailing
from smtp.accepted import Accepted

pytestmark = pytest.mark.django_db(transaction=True)


def age(mailing: Mailing, days: int = 40) -> None:
    Mailing.objects.filter(pk=mailing.pk).update(opened_at=timezone.now() - timedelta(days=days))


def turned(mailing: Mailing) -> int:
    age(mailing)
    block = service.turn()
    assert block is not None
    return block


def table_of(message: Message) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text FROM sending_message WHERE id = %s", [message.pk]
        )
        (name,) = cursor.fetchone() or ("",)
    return str(name)


def test_a_month_without_mailings_begins_no_block(sent: Callable[..., list[Message]]) -> None:
    before = query.current()
    assert service.turn() is None
    (message,) = sent("a@x.example")
    assert service.turn() is None
    assert query.current() == before == blocks.of_mailing(message.mailing_id)


def test_a_mailing_at_the_turn_stays_whole(sent: Callable[..., list[Message]]) -> None:
    """What was opened before the turn is claimed, recorded and judged after it; ids of messages and
    mailings say the block of each."""
    (old,) = sent("a@x.example", state=Message.State.WAITING)
    block = turned(old.mailing)
    (new,) = sent("a@x.example", state=Message.State.WAITING)

    assert blocks.of_mailing(old.mailing_id) == blocks.of_message(old.pk) == block - 1
    assert blocks.of_mailing(new.mailing_id) == blocks.of_message(new.pk) == block
    assert [table_of(old), table_of(new)] == [
        f"sending_message_{block - 1}",
        f"sending_message_{block}",
    ]
    for message in (old, new):
        lane = MailingLane.objects.get(mailing=message.mailing_id)
        assert (lane.first_id, lane.last_id) == (message.pk, message.pk)
        MailingLane.objects.update(next_id=message.pk)
        Mailing.objects.filter(pk=message.mailing_id).update(state=Mailing.State.SENDING)
        Message.objects.filter(pk=message.pk).update(state=Message.State.WAITING)
        held = claim(message.mailing, Relay.objects.get(), holder="here:one", limit=10)
        assert held is not None
        taken = Accepted()
        taken.add(message.pk, 0, "250 ok", 0.1)
        assert record(held, [], taken) == {message.pk}

    now = timezone.now()
    events.record(events.EventRow(one.pk, Event.Kind.OPENED, now) for one in (old, new))
    assert set(Event.objects.values_list("message_id", "mailing_id")) == {
        (one.pk, one.mailing_id) for one in (old, new)
    }
    assert Message.objects.filter(state=Message.State.ACCEPTED, opened_at=now).count() == 2


def test_no_address_is_in_a_mailing_twice(sent: Callable[..., list[Message]]) -> None:
    """The database's own promise, in each block."""
    (old,) = sent("a@x.example")
    turned(old.mailing)
    (new,) = sent("a@x.example")
    for message in (old, new):
        with pytest.raises(IntegrityError, match="mailing_id_address"), transaction.atomic():
            Message.objects.create(
                id=message.pk + 1, mailing_id=message.mailing_id, address="a@x.example"
            )
        LeftOut.objects.create(mailing_id=message.mailing_id, contact_id=1, address="b@x.example")
        with pytest.raises(IntegrityError), transaction.atomic():
            LeftOut.objects.create(
                mailing_id=message.mailing_id, contact_id=1, address="b@x.example"
            )


def test_an_id_is_of_its_block_and_of_one_message(sent: Callable[..., list[Message]]) -> None:
    (old,) = sent("a@x.example")
    turned(old.mailing)
    (new,) = sent("a@x.example")
    with pytest.raises(IntegrityError, match="sending_message_ids"), transaction.atomic():
        Message.objects.create(id=old.pk + 7, mailing_id=new.mailing_id, address="b@x.example")
    with pytest.raises(IntegrityError, match="pkey"), transaction.atomic():
        Message.objects.create(id=new.pk, mailing_id=new.mailing_id, address="b@x.example")


def test_a_stream_goes_on_in_its_block(
    sent: Callable[..., list[Message]], make_mailing: Callable[..., Mailing]
) -> None:
    (message,) = sent("a@x.example")
    stream = streams.open_stream(
        workspace=message.mailing.workspace,
        source=Source("stream", 1),
        content=message.mailing.content,
        from_name="Brand",
        from_email="news@brand.example",
        relay=Relay.objects.get(),
    )
    block = turned(message.mailing)
    found = streams.append(stream, [streams.Item(key="order 1", address="b@x.example")])
    again = streams.append(stream, [streams.Item(key="order 1", address="b@x.example")])
    assert found == again
    (pk,) = found.values()
    assert blocks.of_message(pk) == blocks.of_mailing(stream.pk) == block - 1
    assert StreamItem.objects.get(pk=pk).mailing_id == stream.pk


def test_a_death_between_making_and_moving(sent: Callable[..., list[Message]]) -> None:
    """The tables stand, and ids don't lead there yet: mailings come into the old block, and the
    next turn moves on without making tables twice."""
    (old,) = sent("a@x.example")
    age(old.mailing)
    current = query.current()
    assert service._make_next() == current + 1
    (between,) = sent("b@x.example")
    assert blocks.of_mailing(between.mailing_id) == current

    assert service.turn() == current + 1
    (new,) = sent("c@x.example")
    assert blocks.of_mailing(new.mailing_id) == current + 1
    assert service.turn() is None
    assert query.standing()[-2:] == [current, current + 1]


def test_a_full_block_is_turned_in_its_month(sent: Callable[..., list[Message]]) -> None:
    current = query.current()
    with connection.cursor() as cursor:
        nearly = blocks.first_mailing(current) + blocks.SIZE * 9 // 10 + 1
        cursor.execute("SELECT setval('sending_mailing_id_seq', %s)", [nearly])
    assert service.turn() == current + 1


def test_a_restored_database_goes_on_in_a_block_far_ahead(
    sent: Callable[..., list[Message]],
) -> None:
    (old,) = sent("a@x.example")
    current = query.current()
    with transaction.atomic():
        service.jump()
        (within,) = sent("b@x.example")
    assert within.pk > old.pk + query.AHEAD
    assert query.current() == current + service.AHEAD
    (new,) = sent("c@x.example")
    assert blocks.of_message(new.pk) == current + service.AHEAD


def test_one_message_is_looked_for_in_one_block(sent: Callable[..., list[Message]]) -> None:
    (old,) = sent("a@x.example")
    block = turned(old.mailing)
    rows = Message.objects.filter(query.of_messages([old.pk]), pk=old.pk)
    assert rows.get() == old
    plan = rows.explain()
    assert f"sending_message_{block - 1}" in plan
    assert f"sending_message_{block}_" not in plan


def test_recipients_of_a_mailing_of_another_block_are_left_out(
    sent: Callable[..., list[Message]],
) -> None:
    (old,) = sent("a@x.example")
    turned(old.mailing)
    workspace = old.mailing.workspace
    audience = old.mailing.people
    contact = Contact.objects.create(workspace=workspace, email="b@x.example")
    Subscription.objects.create(list_id=audience.list_ids[0], contact=contact)
    for part in ("mailing", "mailed_within"):
        ids = (old.mailing_id,) if part == "mailing" else (24,)
        mailing = open_mailing(
            workspace=workspace,
            source=Source("campaign", 8),
            content=old.mailing.content,
            from_name="Brand",
            from_email="news@brand.example",
            relay=Relay.objects.get(),
            audience=replace(audience, exclude=(AudiencePart(part, ids),)),
        )
        assert [one.address for one in Message.objects.filter(mailing=mailing)] == ["b@x.example"]
        assert LeftOut.objects.get(mailing=mailing).address == "a@x.example"
        Message.objects.filter(mailing=mailing).delete()
        LeftOut.objects.filter(mailing=mailing).delete()
