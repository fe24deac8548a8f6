"""Several worker hosts share one relay and its limits; and one of them is lost with its disk."""

import time
from collections.abc import Iterator

import pytest

from sending.services.recovery import AWAY
from tests.sending.engine.faults.faultplan import Mail
from tests.sending.engine.faults.server import Server
from tests.stack import hosts
from tests.stack.installation import Installation, wait_for
from tests.stack.ledger import ledger
from tests.stack.scene import address

# On one worker of xdist, which has one installation for them.
pytestmark = pytest.mark.xdist_group("stack")
PEOPLE = 6_000
CONNECTIONS = 6
PER_SECOND = 400
LOST_AT = PEOPLE // 2


class TimedServer(Server):
    """Knows when it took each mail."""

    def __init__(self) -> None:
        super().__init__()
        self.moments: list[float] = []

    def take(self, mail: Mail) -> None:
        self.moments.append(time.monotonic())
        super().take(mail)


@pytest.fixture
def server() -> Iterator[TimedServer]:
    server = TimedServer()
    server.open()
    try:
        yield server
    finally:
        server.shut()


def held_by(installation: Installation, host: str) -> set[int]:
    """Messages that the host's workers hold and have not recorded."""
    found = installation.rows(
        "SELECT unnest(ids) FROM sending_batch WHERE split_part(holder, ':', 1) = %s", host
    )
    return {row[0] for row in found}


def holders(installation: Installation) -> set[str]:
    """Hosts that hold messages now."""
    return {
        row[0]
        for row in installation.rows(
            "SELECT split_part(holder, ':', 1) FROM sending_batch WHERE holder <> ''"
        )
    }


def assert_paced(moments: list[float]) -> None:
    """At no time more was taken than the rate allows since any earlier moment, and two slices (each
    of a second): what was reserved before that moment, and what is reserved ahead at the end."""
    for span in (1, 5):
        first = 0
        for last, moment in enumerate(moments):
            while moment - moments[first] > span:
                first += 1
            assert last - first + 1 <= PER_SECOND * (span + 2)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_two_hosts_share_a_relay_and_one_is_lost(
    installation: Installation, server: TimedServer
) -> None:
    with hosts.another(installation) as other:
        mailing = installation.call("open_limited", PEOPLE, server.port, CONNECTIONS, PER_SECOND)

        def carried_by_both() -> bool:
            return len(holders(installation)) == 2 and other.name in holders(installation)

        wait_for(carried_by_both, 60, lambda: ledger(installation, mailing))
        server.wait(lambda: len(server.mails) >= LOST_AT, 60)
        wait_for(lambda: held_by(installation, other.name), 30)
        name = other.name
        other.lose()

    lost = held_by(installation, name)
    assert lost
    # Until it has been away for long it could come back and tell: nothing of it is touched.
    server.wait(lambda: len(server.mails) >= PEOPLE - len(lost) - PER_SECOND, 60)
    assert held_by(installation, name) == lost
    installation.rows(
        "UPDATE sending_batch SET leased_until = now() - %s - interval '1 second'"
        " WHERE split_part(holder, ':', 1) = %s RETURNING id",
        AWAY,
        name,
    )
    wait_for(
        lambda: ledger(installation, mailing)["state"] == "finished",
        120,
        lambda: ledger(installation, mailing),
    )

    end = ledger(installation, mailing)
    assert not {who: times for who, times in server.accepted.items() if times > 1}
    unknown = installation.rows(
        "SELECT id, address, reason FROM sending_message WHERE mailing_id = %s AND state = 5",
        mailing,
    )
    assert {row[0] for row in unknown} == lost
    assert {row[2] for row in unknown} == {"worker_lost"}
    assert {address(n) for n in range(PEOPLE)} - server.accepted.keys() <= {
        row[1] for row in unknown
    }
    assert (end["accepted"], end["unknown"]) == (PEOPLE - len(lost), len(lost))
    assert server.most_open <= CONNECTIONS
    assert_paced(server.moments)
