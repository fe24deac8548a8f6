"""Can this relay carry this mailing now? Whoever asks gets the same answer, in all states."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Workspace
from campaigns.queries import routes
from relays.models import Pool, PoolMember, Relay
from relays.queries import poolshares
from relays.queries.able import is_able
from relays.queries.poolshares import Pooled
from relays.services import health
from sending.models import Hold, Mailing, MailingLane
from sending.queries.carrying import mailings_for
from sending.services import dispatch, waits
from tests import factories

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Case:
    relay: str
    wait: str
    failures: int
    held: bool
    mailing: str
    # "": the mailing goes through this relay alone; else the state of a relay of a lower tier.
    better: str

    @property
    def able(self) -> bool:
        """The relay takes it, whatever becomes of the mailing."""
        return self.relay in {"active", "draining since"} and self.wait != "future"

    @property
    def carries(self) -> bool:
        return self.able and not self.held and self.mailing == "sending" and self.better != "able"


RELAYS = ("active", "draining since", "draining before", "paused", "stopped")
ROUTES = (
    ("sending", ""),
    ("sending", "able"),
    ("sending", "trying"),
    ("sending", "waiting"),
    ("paused", ""),
    ("idle", ""),
)
CASES = [
    Case(relay, wait, failures, held, *route)
    for relay, wait, (failures, held), route in product(
        RELAYS, ("none", "past", "future"), ((0, False), (0, True), (1, False)), ROUTES
    )
]


def state(name: str, opened: datetime) -> dict[str, Any]:
    if name.startswith("draining"):
        since = opened + HOUR if name.endswith("since") else opened - HOUR
        return {"state": "draining", "draining_since": since}
    return {"state": name, "draining_since": None}


def moment(name: str) -> datetime | None:
    return {"none": None, "past": timezone.now() - HOUR, "future": timezone.now() + HOUR}[name]


@pytest.fixture
def play(workspace: Workspace) -> Callable[[Case], tuple[Mailing, Relay]]:
    """Puts the rows into the state of a case; the same rows for all cases."""
    relay, better = (
        Relay.objects.create(workspace=workspace, name=name, host="127.0.0.1")
        for name in ("Main", "Better")
    )
    pool = Pool.objects.create(workspace=workspace, name="Both")
    PoolMember.objects.create(pool=pool, relay=relay, tier=2)
    PoolMember.objects.create(pool=pool, relay=better, tier=1)
    mailing = factories.make_mailing(workspace, relay=relay)
    MailingLane.objects.create(
        mailing=mailing, lane=0, first_id=1, next_id=1, last_id=9, targeted=9
    )
    opened = mailing.opened_at

    def change(case: Case) -> tuple[Mailing, Relay]:
        Relay.objects.filter(pk=relay.pk).update(
            wait_until=moment(case.wait),
            wait_reason="per_hour",
            failures=case.failures,
            **state(case.relay, opened),
        )
        Relay.objects.filter(pk=better.pk).update(
            state="active",
            failures=int(case.better == "trying"),
            wait_until=moment("future" if case.better == "waiting" else "none"),
        )
        Mailing.objects.filter(pk=mailing.pk).update(
            state="paused" if case.mailing == "paused" else "sending",
            idle=case.mailing == "idle",
            relay=None if case.better else relay,
            pool=pool if case.better else None,
        )
        Hold.objects.all().delete()
        if case.held:
            Hold.objects.create(
                mailing=mailing,
                relay=relay,
                kind=Hold.Kind.ROUTE,
                reason="too_large",
                since=opened,
            )
        return Mailing.objects.get(pk=mailing.pk), Relay.objects.get(pk=relay.pk)

    return change


def answers(case: Case, mailing: Mailing, relay: Relay) -> Iterator[tuple[str, bool, bool]]:
    """(who answers, what it says, what is right)"""
    yield "dispatch", relay.pk in dispatch.relays_to_run(), case.carries
    asked = health.ready(relay) and mailing in mailings_for(relay)
    yield "carrying", asked, case.carries
    fit = Relay.objects.filter(is_able(mailing.opened_at, timezone.now()), pk=relay.pk)
    yield "condition", fit.exists(), case.able
    takes = routes.carries(relay, mailing) and not relay.rests(timezone.now())
    yield "forecast", takes, case.able
    if case.mailing == "sending" and not case.better:
        waits.tend()
        mailing.refresh_from_db()
        yield "wait", mailing.wait_reason == "", case.carries


def test_all_say_the_same(play: Callable[[Case], tuple[Mailing, Relay]]) -> None:
    wrong = [
        (case, who, said)
        for case in CASES
        for who, said, right in answers(case, *play(case))
        if said != right
    ]
    assert wrong == []


@pytest.mark.parametrize("name", RELAYS)
@pytest.mark.parametrize("wait", ["none", "past", "future"])
@pytest.mark.parametrize("left_out", [False, True])
def test_a_pool_counts_on_those_that_can(
    workspace: Workspace, name: str, wait: str, *, left_out: bool
) -> None:
    """The other relay is over its share as long as this one can take the rest."""
    now = timezone.now()
    one, other = (
        Relay.objects.create(workspace=workspace, name=label, host="127.0.0.1")
        for label in ("One", "Other")
    )
    pool = Pool.objects.create(workspace=workspace, name="Both")
    for relay, carried in ((one, 10), (other, 1000)):
        PoolMember.objects.create(pool=pool, relay=relay, carried=carried, carried_at=now)
    Relay.objects.filter(pk=one.pk).update(wait_until=moment(wait), **state(name, now))
    opened = Pooled(pool.pk, now, (one.pk,) if left_out else ())
    able = name in {"active", "draining since"} and wait != "future" and not left_out
    assert (poolshares.most(other, opened, now) != poolshares.ALL) == able
