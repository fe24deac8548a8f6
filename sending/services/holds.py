"""What runs of refusals hold, and what a person decides about it: try again what was refused, keep
it as failed, wait until tomorrow, or drop the rest.

The row of models.Hold is the truth. Claims ask it: a lane that is held is not claimed, what of it
stands among others is put off, and what of a dropped lane is claimed is skipped.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from contacts.models import Suppression
from contacts.services.suppressions import suppress_addresses
from sending import clock, providers
from sending.lanes import WHOLE
from sending.models import (
    Event,
    Hold,
    Mailing,
    MailingLane,
    Message,
    PoolMember,
    RefusalCount,
    Relay,
    Tally,
)
from sending.queries import refusals as query
from sending.queries.claim import Claimed
from sending.queries.record import Result
from sending.services import events, mailings, retrying

log = logging.getLogger(__name__)
Kind, Decision = Hold.Kind, Hold.Decision

# Codes of sending.reasons.
HELD, DROPPED, UNPROVEN = "held", "lane_dropped", "address_unproven"
# What is claimed of a held lane is put off for so long, unless the hold ends before; then it is
# looked at again. When somebody decides, it is due at once.
PUT_OFF = timedelta(days=1)
UNLIMITED = 1_000_000
WORKING = (Relay.State.ACTIVE, Relay.State.DRAINING)
State = Message.State


# What is held ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HeldLanes:
    """What of a mailing a relay may not carry: lanes by name, those held and those dropped."""

    until: dict[str, datetime | None] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()

    @property
    def numbers(self) -> set[int]:
        """Of the providers among those that are held."""
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


# Holding -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Why:
    """Why something is held. `refused` of `decided` since the run began; 0 where one was enough."""

    reason: str
    words: str
    since: datetime
    refused: int = 0
    decided: int = 0


def hold(mailing: Mailing, relay: Relay, kind: str, why: Why, *, lane: str = "") -> bool:
    """False: it was held already, by whoever recorded at the same time."""
    if active(mailing=mailing, relay=relay, kind=kind, lane=lane).exists():
        return False
    made = Hold(
        mailing=mailing,
        relay=relay,
        kind=kind,
        lane=lane,
        lane_number=providers.lane_number(lane) if lane else 0,
        reason=why.reason,
        words=why.words[:2000],
        since=why.since,
        refused=why.refused,
        decided=why.decided,
    )
    earlier = _let_go_undecided(made)
    made.since = min([made.since, *(one.since for one in earlier)])
    made.refused += sum(one.refused for one in earlier)
    made.decided += sum(one.decided for one in earlier)
    # People were told of it: once is enough for one run.
    told = [one.told_at for one in earlier if one.told_at and one.reason == made.reason]
    made.told_at = max(told, default=None)
    count(made)
    # By hold_once, where two workers come to it at once.
    Hold.objects.bulk_create([made], ignore_conflicts=True)
    Hold.objects.filter(pk__in=[one.pk for one in earlier]).delete()
    log.warning(
        "mailing %s over relay %s: %s %s is held, %s of %s refused (%s)",
        mailing.pk, relay.pk, kind, lane, why.refused, why.decided, why.words[:200],
    )  # fmt: skip
    return True


def _let_go_undecided(made: Hold) -> list[Hold]:
    """Runs of the same that were let go (the relay was started again, the day of waiting is over)
    before anybody decided about those who were refused. Refused again, all of it is one run, so
    that nobody is counted and asked about twice."""
    rows = Hold.objects.filter(
        mailing=made.mailing_id,
        kind=made.kind,
        lane=made.lane,
        decision="",
        released_at__isnull=False,
    )
    if made.kind != Kind.MAILING:
        rows = rows.filter(relay=made.relay_id)
    return list(rows)


def absorb(mailing: Mailing, relay: Relay, kind: str, *, keep: int = 0) -> None:
    """Lanes that were held, one after the other, before it was seen that the relay or the mailing
    is refused: all of it is one run, and one decision. The first `keep` stay by themselves."""
    lanes = active(mailing=mailing, kind=Kind.LANE, decision="")
    if kind == Kind.RELAY:
        lanes = lanes.filter(relay=relay)
    rows = list(lanes)[keep:]
    if not rows:
        return
    for one in active(mailing=mailing, relay=relay, kind=kind):
        one.since = min([one.since, *(lane.since for lane in rows)])
        one.refused += sum(lane.refused for lane in rows) if kind == Kind.RELAY else 0
        one.decided += sum(lane.decided for lane in rows) if kind == Kind.RELAY else 0
        one.save(update_fields=["since", "refused", "decided"])
    Hold.objects.filter(pk__in=[lane.pk for lane in rows]).delete()
    _due_again(mailing.pk)


# Deciding ----------------------------------------------------------------------------------------


def refused_in(one: Hold) -> QuerySet[Message]:
    """The messages that failed in its run; by message_not_accepted."""
    rows = Message.objects.filter(
        mailing=one.mailing_id, trouble=Message.State.FAILED, settled_at__gte=one.since
    )
    if one.kind != Kind.MAILING:
        rows = rows.filter(relay_id=one.relay_id)
    if one.kind == Kind.LANE:
        rows = rows.filter(lane=one.lane_number)
        if not one.lane_number:
            rows = rows.filter(address__endswith=f"@{one.lane}")
    return rows


def count(one: Hold) -> int:
    """How many failed in its run. Its numbers are brought up to that, unsaved: counts fade, and
    what was in flight when it was held may have been refused since."""
    failed = refused_in(one).count()
    more = max(0, failed - one.refused) if one.refused else 0
    one.refused, one.decided = one.refused + more, one.decided + more
    return failed


def undecided(mailing: Mailing) -> QuerySet[Hold]:
    """Runs about whose refusals nobody has decided, also those that hold nothing any more."""
    return mailing.holds.filter(decision="").select_related("relay").order_by("pk")


def left_in(one: Hold) -> QuerySet[Message]:
    """Messages of a lane that still wait: one walk along its range of ids."""
    ranges = MailingLane.objects.filter(mailing=one.mailing_id, lane=one.lane_number)
    within = Q(pk__in=[])
    for lane in ranges:
        within |= Q(pk__range=(lane.first_id, lane.last_id))
    rows = Message.objects.filter(
        within, mailing=one.mailing_id, state=State.WAITING, lane=one.lane_number
    )
    return rows if one.lane_number else rows.filter(address__endswith=f"@{one.lane}")


def retry(one: Hold, by: User | None = None) -> retrying.Retried:
    """What was refused in the run waits again, and what it had stopped goes on: the lane or the
    mailing. A relay that was stopped is started where relays are."""
    mailing = Mailing.objects.get(pk=one.mailing_id)
    if mailing.state == Mailing.State.CANCELLED:
        return retrying.Retried()
    retried = retrying.retry_failed(mailing, refused_in(one), by=by)
    _unproven_no_more(one)
    _go_on(one, Decision.RETRIED)
    return retried


def keep(one: Hold) -> None:
    """What was refused stays failed, and what the run had stopped goes on."""
    _unproven_no_more(one)
    _go_on(one, Decision.KEPT)


def drop(one: Hold) -> None:
    """The rest of the lane is skipped when its turn comes, or all whose mail is too large."""
    _unproven_no_more(one)
    if one.kind == Kind.LANE:
        Hold.objects.filter(pk=one.pk).update(decision=Decision.DROPPED, until=None)
        _due_again(one.mailing_id)
    else:
        _go_on(one, Decision.DROPPED)


def wait_until_tomorrow(one: Hold) -> datetime:
    """It goes on by itself a day from now, with a new count."""
    until = clock.now() + timedelta(days=1)
    active(pk=one.pk).update(until=until)
    return until


def release_due() -> int:
    """Lets go on what was to wait until now; how many."""
    due = active(until__lte=clock.now()).exclude(decision=Decision.DROPPED)
    rows = list(due)
    for one in rows:
        _go_on(one, one.decision)
    return len(rows)


def _go_on(one: Hold, decision: str) -> None:
    with transaction.atomic():
        # A relay is started by who may manage relays; its hold ends then.
        if one.kind != Kind.RELAY:
            active(pk=one.pk).update(released_at=timezone.now())
        Hold.objects.filter(pk=one.pk).update(decision=decision)
        if one.kind == Kind.LANE:
            counts = RefusalCount.objects.filter(mailing=one.mailing_id, relay=one.relay_id)
            counts.filter(lane=one.lane).delete()
    _due_again(one.mailing_id)
    if one.kind == Kind.MAILING:
        mailings.resume(Mailing.objects.get(pk=one.mailing_id))


def _due_again(mailing_id: int) -> None:
    """What was put off because of a hold is looked at again now."""
    rows = Message.objects.filter(mailing=mailing_id, retry_at__isnull=False, reason=HELD)
    rows.update(retry_at=clock.now())


def _unproven_no_more(one: Hold) -> None:
    """Somebody looked at these refusals and decided: nothing is suppressed because of them."""
    counts = RefusalCount.objects.filter(mailing=one.mailing_id)
    if one.kind != Kind.MAILING:
        counts = counts.filter(relay=one.relay_id)
    if one.kind == Kind.LANE:
        counts = counts.filter(lane=one.lane)
    counts.update(unproven=0)


# The word of a relay -----------------------------------------------------------------------------


@transaction.atomic
def confirm(mailing: Mailing, relay: Relay, lane: str = WHOLE) -> int:
    """Addresses that failed on the word of a relay that has proved itself since: they bounced, and
    are suppressed. How many."""
    number = providers.lane_number(lane) if lane != WHOLE else 0
    domain = lane if lane != WHOLE and not number else ""
    given: int | None = None if lane == WHOLE else number
    total = 0
    while rows := query.unproven(mailing, relay, number=given, domain=domain):
        ids = [row[0] for row in rows]
        Message.objects.filter(pk__in=ids).update(reason="address")
        suppress_addresses(
            mailing.workspace,
            [(address, reply) for _, address, reply, _ in rows],
            reason=Suppression.Reason.HARD_BOUNCE,
            source=mailing.origin,
        )
        hard = Event.Kind.BOUNCED_HARD
        events.record(events.EventRow(pk, hard, at, detail=reply) for pk, _, reply, at in rows)
        total += len(rows)
    counts = RefusalCount.objects.filter(mailing=mailing, relay=relay)
    (counts if lane == WHOLE else counts.filter(lane=lane)).update(unproven=0)
    return total


def confirm_finished() -> int:
    """At the end of a mailing a relay's word counts if no run of refusals is undecided, and it took
    more of the mailing than it refused, or refused few; of a mailing of which it took nothing, if
    it took mails of the lane in the last week. Whoever fails without any such proof stays failed
    and is not suppressed. How many were confirmed."""
    over = Mailing.State.FINISHED
    rows = RefusalCount.objects.filter(unproven__gt=0, mailing__state=over).exclude(lane=WHOLE)
    number = 0
    for one in rows.select_related("mailing__workspace", "relay"):
        if _word_counts(one):
            number += confirm(one.mailing, one.relay, one.lane)
        else:
            RefusalCount.objects.filter(pk=one.pk).update(unproven=0)
    return number


# A list of ten of whom eight are gone is none of the relay's business.
FEW = 10


def _word_counts(one: RefusalCount) -> bool:
    whole = RefusalCount.objects.filter(
        mailing=one.mailing_id, relay=one.relay_id, lane=WHOLE
    ).first()
    accepted, refused = (whole.accepted, whole.refused) if whole else (0.0, 0.0)
    if one.mailing.relay_id == one.relay_id:
        accepted = max(accepted, Tally.objects.get(mailing=one.mailing_id).accepted)
    mine = Q(kind=Kind.LANE, lane=one.lane, relay=one.relay_id) | Q(
        kind__in=(Kind.ROUTE, Kind.RELAY), relay=one.relay_id
    )
    if undecided(one.mailing).filter(mine | Q(kind=Kind.MAILING)).exists():
        return False
    if not accepted:
        return refused <= FEW and _took_lately(one)
    return refused <= FEW or refused <= accepted


def _took_lately(one: RefusalCount) -> bool:
    number = providers.lane_number(one.lane)
    numbers, domains = ([number], []) if number else ([], [one.lane])
    return bool(query.took(one.mailing, one.relay, numbers, domains, lately=True))


# For claims --------------------------------------------------------------------------------------


def quotas(allowed: Mapping[int, int] | None, held_: HeldLanes) -> dict[int, int]:
    """Those of services.lanes without the providers that are held."""
    if allowed is None:
        numbers = [providers.OTHERS, *(one.number for one in providers.providers())]
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
