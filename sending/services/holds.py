"""What runs of refusals hold. The row of models.Hold is the truth, and claims ask it: a lane that
is held is not claimed, what of it stands among others is put off, and what of a dropped lane is
claimed is skipped. Rows are made in services.holding; people decide in services.holddecisions.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import QuerySet

from contacts.services import jobs
from relays import providers
from relays.models import WORKING, PoolMember, Relay
from relays.queries import clock
from sending.models import Hold, Mailing, Message
from sending.queries.claim import Claimed
from sending.queries.record import Result

Kind, Decision, State = Hold.Kind, Hold.Decision, Message.State

# Codes of pages.reasons.
HELD, DROPPED = "held", "lane_dropped"
# What is claimed of a held lane is put off for so long, unless the hold ends before; then it is
# looked at again. When somebody decides, it is due at once.
PUT_OFF = timedelta(days=1)
UNLIMITED = 1_000_000


@dataclass(frozen=True, slots=True)
class HeldLanes:
    """What of a mailing a relay may not carry: lanes by name, those held and those dropped."""

    until: dict[str, datetime | None] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()

    @property
    def numbers(self) -> set[int]:
        """Of the mail providers among those that are held."""
        return {number for name in self.until if (number := providers.lane_number(name))}

    def __bool__(self) -> bool:
        return bool(self.until or self.dropped)

    def split(self, messages: Sequence[Claimed]) -> tuple[list[Claimed], list[tuple[Claimed, str]]]:
        """(those that may go, [(another, its lane)])"""
        go: list[Claimed] = []
        stay: list[tuple[Claimed, str]] = []
        for message in messages:
            name = providers.lane_name(message.lane, message.address)
            if name in self.until or name in self.dropped:
                stay.append((message, name))
            else:
                go.append(message)
        return go, stay


def active(**of: object) -> QuerySet[Hold]:
    return Hold.objects.filter(released_at=None, **of).order_by("pk")


def held(mailing: Mailing, relay: Relay) -> HeldLanes:
    """One look into an index; for claims."""
    rows = active(mailing=mailing, relay=relay, kind=Kind.LANE)
    found = list(rows.values_list("lane", "until", "decision"))
    return HeldLanes(
        {lane: until for lane, until, decision in found if decision != Decision.DROPPED},
        frozenset(lane for lane, _, decision in found if decision == Decision.DROPPED),
    )


def held_lanes(keys: Iterable[tuple[int, int]]) -> dict[tuple[int, int], frozenset[str]]:
    """{(mailing id, relay id): names of lanes} of these, held or dropped."""
    pairs = set(keys)
    rows = active(kind=Kind.LANE, mailing__in={mailing for mailing, _ in pairs})
    found: dict[tuple[int, int], set[str]] = {}
    for mailing, relay, lane in rows.values_list("mailing_id", "relay_id", "lane"):
        found.setdefault((mailing, relay), set()).add(lane)
    return {key: frozenset(found.get(key, ())) for key in pairs}


def skips(mailing: Mailing, reason: str) -> bool:
    """Whether somebody decided that such mails of the mailing are skipped."""
    return Hold.objects.filter(
        mailing=mailing, reason=reason, decision=Decision.DROPPED, lane=""
    ).exists()


# The kind of job that makes the rest due.
DUE_JOB = "due_again"


def due_again(mailing_ids: Iterable[int]) -> None:
    """What of these was put off because of a hold is looked at again now; of many, a job does the
    rest."""
    for mailing_id in mailing_ids:
        if make_due(mailing_id, jobs.SMALL) == jobs.SMALL:
            mailing = Mailing.objects.get(pk=mailing_id)
            given = {"mailing": mailing.pk, "source": mailing.source.as_json()}
            jobs.start(mailing.workspace, DUE_JOB, given, by=None)


def put_off(mailing_id: int) -> QuerySet[Message]:
    """Messages that wait because of a hold and whose time has not come."""
    return Message.objects.filter(mailing=mailing_id, retry_at__gt=clock.now(), reason=HELD)


def make_due(mailing_id: int, limit: int) -> int:
    """Makes so many of them due; how many."""
    some = put_off(mailing_id).order_by("retry_at").values("pk")[:limit]
    # Once more "retry_at": a worker may have claimed one meanwhile.
    rows = Message.objects.filter(mailing=mailing_id, pk__in=some, retry_at__isnull=False)
    return rows.update(retry_at=clock.now())


# Other relays ------------------------------------------------------------------------------------


def has_others(mailing: Mailing, relay: Relay) -> bool:
    """Whether another relay of the mailing's pool may carry it."""
    return mailing.pool_id is not None and others(mailing, relay).exists()


def others(mailing: Mailing, relay: Relay) -> QuerySet[Relay]:
    route = active(mailing=mailing, kind=Kind.ROUTE)
    return (
        Relay.objects.filter(pools__pool=mailing.pool_id, state__in=WORKING)
        .exclude(pk=relay.pk)
        .exclude(pk__in=route.values("relay"))
    )


# For claims --------------------------------------------------------------------------------------


def quotas(allowed: Mapping[int, int] | None, held_: HeldLanes) -> dict[int, int]:
    """Those of relays.services.lanes without the mail providers that are held."""
    if allowed is None:
        numbers = [providers.OTHERS, *(one.number for one in providers.mail_providers())]
        allowed = dict.fromkeys(numbers, UNLIMITED)
    return {**allowed, **dict.fromkeys(held_.numbers, 0)}


def results(
    mailing: Mailing, relay: Relay, held_: HeldLanes, kept: Sequence[tuple[Claimed, str]]
) -> list[Result]:
    """What becomes of claimed messages of lanes that are held: they wait, and are skipped where
    somebody dropped the lane."""
    if not kept:
        return []
    now = clock.now()
    elsewhere = _carried_elsewhere(mailing, relay, {name for _, name in kept})
    found = []
    for message, name in kept:
        if name in held_.dropped:
            found.append(Result(message.id, State.SKIPPED, DROPPED, attempt=False))
            continue
        latest = now + PUT_OFF
        # Another relay of the pool may take it.
        due = elsewhere.get(name) or min(held_.until[name] or latest, latest)
        found.append(Result(message.id, State.WAITING, HELD, due_at=due, attempt=False))
    return found


def _carried_elsewhere(
    mailing: Mailing, relay: Relay, names: Collection[str]
) -> dict[str, datetime]:
    """Of these lanes: those that another relay of the pool may carry, and from when on. A higher
    tier stands by while this one works."""
    if mailing.pool_id is None:
        return {}
    members = PoolMember.objects.filter(pool=mailing.pool_id)
    mine = members.filter(relay=relay).values("tier")
    beside = others(mailing, relay).filter(pk__in=members.filter(tier__lte=mine).values("relay"))
    now = clock.now()
    ready = {pk: max(until or now, now) for pk, until in beside.values_list("pk", "wait_until")}
    rows = active(mailing=mailing, kind=Kind.LANE, relay__in=ready, lane__in=names)
    shut = set(rows.values_list("relay", "lane"))
    found = {name: [at for pk, at in ready.items() if (pk, name) not in shut] for name in names}
    return {name: min(moments) for name, moments in found.items() if moments}
