"""Streams: messages appended one by one, each once by its key, with data of its own."""

import email
import email.policy
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Contact, Suppression
from contacts.provenance import Source
from designs.models import Design
from designs.services import freeze
from relays.models import Relay
from sending.engine import shift
from sending.models import Mailing, Message, StreamItem, Tally
from sending.services import dispatch, mailings, streams
from sending.services.retrying import retry_failed
from sending.services.streams import Item, StreamClosedError, append, close, open_stream
from sending.variants import Choice
from tests.factories import make_content
from tests.mailservers.sink import Sink
from tests.sending.engine.conftest import assert_closes, relay
from tests.sending.engine.test_guards import deliver
from tracking.services import mails, persons

__all__ = ["relay"]
pytestmark = pytest.mark.django_db(transaction=True)
HTML = '<p>Dear {{ first_name|default("you") }}, order {{ order }}: {{ total }}</p>'


@pytest.fixture
def stream(workspace: Workspace, relay: Relay) -> Mailing:
    design = Design.objects.create(workspace=workspace, name="Receipt", html=HTML)
    return open_stream(
        workspace=workspace,
        source=Source("stream", 1),
        content=freeze(design, subject="Order {{ order }}"),
        from_name="Shop",
        from_email="shop@brand.example",
        relay=relay,
    )


def order(number: int, **more: object) -> Item:
    data = {"order": f"A-{number}", "total": f"€ {number}"}
    return Item(f"order-{number}", f"p{number}@x.example", data=data | dict(more))


def send(stream: Mailing) -> None:
    """As beat and workers would, until the stream rests."""
    for _ in range(20):
        for pk in dispatch.relays_to_run():
            shift.run(Relay.objects.get(pk=pk))
        dispatch.tend_mailings()
        stream.refresh_from_db()
        if stream.idle or stream.state == "finished":
            return
    raise AssertionError("it is never done")


def received(sink: Sink) -> dict[str, email.message.EmailMessage]:
    return {
        to: email.message_from_bytes(content, policy=email.policy.default)
        for _, to, content in sink.mails
    }


def test_each_goes_out_once_with_its_own_data(stream: Mailing, sink: Sink) -> None:
    ids = append(stream, [order(1), order(2), order(1, total="changed")])
    assert set(ids) == {"order-1", "order-2"}
    send(stream)
    assert stream.idle
    # Asked again, it is the same message, and nothing is sent.
    assert append(stream, [order(2), order(3)])["order-2"] == ids["order-2"]
    send(stream)
    got = received(sink)
    assert sorted(to for _, to, _ in sink.mails) == [f"p{n}@x.example" for n in (1, 2, 3)]
    assert got["p1@x.example"]["Subject"] == "Order A-1"
    text = got["p1@x.example"].get_body(("html",))
    assert text is not None
    assert "Dear you, order A-1: € 1" in text.get_content()
    tally = assert_closes(stream)
    assert (tally.targeted, tally.accepted) == (3, 3)


def test_a_notice_says_that_a_machine_wrote_it_and_offers_no_list(
    stream: Mailing, sink: Sink
) -> None:
    append(stream, [order(1)])
    send(stream)
    [mail] = received(sink).values()
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Entity-Ref-ID"] == mail["X-Yanshu-Message"]
    assert not {"List-Unsubscribe", "List-Unsubscribe-Post", "List-Id"} & set(mail.keys())


def test_an_address_comes_again_under_another_key(stream: Mailing, sink: Sink) -> None:
    append(stream, [Item(f"k{n}", "same@x.example", data={"order": n}) for n in range(3)])
    send(stream)
    assert [to for _, to, _ in sink.mails] == ["same@x.example"] * 3


def test_a_contact_s_fields_stand_below_the_message_s(
    stream: Mailing, workspace: Workspace, sink: Sink
) -> None:
    lee = Contact.objects.create(
        workspace=workspace, email="lee@x.example", first_name="Lee", attributes={"total": "old"}
    )
    [number] = append(
        stream, [Item("k", lee.email, contact_id=lee.pk, data={"order": 7, "total": "new"})]
    ).values()
    send(stream)
    [mail] = received(sink).values()
    body = mail.get_body(("html",))
    assert body is not None
    assert "Dear Lee, order 7: new" in body.get_content()
    # In the browser it says the same.
    message = mails.find(number)
    assert message is not None
    assert "Dear Lee, order 7: new" in mails.rendered(message).html


