"""Two workers and the same batch: who lost its lease wakes up and changes nothing of another's."""

import signal
import time
from pathlib import Path

import pytest
from django.db import connection

from sending.models import Batch, Message
from sending.services import recovery, unknowns
from tests.sending.engine.faults import engine
from tests.sending.engine.faults.check import assert_ended, assert_right
from tests.sending.engine.faults.faultplan import Does, Fault, Step
from tests.sending.engine.faults.scene import Scene, addresses, opened
from tests.sending.engine.faults.server import Server, running, until
from tests.sending.engine.faults.workers import Nursery, Worker

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = addresses(40)
# Seconds, instead of 25, after which a worker that stood still begins nothing more.
SAFE = 1.5


def asleep(nest: Nursery, server: Server, var: Path) -> Worker:
    """A worker of another host, standing still with a batch while two replies are on their way."""
    worker = nest.start(percent=100, var=var, safe=SAFE)
    server.wait_held(Step.END, 2)
    worker.send(signal.SIGSTOP)
    wakes = time.monotonic() + SAFE
    until(lambda: time.monotonic() > wakes)
    return worker


def expire() -> None:
    """Its leases ended long ago: the host is given up."""
    with connection.cursor() as cursor:
        for table in ("sending_batch", "relays_relayslot"):
            cursor.execute(
                f"UPDATE {table} SET leased_until = now() - interval '1 hour'"  # noqa: S608
                " WHERE leased_until IS NOT NULL"
            )


def test_who_lost_the_lease_records_nothing(nest: Nursery, tmp_path: Path) -> None:
    """Its batch is unknown by then. It wakes up, and the rows stay as they are."""
    with running([Fault(Step.END, Does.HOLD, at=10, times=99, takes=True)]) as server:
        scene = opened(PEOPLE, server)
        worker = asleep(nest, server, tmp_path)
        expire()
        assert recovery.sweep() > 0
        before = states(scene)
        server.release()
        worker.send(signal.SIGCONT)
        worker.stop()
        assert states(scene) == before
        # Of what it had claimed it sent nothing more, apart from what was on the wire.
        assert len(server.mails) <= 10 + 2
        assert_right(scene)
        assert not Batch.objects.exclude(holder="").exists()


def test_what_a_person_sends_again_belongs_to_the_new_worker(nest: Nursery, tmp_path: Path) -> None:
    with running([Fault(Step.END, Does.HOLD, at=10, times=2, takes=True)]) as server:
        scene = opened(PEOPLE, server)
        worker = asleep(nest, server, tmp_path)
        expire()
        recovery.sweep()
        again, before = set(unknown(scene)), set(server.accepted)
        assert unknowns.resend(scene.mailing) == len(again)
        other = nest.start(percent=100)
        engine.wait_until_finished(scene)
        accepted = states(scene)
        worker.send(signal.SIGCONT)
        server.release()
        worker.stop()
        other.stop()
        assert states(scene) == accepted
        assert assert_ended(scene, resent=again).accepted == len(PEOPLE)
        # Twice have it those whom the first one had mailed and not recorded, and nobody else.
        twice = {who for who, number in server.accepted.items() if number > 1}
        assert len(before) == 10 + 2
        assert twice <= before & again


def states(scene: Scene) -> dict[str, int]:
    return dict(Message.objects.filter(mailing=scene.mailing).values_list("address", "state"))


def unknown(scene: Scene) -> list[str]:
    return [who for who, state in states(scene).items() if state == Message.State.UNKNOWN]
