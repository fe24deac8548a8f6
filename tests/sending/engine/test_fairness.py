"""Small mailings get their turn beside large ones, and urgent ones come first."""

from collections.abc import Callable

import pytest

from relays.models import Pool, PoolMember, Relay
from sending.engine import shift
from sending.models import Mailing, Tally
from sending.purposes import TRANSACTIONAL
from tests.mailservers.sink import Sink
from tests.sending.engine.conftest import assert_closes

pytestmark = pytest.mark.django_db(transaction=True)
Open = Callable[..., Mailing]


def accepted(mailing: Mailing) -> int:
    return Tally.objects.get(mailing=mailing).accepted


def order_of(sink: Sink, name: str) -> list[int]:
    """Places, among all mails in the order in which they came, of those to `name`."""
    return [place for place, (_, to, _) in enumerate(sink.mails) if to.startswith(name)]


@pytest.mark.slow
def test_a_small_mailing_is_out_while_a_large_one_runs(
    open_to: Open, relay: Relay, sink: Sink
) -> None:
    Relay.objects.filter(pk=relay.pk).update(per_second=60)
    relay.refresh_from_db()
    large = open_to([f"large{n}@x.example" for n in range(600)])
    small = open_to([f"small{n}@x.example" for n in range(90)])
    shift.run(relay, budget=5)
    assert accepted(small) == 90
    assert accepted(large) < 400
    # Both went on at the same time: the large one did not have to wait either.
    assert order_of(sink, "large")[0] < order_of(sink, "small")[-1]
    assert_closes(large)


@pytest.mark.slow
def test_transactional_mail_passes(open_to: Open, relay: Relay, sink: Sink) -> None:
    Relay.objects.filter(pk=relay.pk).update(per_second=60)
    relay.refresh_from_db()
    campaign = open_to([f"campaign{n}@x.example" for n in range(300)])
    receipts = open_to([f"receipt{n}@x.example" for n in range(50)], priority=TRANSACTIONAL)
    shift.run(relay, budget=2)
    assert accepted(receipts) == 50
    assert order_of(sink, "receipt")[-1] < 50 + 10
    assert_closes(campaign)


@pytest.mark.slow
def test_shares_of_a_pool_follow_the_weights(open_to: Open, relay: Relay, sink: Sink) -> None:
    """As long as both keep up; both are slow enough here to be told apart."""
    other = Relay.objects.create(
        workspace=relay.workspace,
        name="Other",
        host="127.0.0.1",
        port=sink.port,
        security="none",
        connections=2,
        envelope=Relay.Envelope.FIXED,
        bounce_address="other@brand.example",
    )
    pool = Pool.objects.create(workspace=relay.workspace, name="Main")
    PoolMember.objects.create(pool=pool, relay=relay, weight=3)
    PoolMember.objects.create(pool=pool, relay=other, weight=1)
    mailing = open_to([f"p{n}@x.example" for n in range(2000)], relay=None, pool=pool)
    shift.run_all(linger=0)
    assert assert_closes(mailing).accepted == 2000
    over_other = sum(sender == "other@brand.example" for sender, _, _ in sink.mails)
    assert 200 <= over_other <= 800
