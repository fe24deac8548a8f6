"""PIPELINING offered and broken: the engine goes down a mode, remembers it, and finishes."""

import pytest

from tests.sending.engine.faults.check import assert_ended
from tests.sending.engine.faults.engine import drive
from tests.sending.engine.faults.faultplan import Breaks, Character
from tests.sending.engine.faults.scene import addresses, opened
from tests.sending.engine.faults.server import running

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("breaks", Breaks)
def test_a_server_that_can_not_do_what_it_offers(breaks: Breaks) -> None:
    with running(character=Character(breaks=breaks)) as server:
        scene = opened(addresses(40), server)
        drive(scene)
        tally = assert_ended(scene)
        assert tally.accepted == 40

        scene.relay.refresh_from_db()
        assert scene.relay.exchange in {"grouped", "plain"}
        assert scene.relay.exchange_why
        assert scene.relay.exchange_since


def test_what_was_remembered_costs_the_next_mailing_nothing() -> None:
    with running(character=Character(breaks=Breaks.CLOSES)) as server:
        first = opened(addresses(10), server)
        drive(first)
        first.relay.refresh_from_db()
        connections = server.connections
        second = opened(addresses(10), server, exchange=first.relay.exchange)
        drive(second)
        assert server.connections - connections <= 2
        second.relay.refresh_from_db()
        assert second.relay.exchange == first.relay.exchange
