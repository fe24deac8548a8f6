"""A server that owes an answer: the pages of mailing and relay say so, until it came."""

import threading
from collections.abc import Iterator

import pytest
from django.db import connections

from relays.models import RelaySlot
from relays.queries import figures
from sending.services import waits
from tests.sending.engine.faults import engine
from tests.sending.engine.faults.faultplan import Does, Fault, Step
from tests.sending.engine.faults.scene import Scene, addresses, opened
from tests.sending.engine.faults.server import Server, running, until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr("relays.queries.slots.SILENT", 0.2)
    with running([Fault(Step.END, Does.HOLD, at=0, times=10)]) as server:
        yield server


def carried() -> threading.Thread:
    """A shift, in a thread of its own."""

    def work() -> None:
        try:
            engine.shift()
        finally:
            connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    return worker


def said(scene: Scene) -> tuple[str, list[str]]:
    waits.tend()
    scene.mailing.refresh_from_db()
    return scene.mailing.wait_reason, [line.reason for line in waits.lines(scene.mailing)]


def test_a_relay_that_is_silent_is_what_the_mailing_waits_for(server: Server) -> None:
    scene = opened(addresses(2), server)
    worker = carried()
    try:
        server.wait_held(Step.END)
        until(lambda: figures.silent([scene.relay.pk]))
        assert said(scene) == ("silent", ["silent"])
        assert figures.of([scene.relay.pk])[scene.relay.pk].silent_since is not None
    finally:
        server.release()
        worker.join(20)
    assert said(scene)[1] == []
    assert not RelaySlot.objects.exclude(silent_since=None).exists()
    assert len(server.mails) == 2


def test_who_answers_others_is_not_silent(server: Server) -> None:
    """Another worker gets its answers from the same relay."""
    scene = opened(addresses(2), server)
    worker = carried()
    try:
        server.wait_held(Step.END)
        until(lambda: figures.silent([scene.relay.pk]))
        mine = RelaySlot.objects.exclude(silent_since=None).get()
        RelaySlot.objects.filter(relay=scene.relay).exclude(pk=mine.pk).filter(number=3).update(
            open=1, leased_until=mine.leased_until, holder="another"
        )
        assert said(scene) == ("", [])
    finally:
        server.release()
        worker.join(20)
