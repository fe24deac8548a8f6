"""The clock of a worker is set by an hour, forward or back, in the middle of a mailing."""

import signal

import pytest

from tests.sending.engine.faults import engine
from tests.sending.engine.faults.check import assert_ended, assert_no_journals
from tests.sending.engine.faults.faultplan import Does, Fault, Step
from tests.sending.engine.faults.scene import addresses, opened
from tests.sending.engine.faults.server import running
from tests.sending.engine.faults.workers import Nursery

pytestmark = pytest.mark.django_db(transaction=True)
AHEAD, BACK = signal.SIGUSR1, signal.SIGUSR2
BOTH = pytest.mark.parametrize("step", [AHEAD, BACK], ids=["ahead", "back"])


@BOTH
def test_stepped_in_the_middle(step: signal.Signals, nest: Nursery) -> None:
    """One worker's clock is wrong from then on, another's is right; a rate holds meanwhile."""
    people = addresses(300)
    with running() as server:
        scene = opened(people, server, per_second=400)
        workers = [nest.start(percent=100) for _ in range(2)]
        server.wait(lambda: len(server.mails) >= 100)
        workers[0].send(step)
        engine.wait_until_finished(scene)
        for worker in workers:
            worker.stop()
        assert assert_ended(scene).accepted == len(people)
        assert_no_journals()


@BOTH
def test_stepped_and_then_killed(step: signal.Signals, nest: Nursery) -> None:
    """The journal is believed all the same: the machine was not started anew. The worker that
    recovers it has the new time."""
    people = addresses(60)
    with running([Fault(Step.END, Does.HOLD, at=20, times=99, takes=True)]) as server:
        scene = opened(people, server)
        worker = nest.start(percent=100)
        server.wait_held(Step.END)
        worker.kill()
        server.release()
        other = nest.start(percent=100, clock=3600 if step is AHEAD else -3600)
        engine.wait_until_finished(scene, beating=False)
        other.stop()
        assert assert_ended(scene).unknown <= 2
        assert_no_journals()
