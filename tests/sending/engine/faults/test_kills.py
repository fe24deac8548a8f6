"""kill -9 and SIGTERM to a worker, each at every step of a message: the server holds its answer
there, the worker is hit, and others go on."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from relays.services import pace
from sending.host import journal
from sending.models import Batch, Message
from tests.sending.engine.faults import engine
from tests.sending.engine.faults.check import assert_ended, assert_no_journals
from tests.sending.engine.faults.faultplan import AT_THE_DOOR, Character, Does, Fault, Step
from tests.sending.engine.faults.scene import Scene, addresses, opened
from tests.sending.engine.faults.server import Server, running, until
from tests.sending.engine.faults.workers import Nursery

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = addresses(60)
CONNECTIONS = 2
# More than what the kernel keeps for a server that doesn't read.
LARGE = 450_000
# Held from the tenth on, so that some are done, and some are claimed and not begun.
STEPS = (*AT_THE_DOOR, Step.MAIL, Step.RCPT, Step.DATA, Step.END)
BEFORE_THE_CONTENT = (*AT_THE_DOOR, Step.MAIL, Step.RCPT, Step.DATA)


def held(step: Step, *, takes: bool = False) -> Fault:
    return Fault(step, Does.HOLD, at=0 if step in AT_THE_DOOR else 10, times=1000, takes=takes)


def end(scene: Scene, nest: Nursery, server: Server) -> None:
    """Another worker brings it to its end."""
    server.release()
    worker = nest.start(percent=5)
    engine.wait_until_finished(scene)
    worker.stop()
    assert_no_journals()


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "plain"])
@pytest.mark.parametrize("step", STEPS)
def test_killed_while_the_server_answers(step: Step, pipelining: bool, nest: Nursery) -> None:
    """At every step before the content nobody is in doubt; later one on each connection at most."""
    takes = step is Step.END
    with running([held(step, takes=takes)], Character(pipelining=pipelining)) as server:
        scene = opened(PEOPLE, server, connections=CONNECTIONS)
        worker = nest.start(percent=100)
        server.wait_held(step)
        worker.kill()
        end(scene, nest, server)
        tally = assert_ended(scene)
    # The last reply that each connection read may not stand in the journal yet.
    assert tally.unknown <= CONNECTIONS
    assert tally.accepted + tally.unknown == len(PEOPLE)
    assert pace.used(scene.relay).day == len(PEOPLE)  # what was not handed over counts not


def test_killed_with_nothing_but_a_claim(nest: Nursery) -> None:
    """Nothing was begun: nothing is unknown."""
    with running([held(Step.GREETING)]) as server:
        scene = opened(PEOPLE, server)
        worker = nest.start(percent=100)
        server.wait_held(Step.GREETING)
        assert Batch.objects.get(mailing=scene.mailing).ids
        worker.kill()
        end(scene, nest, server)
        assert assert_ended(scene).accepted == len(PEOPLE)
    assert pace.used(scene.relay).day == len(PEOPLE)


def test_killed_with_half_of_the_content_written(nest: Nursery) -> None:
    fault = Fault(Step.CONTENT, Does.HOLD, at=2, times=1000)
    with running([fault], Character(narrow=True)) as server:
        scene = opened(addresses(6), server, padding=LARGE, connections=CONNECTIONS)
        worker = nest.start(percent=100)
        server.wait_held(Step.CONTENT)
        worker.kill()
        end(scene, nest, server)
        tally = assert_ended(scene)
    assert 1 <= tally.unknown <= CONNECTIONS


def test_killed_with_replies_read_and_not_recorded(nest: Nursery) -> None:
    """The journal knows them: none is sent again, and none is unknown."""
    with running() as server:
        scene = opened(PEOPLE, server)
        with locked_ledger(scene):
            worker = nest.start(percent=100)
            server.wait(lambda: len(server.mails) == len(PEOPLE))
            assert not Message.objects.filter(state=Message.State.ACCEPTED).exists()
            wait_for_journal(len(PEOPLE))
            worker.kill()
        end(scene, nest, server)
        assert assert_ended(scene).accepted == len(PEOPLE)
        assert server.accepted.total() == len(PEOPLE)


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "plain"])
@pytest.mark.parametrize("step", STEPS)
def test_sigterm_while_the_server_answers(step: Step, pipelining: bool, nest: Nursery) -> None:
    """What is on the wire is finished within ten seconds, the rest given back; all is known."""
    with running([held(step)], Character(pipelining=pipelining)) as server:
        scene = opened(PEOPLE, server, connections=CONNECTIONS)
        worker = nest.start(percent=100)
        server.wait_held(step)
        worker.send(signal.SIGTERM)
        # It answers after a moment, when the worker has heard.
        threading.Timer(1.0, server.release).start()
        began = time.monotonic()
        assert worker.wait() == 0
        assert time.monotonic() - began < 10
        assert_no_journals()
        assert not Batch.objects.exclude(holder="").exists()
        assert not Message.objects.filter(state=Message.State.UNKNOWN).exists()
        end(scene, nest, server)
        assert assert_ended(scene).accepted == len(PEOPLE)


def test_sigterm_with_half_of_the_content_written(nest: Nursery) -> None:
    """The rest of it is written, and its reply read."""
    fault = Fault(Step.CONTENT, Does.HOLD, at=2, times=1000)
    with running([fault], Character(narrow=True)) as server:
        scene = opened(addresses(6), server, padding=LARGE, connections=CONNECTIONS)
        worker = nest.start(percent=100)
        server.wait_held(Step.CONTENT)
        worker.send(signal.SIGTERM)
        threading.Timer(0.5, server.release).start()
        assert worker.wait() == 0
        assert not Message.objects.filter(state=Message.State.UNKNOWN).exists()
        end(scene, nest, server)
        assert assert_ended(scene).accepted == 6


def test_sigterm_with_replies_read_and_not_recorded(nest: Nursery) -> None:
    """They are recorded before it ends."""
    with running() as server:
        scene = opened(PEOPLE, server)
        with locked_ledger(scene):
            worker = nest.start(percent=100)
            server.wait(lambda: len(server.mails) == len(PEOPLE))
            worker.send(signal.SIGTERM)
        assert worker.wait() == 0
        assert Message.objects.filter(state=Message.State.ACCEPTED).count() == len(PEOPLE)
        assert_no_journals()
        end(scene, nest, server)
        assert assert_ended(scene).accepted == len(PEOPLE)


@pytest.mark.slow
@pytest.mark.parametrize("step", [Step.MAIL, Step.DATA, Step.END])
def test_sigterm_while_the_server_never_answers(step: Step, nest: Nursery) -> None:
    """The worker doesn't wait for ever: what was handed over is unknown, the rest goes back."""
    with running([held(step)]) as server:
        scene = opened(PEOPLE, server, connections=CONNECTIONS)
        worker = nest.start(percent=100)
        server.wait_held(step)
        began = time.monotonic()
        worker.stop()
        assert time.monotonic() - began < 12
        unknown = Message.objects.filter(state=Message.State.UNKNOWN).count()
        assert unknown <= (CONNECTIONS if step is Step.END else 0)
        end(scene, nest, server)
        assert_ended(scene)


@contextmanager
def locked_ledger(scene: Scene) -> Iterator[None]:
    """Nothing can be recorded meanwhile; claims can."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM sending_message WHERE mailing_id = %s FOR UPDATE", [scene.mailing.pk]
        )
        yield


def wait_for_journal(replies: int) -> None:
    """Until so many replies stand in the journals."""

    def written() -> int:
        files = journal.directory().glob("*.journal")
        return sum(len(journal.read(path).replies) for path in files)

    until(lambda: written() == replies)