@pytest.mark.parametrize(
    ("reason", "goes"),
    [("unsubscribed", True), ("complained", False), ("hard_bounced", False), ("manual", False)],
)
def test_a_notice_reaches_who_left_the_lists_and_nobody_who_must_not_be_mailed(
    stream: Mailing, workspace: Workspace, sink: Sink, reason: str, *, goes: bool
) -> None:
    Suppression.objects.create(
        workspace=workspace, kind="address", value="p1@x.example", reason=reason
    )
    append(stream, [order(1)])
    send(stream)
    message = Message.objects.get()
    assert (len(sink.mails), message.reason) == ((1, "") if goes else (0, f"suppressed_{reason}"))


def test_a_closed_one_takes_nothing_and_finishes(stream: Mailing, sink: Sink) -> None:
    append(stream, [order(1)])
    assert close(stream)
    assert not close(stream)
    with pytest.raises(StreamClosedError):
        append(stream, [order(2)])
    send(stream)
    assert stream.state == Mailing.State.FINISHED
    assert assert_closes(stream).accepted == 1


def test_a_cancelled_one_takes_nothing_and_skips_what_waits(stream: Mailing) -> None:
    append(stream, [order(1), order(2)])
    mailings.cancel(stream)
    with pytest.raises(StreamClosedError):
        append(stream, [order(3)])
    assert assert_closes(stream).skipped == 2


def test_a_paused_one_keeps_what_is_appended(stream: Mailing, sink: Sink) -> None:
    mailings.pause(stream)
    append(stream, [order(1)])
    dispatch.tend_mailings()
    assert dispatch.relays_to_run() == {}
    stream.refresh_from_db()
    mailings.resume(stream)
    send(stream)
    assert len(sink.mails) == 1


def test_what_is_put_off_keeps_it_from_resting_and_ages_by_itself(
    stream: Mailing, sink: Sink
) -> None:
    """The stream is a year old; a message that was appended now is tried for two days all the
    same."""
    Mailing.objects.update(opened_at=timezone.now() - timedelta(days=365))
    append(stream, [Item("k", "full1@x.example")])
    for pk in dispatch.relays_to_run():
        shift.run(Relay.objects.get(pk=pk))
    dispatch.tend_mailings()
    message = Message.objects.get()
    assert (message.state, message.reason) == (Message.State.WAITING, "full")
    stream.refresh_from_db()
    assert not stream.idle
    StreamItem.objects.update(created_at=timezone.now() - timedelta(days=3))
    Message.objects.update(retry_at=timezone.now(), attempts=20)
    for pk in dispatch.relays_to_run():
        shift.run(Relay.objects.get(pk=pk))
    assert Message.objects.get().reason == "expired"


def test_failed_ones_that_are_tried_again_wake_it(stream: Mailing, sink: Sink) -> None:
    append(stream, [Item("k", "spam1@x.example")])
    send(stream)
    assert Message.objects.get().state == Message.State.FAILED
    retry_failed(stream, Message.objects.filter(mailing=stream))
    assert not Mailing.objects.get(pk=stream.pk).idle
    assert set(dispatch.relays_to_run()) == {stream.relay_id}


def test_appending_while_it_goes_to_rest_loses_nothing(stream: Mailing, sink: Sink) -> None:
    """Many at once, from several connections, while beat makes it idle as soon as it can."""

    def work(number: int) -> dict[str, int]:
        try:
            return append(stream, [order(number), order(number % 5)])
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        waiting = [pool.submit(work, number) for number in range(60)]
        while not all(one.done() for one in waiting):
            streams.rest()
    ids = {key: number for one in waiting for key, number in one.result().items()}
    assert len(ids) == len(set(ids.values())) == 60
    stream.refresh_from_db()
    assert not stream.idle
    deliver(stream)
    assert Tally.objects.get(mailing=stream).accepted == len(sink.mails) == 60


