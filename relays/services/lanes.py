"""The lanes of a relay: what they allow now, and what recorded batches teach them.

There is a row only where a limit was felt; without any, a claim costs one SELECT that finds
nothing. Rules and curves are in relays.lanes.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from environment import logs
from relays import lanes, providers
from relays.lanes import WHOLE, LaneSample, LaneState
from relays.models import Lane, Relay, RelaySlot
from relays.queries import clock
from relays.services import health
from relays.services.pace import Wait
from smtp import End, Outcome, Stage
from smtp.accepted import Accepted
from smtp.replies import LimitOf, Meaning, Verdict

log = logs.get(__name__)

JITTER = random.Random()  # noqa: S311 - spreads pauses, keeps no secret
UNLIMITED = 1_000_000
# Seconds of a lane's rate that are handed out at once.
SLICE = 1.0
# A slowed domain's messages are put off by its rate, but not farther than this.
FARTHEST = timedelta(hours=6)
# Single domains that a relay remembers.
MOST_DOMAINS = 500
# A row that nothing was seen of for so long is forgotten.
STALE = timedelta(days=7)

# Or trouble in so many lanes at once, and in this part of all.
MANY, PART = 2, 1 / 3


class Addressed(Protocol):
    """What is asked of a message (sending.queries.claim.Claimed)."""

    @property
    def id(self) -> int: ...
    @property
    def address(self) -> str: ...
    @property
    def lane(self) -> int: ...


M = TypeVar("M", bound=Addressed)


@dataclass(frozen=True, slots=True)
class Deferred(Generic[M]):
    """A message that is put off until its lane has room for it; `reason`: of pages.reasons."""

    message: M
    until: datetime
    reason: str


# {(relay id, lane): what this process remembers of lanes without a row}: latency and misses.
_memory: dict[tuple[int, str], LaneState] = {}
MOST_REMEMBERED = 10_000


def state_of(row: Lane) -> LaneState:
    return LaneState(
        ceiling=row.ceiling,
        steady=row.steady,
        closed_until=row.closed_until,
        reason=row.reason,
        words=row.words,
        failures=row.failures,
        half_open=row.half_open,
        latency=row.latency,
        seen_at=row.seen_at,
    )


def _name(message: Addressed) -> str:
    return providers.lane_name(message.lane, message.address)


# -- what is allowed now ---------------------------------------------------------------------------


def allowances(relay: Relay, numbers: Iterable[int] | None = None) -> dict[int, int | Wait]:
    """{lane number: messages that may be claimed of it now, UNLIMITED, or what it waits for}, by
    default of all lanes. Who claims calls `admit` with what he got. Everybody else's domains are
    no matter here, but there."""
    wanted = (
        set(numbers) if numbers is not None else {one.number for one in providers.mail_providers()}
    )
    allowed: dict[int, int | Wait] = dict.fromkeys({providers.OTHERS, *wanted}, UNLIMITED)
    rows = [
        (row, number)
        for row in Lane.objects.filter(relay=relay).exclude(name__contains=".")
        if (number := providers.lane_number(row.name)) in wanted
    ]
    if rows:
        now = clock.now()
        for row, number in rows:
            allowed[number] = _allowed(row, now)
    return allowed


def quotas(relay: Relay) -> dict[int, int] | None:
    """`allowances` for sending.queries.claim: {lane: most}; None when no lane has a limit."""
    allowed = allowances(relay)
    if all(most == UNLIMITED for most in allowed.values()):
        return None
    return {lane: most if isinstance(most, int) else 0 for lane, most in allowed.items()}


def _allowed(row: Lane, now: datetime) -> int | Wait:
    state = state_of(row)
    if state.closed(now):
        return Wait(row.reason or "lane", row.closed_until or now, of_relay=False)
    if row.closed_until is not None:
        return 1
    if state.rate is None:
        return UNLIMITED
    begin = max(row.next_slot_at or now, now)
    most = int(state.rate * (SLICE - (begin - now).total_seconds()))
    # Less than one a slice: one, when its time has come.
    if most < 1 and begin > now:
        return Wait("lane", begin, of_relay=False)
    return max(1, most)


def admit(
    relay: Relay, claimed: Sequence[M], *, again: bool = False
) -> tuple[list[M], list[Deferred[M]]]:
    """(who may go now, who is put off) of claimed messages, and counts them.

    A slowed domain's messages get moments of their own by its rate, each once: with `again`, for
    messages whose time has come, they go unless the lane is closed.
    """
    known = set(Lane.objects.filter(relay=relay).values_list("name", flat=True)) - {WHOLE}
    if known:
        names = known & {_name(message) for message in claimed}
        if names:
            return _admit(relay, claimed, names, again=again)
    return list(claimed), []


@transaction.atomic
def _admit(
    relay: Relay, claimed: Sequence[M], names: set[str], *, again: bool
) -> tuple[list[M], list[Deferred[M]]]:
    rows = _locked(relay, names)
    budgets = {name: _Budget(row, again=again) for name, row in rows.items()}
    now = clock.now()
    admitted: list[M] = []
    deferred: list[Deferred[M]] = []
    for message in claimed:
        budget = budgets.get(_name(message))
        until = budget.take(now) if budget else None
        if until is None:
            admitted.append(message)
        else:
            deferred.append(Deferred(message, until, "lane"))
    if rows:
        Lane.objects.bulk_update(rows.values(), ["next_slot_at", "half_open", "closed_until"])
    return admitted, deferred


def _locked(relay: Relay, names: Iterable[str]) -> dict[str, Lane]:
    """Their rows by name, always locked in the same order."""
    rows = Lane.objects.filter(relay=relay, name__in=names).order_by("pk")
    return {row.name: row for row in rows.select_for_update(no_key=True)}


@dataclass(slots=True)
class _Budget:
    """A lane's moments, handed out one after the other (GCRA)."""

    row: Lane
    again: bool
    probing: bool = False

    def take(self, now: datetime) -> datetime | None:
        """When the next message of the lane may go; None: now."""
        row, state = self.row, state_of(self.row)
        if row.closed_until is not None and not self.probing:
            if state.closed(now) and not state.half_open:
                return self._next(row.closed_until, now)
            tried = lanes.probe(state, now)
            row.half_open, row.closed_until = tried.half_open, tried.closed_until
            self.probing = True
            return None
        if row.closed_until is not None:
            return self._next(row.closed_until, now)
        if state.rate is None or self.again:
            return None
        begin = max(row.next_slot_at or now, now)
        due = begin - now <= timedelta(seconds=SLICE)
        # A mail provider's messages were claimed by `quotas`; single domains are met here first.
        if due or "." not in row.name:
            row.next_slot_at = begin + timedelta(seconds=1 / state.rate)
            return None
        return self._next(begin, now)

    def _next(self, earliest: datetime, now: datetime) -> datetime:
        """A moment at the lane's rate from `earliest` on."""
        begin = max(self.row.next_slot_at or now, earliest)
        if begin - now > FARTHEST:
            return now + FARTHEST * JITTER.uniform(0.5, 1)
        rate = state_of(self.row).rate or 1.0
        self.row.next_slot_at = begin + timedelta(seconds=1 / rate)
        return begin


