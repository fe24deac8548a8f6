"""The database is away in the middle of a mailing, and comes back."""

import pytest

from sending.models import Mailing
from tests.sending.engine.faults import engine
from tests.sending.engine.faults.check import assert_ended, assert_no_journals
from tests.sending.engine.faults.conductor import allow_connections, cut_connections
from tests.sending.engine.faults.scene import addresses, opened
from tests.sending.engine.faults.server import running
from tests.sending.engine.faults.workers import Nursery

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("away", [False, True], ids=["connections cut", "away for a while"])
def test_the_database_is_away(away: bool, nest: Nursery) -> None:
    """What was on the wire is recorded when it is back: nothing is unknown, nothing sent twice."""
    people = addresses(1000)
    with running() as server:
        scene = opened(people, server)
        worker = nest.start(percent=100)
        server.wait(lambda: len(server.mails) >= 300)
        if away:
            allow_connections(False)
        cut_connections()
        if away:
            # Without it no more than what was claimed can go.
            accepted = len(server.mails)
            server.wait(lambda: not server.sessions)
            assert len(server.mails) - accepted < len(people) - 300
            allow_connections(True)
        engine.wait_until_finished(scene)
        worker.stop()
        tally = assert_ended(scene)
        assert_no_journals()
    assert scene.mailing.state == Mailing.State.FINISHED
    assert tally.accepted == len(people)
