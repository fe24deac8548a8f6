"""The lanes of a relay: what they allow now, and what they learn from recorded batches.

A lane has a row only if a limit was met; without any, a claim costs one SELECT that finds nothing.
Rules and curves are in relays.lanes.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from statistics import median
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
# Messages for this many seconds of a lane's rate are allowed at once.
SLICE = 1.0
# Messages of a slowed domain are put off by its rate, at most this far.
FARTHEST = timedelta(hours=6)
# At most this many single domains of a relay have rows.
MOST_DOMAINS = 500
# A row is deleted after this time without any news.
STALE = timedelta(days=7)

# Trouble in MANY lanes at once, and in PART of all, is trouble of the relay's server, too.
MANY, PART = 2, 1 / 3


class Addressed(Protocol):
    """The fields of a message that lanes need (sending.queries.claim.Claimed)."""

    @property
    def id(self) -> int: ...
    @property
    def address(self) -> str: ...
    @property
    def lane(self) -> int: ...


M = TypeVar("M", bound=Addressed)


@dataclass(frozen=True, slots=True)
class Deferred(Generic[M]):
    """A message that is put off until its lane allows it; `reason`: a code of pages.reasons."""

    message: M
    until: datetime
    reason: str


# {(relay id, lane): state}: latency and misses that this process remembers of lanes without a row.
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
    """{lane number: messages that may be claimed now, UNLIMITED, or a Wait}, by default for all
    lanes. After claiming, call `admit`: single domains (OTHERS) are limited only there."""
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
    """`allowances` for sending.queries.claim: {lane: most messages}; None: no lane has a limit."""
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
    # Less than one message in a slice: one, when it is due.
    if most < 1 and begin > now:
        return Wait("lane", begin, of_relay=False)
    return max(1, most)


def admit(
    relay: Relay, claimed: Sequence[M], *, again: bool = False
) -> tuple[list[M], list[Deferred[M]]]:
    """Divides claimed messages into (messages to send now, messages to put off), and counts them.

    Messages of a slowed domain are put off once, each to a moment of its own by the lane's rate.
    `again`: the messages are due after that; they go now unless the lane is closed.
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
    """{name: row} of these lanes, locked in the same order in every transaction."""
    rows = Lane.objects.filter(relay=relay, name__in=names).order_by("pk")
    return {row.name: row for row in rows.select_for_update(no_key=True)}


@dataclass(slots=True)
class _Budget:
    """Gives each message of a lane its moment, one after the other (GCRA)."""

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
        # Messages of mail providers were claimed within `quotas`; single domains are limited here.
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
    # Seconds until the reply, of each message; or only their mean.
    waits: list[float] = field(default_factory=list)
    mean: float | None = None
    words: str = ""
    asked: int = 0

    def add(self, outcome: Outcome) -> None:
        verdict = outcome.verdict
        if verdict is None:
            self.accepted += 1
            if outcome.seconds:
                self.waits.append(outcome.seconds)
        elif _of_mailbox(verdict):
            # The server works; the reply says nothing about the lane's rate.
            pass
        elif verdict.meaning is Meaning.RATE:
            self.rate += 1
            self.words = outcome.reply
            self.asked = max(self.asked, verdict.wait)
        elif verdict.meaning is Meaning.TRANSIENT:
            self.other += 1
            self.words = self.words or outcome.reply
        elif verdict.meaning.fails:
            # A permanent refusal shows that the lane works.
            self.accepted += 1

    def seen(self, seconds: float, workers: int) -> LaneSample:
        return LaneSample(
            accepted=self.accepted,
            rate_refusals=self.rate,
            other=self.other,
            seconds=seconds,
            rate=self.accepted / max(seconds, 0.01) * workers if self.accepted else None,
            latency=median(self.waits) if self.waits else self.mean,
            words=self.words,
            asked=self.asked,
        )


@dataclass(slots=True)
class _LaneBatch:
    """The results of a recorded batch by lane, and for the relay's server as a whole."""

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
    """Learns from a batch: its `accepted` messages, and the `outcomes` ({message id: outcome}) of
    the others. `seconds`: from the first to the last of them."""
    known = set(Lane.objects.filter(relay=relay).values_list("name", flat=True))
    if not known and not outcomes and not _late(accepted):
        # The path of nearly every batch: no object is made for a single message.
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


def _late(accepted: Accepted | None) -> bool:
    """Whether a lane's mean is late. One mail for a slow mailbox can cause that, so the replies are
    then looked at one by one (their median)."""
    sums = accepted.lanes.values() if accepted else ()
    return any(seconds > lanes.SLOW_SECONDS * number for number, seconds in sums)


def _all_accepted(accepted: Accepted) -> _LaneBatch:
    """As `_read`, if all were accepted; without single domains: they have nothing to learn then."""
    batch = _LaneBatch()
    for lane, (number, seconds) in accepted.lanes.items():
        one = _Sum(accepted=int(number), mean=seconds / number)
        if lane != providers.OTHERS:
            batch.by_name[providers.lane_name(lane, "")] = one
        else:
            batch.whole.mean = one.mean
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
    # A slow mail provider says nothing about the relay's server, so its latency doesn't count.
    elsewhere = [one for name, one in batch.by_name.items() if "." in name]
    batch.whole.waits = [seconds for one in elsewhere for seconds in one.waits]
    return batch


def _of_mailbox(verdict: Verdict) -> bool:
    """Whether a limit of one recipient's mailbox was reached."""
    slows = verdict.meaning in {Meaning.RATE, Meaning.TRANSIENT}
    return slows and verdict.limit_of is LimitOf.MAILBOX


def _of_relay(name: str, verdict: Verdict) -> bool:
    """Whether the limit is one of the relay's own server. A limit that a provider's server states
    in that provider's lane is the provider's, unless it names our account."""
    if verdict.meaning is not Meaning.RATE or verdict.limit_of is not LimitOf.RELAY:
        return False
    rule = verdict.rule
    return rule is None or rule.of_account or rule.provider != name


def _attributed(batch: _LaneBatch, rows: Mapping[str, Lane]) -> dict[str, _Sum]:
    """{lane: results to learn from}. If the server speaks of its own limit, or refuses in several
    lanes, the limit is the relay's. Otherwise it passes on replies of recipients' servers."""
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
    # A batch has many domains. Those without a row and without trouble have nothing to learn.
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
    """The number of processes that send over the relay; each sees only its part of the rate."""
    return max(1, RelaySlot.objects.filter(relay=relay, leased_until__gt=now, open__gt=0).count())


def _remember(relay: Relay, name: str, state: LaneState) -> None:
    if "." in name:  # there are too many domains for that
        return
    if len(_memory) >= MOST_REMEMBERED:
        _memory.clear()
    _memory[relay.pk, name] = LaneState(latency=state.latency, misses=state.misses)


def _remember_latency(relay: Relay, batch: _LaneBatch, seconds: float) -> None:
    """Learns from a batch without trouble over a relay without rows (nearly every batch): writes
    only if a lane has become slow."""
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
    """Deletes rows without news for STALE. Returns their number."""
    old = clock.now() - STALE
    stale = Q(changed_at__lt=old) & (Q(seen_at=None) | Q(seen_at__lt=old))
    return Lane.objects.filter(stale).delete()[0]


def totals(rows: Iterable[Lane]) -> Counter[str]:
    """{"closed": n, "slowed": n}"""
    now = clock.now()
    return Counter("closed" if state_of(row).closed(now) else "slowed" for row in rows)