# -- what is learned -------------------------------------------------------------------------------


@dataclass(slots=True)
class _Sum:
    accepted: int = 0
    rate: int = 0
    other: int = 0
    waited: float = 0.0
    timed: int = 0
    words: str = ""
    asked: int = 0

    def add(self, outcome: Outcome) -> None:
        verdict = outcome.verdict
        if verdict is None:
            self.accepted += 1
            if outcome.seconds:
                self.waited += outcome.seconds
                self.timed += 1
        elif _of_mailbox(verdict):
            # The server works and says nothing about its pace.
            pass
        elif verdict.meaning is Meaning.RATE:
            self.rate += 1
            self.words = outcome.reply
            self.asked = max(self.asked, verdict.wait)
        elif verdict.meaning is Meaning.TRANSIENT:
            self.other += 1
            self.words = self.words or outcome.reply
        elif verdict.meaning.fails:
            # It was asked and it answered: the lane works.
            self.accepted += 1

    def seen(self, seconds: float, workers: int) -> LaneSample:
        return LaneSample(
            accepted=self.accepted,
            rate_refusals=self.rate,
            other=self.other,
            seconds=seconds,
            rate=self.accepted / max(seconds, 0.01) * workers if self.accepted else None,
            latency=self.waited / self.timed if self.timed else None,
            words=self.words,
            asked=self.asked,
        )


@dataclass(slots=True)
class _LaneBatch:
    """A recorded batch by lane, and what concerns the relay's server as a whole."""

    by_name: dict[str, _Sum] = field(default_factory=lambda: defaultdict[str, _Sum](_Sum))
    whole: _Sum = field(default_factory=_Sum)
    of_itself: bool = False


