"""The first promise under kill -9: one campaign, and everything that works on it killed in turn."""

import time

import pytest

from tests.mailservers.sink import Sink
from tests.stack.installation import Installation, wait_for
from tests.stack.ledger import ledger
from tests.stack.scene import address

# On one worker of xdist, which has one installation for them.
pytestmark = pytest.mark.xdist_group("stack")
PEOPLE = 12_000
CONNECTIONS = 4


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_whatever_is_killed_nobody_is_mailed_twice_and_nobody_left_out(
    installation: Installation, sink: Sink
) -> None:
    mailing = installation.call("open_mailing", PEOPLE, sink.port, CONNECTIONS)

    def sent(share: float) -> None:
        wanted = share * PEOPLE
        wait_for(
            lambda: sink.accepted.total() >= wanted,
            120,
            lambda: f"{sink.accepted.total()} of {wanted}: {ledger(installation, mailing)}",
        )

    sent(0.1)
    assert len(installation.parts("-Q send")) >= 2
    # A child of the worker: one process that sends.
    installation.parts("-Q send")[-1].kill()
    sent(0.2)
    assert installation.kill("-Q send") >= 2
    sent(0.35)
    assert installation.kill("celery") >= 6
    sent(0.5)
    assert installation.kill("valkey") == 1
    sent(0.6)
    assert installation.kill("postgres") >= 1
    sent(0.7)
    installation.kill_everything()
    installation.start()

    # Pausing holds within two seconds, and resuming goes on, ten times.
    for turn in range(10):
        sent(0.75 + 0.02 * turn)
        assert installation.call("move", mailing, "pause")
        wait_for(lambda: not ledger(installation, mailing)["in_flight"], 2)
        held = sink.accepted.total()
        time.sleep(0.5)
        assert sink.accepted.total() == held
        assert installation.call("move", mailing, "resume")

    wait_for(
        lambda: ledger(installation, mailing)["state"] == "finished",
        120,
        lambda: ledger(installation, mailing),
    )
    end = ledger(installation, mailing)
    twice = {who: times for who, times in sink.accepted.items() if times > 1}
    unknown = {
        row[0]
        for row in installation.rows(
            "SELECT address FROM sending_message WHERE mailing_id = %s AND state = 5", mailing
        )
    }
    missing = {address(n) for n in range(PEOPLE)} - sink.accepted.keys()
    assert not twice
    assert missing <= unknown
    assert end["accepted"] + end["unknown"] == PEOPLE
    # Five kills found at most one message on each connection.
    assert len(unknown) <= 5 * CONNECTIONS
    rows = installation.rows(
        "SELECT state, count(*) FROM sending_message WHERE mailing_id = %s GROUP BY 1", mailing
    )
    assert dict(rows) == {
        state: number for state, number in ((2, end["accepted"]), (5, end["unknown"])) if number
    }