def test_nobody_else_is_touched_by_who_is_no_contact(
    stream: Mailing, workspace: Workspace, sink: Sink
) -> None:
    append(stream, [Item("a", "a@x.example"), Item("b", "b@x.example")])
    message = mails.find(Message.objects.get(address="a@x.example").pk)
    assert message is not None
    person = persons.of(message)
    assert (person.own, person.contacts, person.present) == (None, [], "a@x.example")
    assert person.former == frozenset()


def test_of_several_contents_each_goes_out_in_its_language(
    workspace: Workspace, relay: Relay, sink: Sink
) -> None:
    stream = open_stream(
        workspace=workspace,
        source=Source("stream", 1),
        content=[
            Choice(make_content(workspace, subject=f"In {language or 'any'}"), language=language)
            for language in ("zh-Hans", "", "de")
        ],
        from_name="Shop",
        from_email="shop@brand.example",
        relay=relay,
    )
    lee = Contact.objects.create(
        workspace=workspace, email="lee@x.example", attributes={"language": "zh_CN"}
    )
    append(
        stream,
        [
            Item("contact", lee.email, contact_id=lee.pk),
            Item("data first", "a@x.example", contact_id=lee.pk, data={"language": "de-AT"}),
            Item("nobody", "b@x.example"),
            Item("named", "c@x.example", contact_id=lee.pk, variant=2),
            Item("another", "d@x.example", data={"language": "fr"}),
        ],
    )
    send(stream)
    assert {to: mail["Subject"] for to, mail in received(sink).items()} == {
        "lee@x.example": "In zh-Hans",
        "a@x.example": "In de",
        "b@x.example": "In any",
        "c@x.example": "In de",
        "d@x.example": "In any",
    }


@pytest.mark.parametrize("value", [float("nan"), "\ud800", object()])
def test_data_that_is_no_json_is_refused_with_its_key(stream: Mailing, value: object) -> None:
    good, bad = Item("a", "a@x.example"), Item("b", "b@x.example", data={"name": value})
    with pytest.raises(streams.StreamItemError, match="b"):
        streams.append(stream, [good, bad])
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (Item("", "b@x.example"), "1 to 200 characters"),
        (Item("k" * 201, "b@x.example"), "1 to 200 characters"),
        (Item("a\x00b", "b@x.example"), "without NUL"),
        (Item("\ud800", "b@x.example"), "without NUL"),
        (Item("b", ""), "invalid"),
        (Item("b", "not an address"), "invalid"),
        (Item("b", "b@x.example\r\nBcc: eve@x.example"), "invalid"),
        (Item("b", "B@X.example"), "must be written as b@x.example"),
        (Item("a", "b@x.example"), "different addresses"),
        (Item("b", "b@x.example", variant=1), "no content with the number 1"),
    ],
)
def test_an_item_that_cannot_be_sent_is_refused_with_the_reason(
    stream: Mailing, item: Item, why: str
) -> None:
    with pytest.raises(streams.StreamItemError, match=why):
        streams.append(stream, [Item("a", "a@x.example"), item])
    assert not Message.objects.exists()


def test_a_message_whose_content_is_gone_fails_with_the_reason(stream: Mailing, sink: Sink) -> None:
    append(stream, [order(1), order(2), order(3)])
    Message.objects.filter(address="p2@x.example").update(variant=7)
    send(stream)
    assert sorted(to for _, to, _ in sink.mails) == ["p1@x.example", "p3@x.example"]
    failed = Message.objects.get(state=Message.State.FAILED)
    assert (failed.address, failed.reason) == ("p2@x.example", "render")
    assert "no content with the number 7" in failed.reply
    assert_closes(stream)


def test_a_nul_in_data_is_replaced(stream: Mailing) -> None:
    streams.append(stream, [Item("a", "a@x.example", data={"name": "x\x00y", "path": "\\u0000"})])
    assert StreamItem.objects.get().data["name"] == "x\ufffdy"