def learn(
    relay: Relay,
    claimed: Iterable[Addressed],
    outcomes: Mapping[int, Outcome],
    accepted: Accepted | None = None,
    *,
    seconds: float,
) -> None:
    """Takes what a batch shows: those that were `accepted` and `outcomes` ({message id: outcome})
    of the others; `seconds`: how long they took from the first to the last."""
    known = set(Lane.objects.filter(relay=relay).values_list("name", flat=True))
    if not known and not outcomes:
        # Nearly each batch: nothing is made for a single message.
        _remember_latency(relay, _all_accepted(accepted or Accepted()), seconds)
        return
    batch = _read(claimed, outcomes, accepted or Accepted())
    if not batch.by_name:
        return
    if not known and not batch.whole.rate and not batch.whole.other:
        _remember_latency(relay, batch, seconds)
        return
    with transaction.atomic():
        rows = _locked(relay, known & {WHOLE, *batch.by_name})
        _write(relay, rows, _attributed(batch, rows), seconds)


def _all_accepted(accepted: Accepted) -> _LaneBatch:
    """As `_read`, without the single domains, of which nothing is remembered."""
    batch = _LaneBatch()
    for lane, (number, seconds) in accepted.lanes.items():
        one = _Sum(accepted=int(number), waited=seconds, timed=int(number))
        if lane != providers.OTHERS:
            batch.by_name[providers.lane_name(lane, "")] = one
        else:
            batch.whole.waited, batch.whole.timed = seconds, int(number)
        batch.whole.accepted += int(number)
    return batch


def _read(
    claimed: Iterable[Addressed], outcomes: Mapping[int, Outcome], accepted: Accepted
) -> _LaneBatch:
    batch = _LaneBatch()
    as_outcomes = {
        number: Outcome(End.ACCEPTED, 250, "", Stage.CONTENT, seconds)
        for number, seconds in zip(accepted.ids, accepted.seconds, strict=True)
    }
    for message in claimed:
        outcome = as_outcomes.get(message.id) or outcomes.get(message.id)
        if outcome is None or (outcome.end is not End.ACCEPTED and outcome.verdict is None):
            continue
        name = _name(message)
        batch.by_name[name].add(outcome)
        batch.whole.add(outcome)
        if outcome.verdict is not None and _of_relay(name, outcome.verdict):
            batch.of_itself = True
    # A mail provider that is slow says nothing about the server that passes mails on to it.
    elsewhere = [one for name, one in batch.by_name.items() if "." in name]
    batch.whole.waited = sum(one.waited for one in elsewhere)
    batch.whole.timed = sum(one.timed for one in elsewhere)
    return batch


def _of_mailbox(verdict: Verdict) -> bool:
    """Whether a limit of one recipient's mailbox was reached."""
    slows = verdict.meaning in {Meaning.RATE, Meaning.TRANSIENT}
    return slows and verdict.limit_of is LimitOf.MAILBOX


def _of_relay(name: str, verdict: Verdict) -> bool:
    """Whether the relay's own server has the limit. What a provider's server says in the lane of
    that provider is the provider's, unless it names our account."""
    if verdict.meaning is not Meaning.RATE or verdict.limit_of is not LimitOf.RELAY:
        return False
    rule = verdict.rule
    return rule is None or rule.of_account or rule.provider != name


def _attributed(batch: _LaneBatch, rows: Mapping[str, Lane]) -> dict[str, _Sum]:
    """{lane: what it is to learn}. A server that speaks of itself, or that complains in several
    lanes, has a limit of its own; otherwise it passes on what a recipient's server said."""
    slowed = [name for name, one in batch.by_name.items() if one.rate]
    failed = [name for name, one in batch.by_name.items() if one.other and not one.accepted]
    sums = dict(batch.by_name)
    if batch.of_itself or len(slowed) >= max(MANY, PART * len(sums)):
        sums = {name: _without_rate(one) for name, one in sums.items()}
    else:
        batch.whole.rate = 0
    if len(failed) < MANY or batch.whole.accepted:
        batch.whole.other = 0
    else:
        sums = {name: one for name, one in sums.items() if not one.other}
    # Many domains are in a batch; those that went well teach nothing that isn't known.
    kept = {
        name: one
        for name, one in sums.items()
        if name in rows or "." not in name or one.rate or (one.other and not one.accepted)
    }
    return {WHOLE: batch.whole} | kept


