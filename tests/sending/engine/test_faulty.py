"""Errors of ours: a mailing that can't be prepared is paused with the reason, and a delivery agent
that fails stops only its relay."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import DataError, OperationalError, connection

from accounts.models import Workspace
from designs.models import Content
from relays.models import Relay
from sending.compose.assembly import Assembly
from sending.compose.composer import Composer
from sending.compose.publicurls import Pixel
from sending.engine import shift
from sending.engine.claimedbatch import ClaimedBatch
from sending.engine.database import Database
from sending.engine.deliveryagent import DeliveryAgent
from sending.engine.ledger import Ledger, watch
from sending.models import Batch, Mailing, Message
from sending.queries.claim import Claimed
from sending.services import dispatch, recovery
from smtp import MailObject
from tests.mailservers.sink import Sink, running
from tests.sending.engine.conftest import assert_closes
from tests.sending.engine.test_guards import deliver, people

pytestmark = pytest.mark.django_db(transaction=True)
Open = Callable[..., Mailing]


class FaultError(Exception):
    """A bug."""


def test_a_mailing_that_cannot_be_prepared_is_paused_and_others_go_on(
    open_to: Open, relay: Relay, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = open_to(people(20)), open_to(people(30))
    real = Composer._assemble

    def assemble(self: Composer, content: Content, pixel: Pixel, marks: int) -> Assembly | None:
        if self.mailing.pk == bad.pk:
            raise FaultError("no such part")
        return real(self, content, pixel, marks)

    monkeypatch.setattr(Composer, "_assemble", assemble)
    deliver(good)
    bad.refresh_from_db()
    assert (bad.state, good.state) == (Mailing.State.PAUSED, Mailing.State.FINISHED)
    assert (bad.state_reason, bad.state_words) == ("not_prepared", "no such part")
    assert assert_closes(bad).waiting == 20
    assert assert_closes(good).accepted == 30


def test_a_mail_that_cannot_be_made_fails_alone(
    open_to: Open, relay: Relay, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Composer._rendered

    def rendered(self: Composer, message: Claimed, *args: Any) -> bytes:
        if message.address.startswith("p0003"):
            raise FaultError("a bug")
        return real(self, message, *args)

    monkeypatch.setattr(Composer, "_assembled", lambda *_: None)
    monkeypatch.setattr(Composer, "_rendered", rendered)
    mailing = open_to(people(20))
    deliver(mailing)
    tally = assert_closes(mailing)
    assert (mailing.state, tally.accepted, tally.failed) == (Mailing.State.FINISHED, 19, 1)


def test_a_delivery_agent_that_fails_stops_only_its_relay(
    open_to: Open,
    relay: Relay,
    sink: Sink,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = Ledger.record

    def record(self: Ledger, *args: Any, **options: Any) -> None:
        if self.relay.pk == relay.pk:
            raise FaultError("a bug")
        real(self, *args, **options)

    monkeypatch.setattr(Ledger, "record", record)
    with running() as second:
        other = Relay.objects.create(
            workspace=workspace, name="Other", host="127.0.0.1", port=second.port, security="none"
        )
        bad, good = open_to(people(20)), open_to(people(300), relay=other)
        shift.run_all(linger=0.1)
    assert assert_closes(good).accepted == 300
    relay.refresh_from_db()
    assert relay.wait_until is not None
    assert (relay.wait_reason, relay.state_words) == ("fault", "FaultError: a bug")
    # What was on the wire stands in the journal: nothing is lost, nothing goes twice.
    monkeypatch.setattr(Ledger, "record", real)
    Relay.objects.update(wait_until=None, failures=0)
    assert recovery.recover_journals() >= 1
    deliver(bad)
    assert assert_closes(bad).accepted == 20
    assert set(sink.accepted.values()) == {1}


@pytest.mark.slow
def test_a_batch_that_is_just_claimed_when_the_turn_fails_is_not_left_behind(
    open_to: Open, relay: Relay, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database goes away for a moment, between two looks for work."""
    asked = threading.Event()
    looks: list[int] = []
    real, look = Database.__call__, dispatch.relays_to_run

    async def call(self: Database, work: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if work.__name__ == "claim" and looks:
            asked.set()
        return await real(self, work, *args, **options)

    def relays_to_run() -> dict[int, int]:
        if not looks:
            looks.append(1)
            return look()
        assert asked.wait(30)
        raise OperationalError("terminating connection due to administrator command")

    mailing = open_to(people(3000))
    with monkeypatch.context() as patch:
        patch.setattr(shift, "LOOK", 0.01)
        patch.setattr(Database, "__call__", call)
        patch.setattr(dispatch, "relays_to_run", relays_to_run)
        with pytest.raises(OperationalError):
            shift.run_all(linger=0.1)
    recovery.recover_journals()
    assert not Batch.objects.exclude(holder="").exists()
    deliver(mailing)
    assert assert_closes(mailing).accepted == 3000
    assert set(sink.accepted.values()) == {1}


def test_a_batch_that_was_lost_hands_over_nothing(
    open_to: Open, relay: Relay, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a mail whose recipient was named before its batch became another worker's."""
    real, begun = DeliveryAgent.handing_over, []

    def lose(batch: ClaimedBatch) -> None:
        Batch.objects.filter(pk=batch.claim.batch_id).update(holder="another", epoch=2)
        watch([batch])
        connection.close()

    def handing_over(self: DeliveryAgent, mail: MailObject) -> None:
        begun.append(mail.key)
        if len(begun) == 3:
            with ThreadPoolExecutor(1) as thread:
                thread.submit(lose, self.where[mail.key][0]).result()
        real(self, mail)

    mailing = open_to(people(20))
    monkeypatch.setattr(DeliveryAgent, "handing_over", handing_over)
    shift.run(relay)
    assert len(begun) >= 3
    assert sink.accepted.total() == 2
    # What became of them is for whoever holds the batch.
    assert set(Message.objects.filter(mailing=mailing).values_list("state", flat=True)) == {0}


Break = Callable[[pytest.MonkeyPatch, int], None]


def _cannot_begin(patch: pytest.MonkeyPatch, relay_id: int) -> None:
    real = DeliveryAgent.__init__

    def init(self: DeliveryAgent, relay: Relay, *rest: Any) -> None:
        if relay.pk == relay_id:
            raise FaultError("a bug")
        real(self, relay, *rest)

    patch.setattr(DeliveryAgent, "__init__", init)


def _cannot_be_watched(patch: pytest.MonkeyPatch, relay_id: int) -> None:
    real = DeliveryAgent.watch

    async def watch(self: DeliveryAgent, began: float) -> None:
        if self.relay.pk == relay_id:
            raise FaultError("a bug")
        await real(self, began)

    patch.setattr(DeliveryAgent, "watch", watch)


def _statement_fails(patch: pytest.MonkeyPatch, relay_id: int) -> None:
    """The database is there and refuses what this relay's batch would write."""
    real = Ledger.record

    def record(self: Ledger, *args: Any, **options: Any) -> None:
        if self.relay.pk == relay_id:
            raise DataError("value too long")
        real(self, *args, **options)

    patch.setattr(Ledger, "record", record)


@pytest.mark.slow
@pytest.mark.parametrize("broken", [_cannot_begin, _cannot_be_watched, _statement_fails])
def test_whatever_fails_for_one_relay_the_others_go_on(  # noqa: PLR0917
    broken: Break,
    open_to: Open,
    relay: Relay,
    sink: Sink,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shift, "WATCH_SOON", 0.01)
    with running() as second:
        other = Relay.objects.create(
            workspace=workspace, name="Other", host="127.0.0.1", port=second.port, security="none"
        )
        bad, good = open_to(people(2000)), open_to(people(3000), relay=other)
        with monkeypatch.context() as patch:
            broken(patch, relay.pk)
            shift.run_all(linger=0.2)
    good.refresh_from_db()
    assert assert_closes(good).accepted == 3000
    relay.refresh_from_db()
    assert relay.wait_reason == "fault"
    # Afterwards it goes on, and nobody is mailed twice.
    Relay.objects.update(wait_until=None, failures=0)
    recovery.recover_journals()
    deliver(bad)
    assert assert_closes(bad).accepted == 2000
    assert set(sink.accepted.values()) == {1}
