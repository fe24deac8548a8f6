"""Relays with a past: minutes of replies, lanes that were slowed, connections that are open."""

from datetime import datetime, timedelta
from math import sin

from django.utils import timezone

from accounts.models import Workspace
from relays.models import Lane, Pool, PoolMember, Relay, RelayMinute, RelaySlot, RelayUse


def minutes(relay: Relay, back: int, *, now: datetime | None = None) -> None:
    """Replies in each of the last `back` minutes, the running one left out: mostly accepted, a few
    of every other meaning, and the more the later it is."""
    end = (now or timezone.now()).replace(second=0, microsecond=0)
    rows = []
    for ago in range(1, back + 1):
        wave = 1 + sin(ago / 37)
        accepted = 420 + int(380 * wave)
        answers = {
            "accepted": (accepted, accepted * (0.05 + 0.04 * wave)),
            "transient": (int(9 * wave), 0.4),
            "greylisted": (4 if ago % 3 else 0, 0.1),
            "rate": (30 if ago % 60 < 6 else 0, 0.1),
            "address": (3 + ago % 5, 0.2),
            "policy": (ago % 2, 0.1),
            "connection": (2 if ago % 97 == 0 else 0, 0.0),
            "unknown": (1 if ago % 211 == 0 else 0, 0.0),
        }
        rows += [
            RelayMinute(
                relay=relay,
                minute=end - timedelta(minutes=ago),
                meaning=meaning,
                count=count,
                seconds=seconds,
            )
            for meaning, (count, seconds) in answers.items()
            if count
        ]
    RelayMinute.objects.bulk_create(rows)


def slowed(relay: Relay) -> None:
    """QQ goes slowly, NetEase is closed, one domain is tried with a single mail."""
    now = timezone.now()
    Lane.objects.bulk_create(
        [
            Lane(
                relay=relay,
                name="qq",
                rate=2.4,
                reason="rate",
                words="450 4.7.1 Connection frequency limited: mailbox.example/limits",
                latency=1.9,
            ),
            Lane(
                relay=relay,
                name="netease",
                rate=0.2,
                closed_until=now + timedelta(minutes=4),
                reason="rate",
                words="451 RP:TRC too many messages in a short time",
                failures=3,
            ),
            Lane(
                relay=relay,
                name="brand.example",
                half_open=True,
                reason="transient",
                words="451 try",
            ),
        ]
    )


def busy(workspace: Workspace, **values: object) -> Relay:
    """A relay in the middle of its work, one mode down, on the ninth day of its warm-up."""
    now = timezone.now()
    relay = Relay.objects.create(
        workspace=workspace,
        **{
            "name": "SES",
            "preset": "ses",
            "host": "email-smtp.eu-west-1.amazonaws.com",
            "username": "AKIA",
            "per_second": 14,
            "per_hour": 40_000,
            "per_day": 50_000,
            "connections_found": 8,
            "bounce_address": "bounces@brand.example",
            "warmup": {"plan": "usual"},
            "warmup_began": (now - timedelta(days=8)).date(),
            "exchange": "grouped",
            "exchange_why": "502 5.5.1 Command pipelined too early",
            "exchange_since": now - timedelta(hours=3),
            "state_since": now - timedelta(days=2),
            **values,
        },
    )
    hour = now.replace(minute=0, second=0, microsecond=0)
    RelayUse.objects.create(relay=relay, hour=hour, count=1640)
    RelaySlot.objects.create(
        relay=relay, number=0, holder="w1", leased_until=now + timedelta(minutes=1), open=3
    )
    RelaySlot.objects.create(
        relay=relay, number=1, holder="w2", leased_until=now + timedelta(minutes=1), open=3
    )
    # A lease that ran out counts for nothing.
    RelaySlot.objects.create(
        relay=relay, number=2, holder="gone", leased_until=now - timedelta(minutes=1), open=9
    )
    return relay


def pool_of(name: str, *members: tuple[Relay, int, int]) -> Pool:
    """`members`: (relay, tier, weight)."""
    pool = Pool.objects.create(workspace=members[0][0].workspace, name=name)
    PoolMember.objects.bulk_create(
        PoolMember(pool=pool, relay=relay, tier=tier, weight=weight)
        for relay, tier, weight in members
    )
    return pool
