"""What happens to an installation while it sends: the database is restarted, the broker loses all
that it holds, a worker is told to stop. Each mailing ends with everybody mailed, once."""

import signal
from typing import Any

import psutil
import psycopg
import pytest
import redis

from tests.mailservers.sink import Sink
from tests.stack.installation import Installation, wait_for
from tests.stack.ledger import ledger
from tests.stack.scene import address

# On one worker of xdist, which has one installation for them.
pytestmark = pytest.mark.xdist_group("stack")
PEOPLE = 5_000
HELD = """
SELECT id, holder, cardinality(ids), claimed_at, leased_until, now() FROM sending_batch
 WHERE mailing_id = %s AND holder <> ''
"""
RELAYS = (
    "SELECT state, state_reason, state_words, wait_reason, wait_until, failures FROM relays_relay"
)


class Sending:
    """A mailing on its way."""

    def __init__(self, installation: Installation, sink: Sink) -> None:
        self.installation = installation
        self.sink = sink
        self.mailing: int = installation.call("open_mailing", PEOPLE, sink.port, 4)

    def ledger(self) -> dict[str, Any]:
        return ledger(self.installation, self.mailing)

    def reaches(self, share: float) -> None:
        wanted = share * PEOPLE
        wait_for(
            lambda: self.sink.accepted.total() >= wanted,
            60,
            lambda: f"{self.sink.accepted.total()} of {wanted}: {self.ledger()}",
        )
        assert self.sink.accepted.total() < PEOPLE

    def report(self) -> str:
        """Why it is not finished: its ledger, what is claimed by whom, and what the parts said."""
        lines = [self.installation.said()[-20_000:]]
        try:
            lines += map(str, self.installation.rows(HELD, self.mailing))
            lines += map(str, self.installation.rows(RELAYS))
            lines.append(str(self.ledger()))
        except psycopg.OperationalError as error:
            lines.append(str(error))
        return "\n".join(lines)

    def ends(self) -> None:
        """Nobody is in doubt, nobody has it twice, nobody is missing."""
        wait_for(lambda: self.ledger()["state"] == "finished", 60, self.report)
        assert self.sink.accepted == {address(n): 1 for n in range(PEOPLE)}
        nobody = {"waiting": 0, "in_flight": 0, "failed": 0, "skipped": 0, "unknown": 0}
        assert self.ledger() == {
            "state": "finished",
            "targeted": PEOPLE,
            "accepted": PEOPLE,
            **nobody,
        }


@pytest.fixture
def sending(installation: Installation, sink: Sink) -> Sending:
    return Sending(installation, sink)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_postgresql_is_restarted_in_the_middle(sending: Sending) -> None:
    """What was on the wire stands in the journals, and is recorded when it is back."""
    sending.reaches(0.1)
    database = postmaster(sending.installation)
    database.send_signal(signal.SIGINT)
    database.wait(30)
    sending.ends()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_broker_is_flushed_in_the_middle(sending: Sending) -> None:
    """It holds nudges, which are given again; neither work nor pace."""
    place = sending.installation.setting("CELERY_BROKER_URL").removeprefix("redis+socket://")
    with redis.Redis(unix_socket_path=place) as broker:
        for share in (0.1, 0.2, 0.3, 0.4):
            sending.reaches(share)
            broker.flushall()
        # Also those who wait for a nudge are found again.
        assert end(sending.installation.parts("-Q send")) >= 1
        sending.ends()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_worker_is_told_to_stop_in_the_middle(sending: Sending) -> None:
    """It ends within ten seconds, and another one goes on."""
    sending.reaches(0.1)
    assert end(sending.installation.parts("-Q send")) >= 1
    sending.ends()


def postmaster(installation: Installation) -> psutil.Process:
    """The one of its processes that started the others."""
    family = installation.parts("postgres")
    return next(one for one in family if one.ppid() not in {other.pid for other in family})


def end(family: list[psutil.Process]) -> int:
    """SIGTERM to the parents, which end with their children; how many processes that were."""
    pids = {one.pid for one in family}
    for one in family:
        if one.ppid() not in pids:
            one.terminate()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive
    return len(family)