def _without_rate(one: _Sum) -> _Sum:
    return replace(one, rate=0, asked=0)


def _write(
    relay: Relay, rows: Mapping[str, Lane], sums: Mapping[str, _Sum], seconds: float
) -> None:
    now = clock.now()
    workers = _workers(relay, now) if any(one.rate for one in sums.values()) else 1
    kept: list[Lane] = []
    gone: list[int] = []
    domains = 0
    for name, one in sums.items():
        before = _before(relay, name, rows.get(name))
        after = lanes.learn(before, one.seen(seconds, workers), now, JITTER.uniform(0.8, 1.2))
        _remember(relay, name, after)
        _log(relay, name, before, after, now)
        row = rows.get(name)
        if after.known and "." in name and row is None:
            domains += 1
        if after.known and domains <= MOST_DOMAINS:
            kept.append(_row(relay, name, row, after, now))
        elif row is not None:
            gone.append(row.pk)
        if name == WHOLE and after.closed(now) and not before.closed(now):
            health.wait(relay, after.reason, after.closed_until or now, after.words)
    if gone:
        Lane.objects.filter(pk__in=gone).delete()
    if kept:
        Lane.objects.bulk_create(
            kept,
            update_conflicts=True,
            unique_fields=["relay", "name"],
            update_fields=[
                "rate", "ceiling", "steady", "seen_at", "closed_until", "reason", "words",
                "failures", "half_open", "latency", "changed_at",
            ],
        )  # fmt: skip


def _log(relay: Relay, name: str, before: LaneState, after: LaneState, now: datetime) -> None:
    known = {"relay": relay.pk, "workspace": relay.workspace_id, "lane": name}
    if after.closed(now) and before.closed_until != after.closed_until:
        log.committed.warning(
            "lane closed", **known, until=after.closed_until, reason=after.reason, words=after.words
        )
    elif before.closed_until is not None and after.closed_until is None:
        log.committed.info("lane opened", **known)


def _before(relay: Relay, name: str, row: Lane | None) -> LaneState:
    remembered = _memory.get((relay.pk, name), LaneState())
    if row is None:
        return LaneState(latency=remembered.latency, misses=remembered.misses)
    state = state_of(row)
    return replace(state, misses=remembered.misses, latency=state.latency or remembered.latency)


def _row(relay: Relay, name: str, row: Lane | None, state: LaneState, now: datetime) -> Lane:
    return Lane(
        relay=relay,
        name=name,
        rate=state.rate,
        ceiling=state.ceiling,
        steady=state.steady,
        seen_at=state.seen_at,
        closed_until=state.closed_until,
        reason=state.reason,
        words=state.words,
        failures=state.failures,
        half_open=state.half_open,
        latency=state.latency,
        next_slot_at=row.next_slot_at if row else None,
        changed_at=now,
    )


def _workers(relay: Relay, now: datetime) -> int:
    """How many processes send over it: each sees its own share of the rate."""
    return max(1, RelaySlot.objects.filter(relay=relay, leased_until__gt=now, open__gt=0).count())


def _remember(relay: Relay, name: str, state: LaneState) -> None:
    if "." in name:  # there are too many domains for that
        return
    if len(_memory) >= MOST_REMEMBERED:
        _memory.clear()
    _memory[relay.pk, name] = LaneState(latency=state.latency, misses=state.misses)


def _remember_latency(relay: Relay, batch: _LaneBatch, seconds: float) -> None:
    """A batch that went well over a relay without rows, which is nearly each: no statement but for
    a lane that has become slow."""
    slow: dict[str, _Sum] = {}
    for name, one in (batch.by_name | {WHOLE: batch.whole}).items():
        if "." in name:
            continue
        after = lanes.learn(_before(relay, name, None), one.seen(seconds, 1), timezone.now())
        if after.known:
            slow[name] = one
        else:
            _remember(relay, name, after)
    if slow:
        with transaction.atomic():
            _write(relay, {}, slow, seconds)


def forget_stale() -> int:
    """What nobody has seen anything of for days. How many."""
    old = clock.now() - STALE
    stale = Q(changed_at__lt=old) & (Q(seen_at=None) | Q(seen_at__lt=old))
    return Lane.objects.filter(stale).delete()[0]


def totals(rows: Iterable[Lane]) -> Counter[str]:
    """{"closed": n, "slowed": n}"""
    now = clock.now()
    return Counter("closed" if state_of(row).closed(now) else "slowed" for row in rows)
