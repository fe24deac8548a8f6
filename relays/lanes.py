"""The rate of one lane (from a relay to one mail provider, one domain, or its own server), as
learned from replies. Pure.

Without a row there is no limit. A reply that asks to go slower sets the lane's `ceiling` to the
present rate and closes the lane for a moment. The lane opens with one message as a probe
(half-open), then at half the ceiling. From there the rate grows along a cubic curve of the time in
which mails were accepted: fast at first, slowly near the ceiling, where the limit probably is, and
fast again beyond it. When no limit was met for minutes, the lane is forgotten. TCP's CUBIC
(RFC 9438) does the same for the same reason: the mean rate is much nearer to the limit than with
linear growth, and the limit is met rarely.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

# The lane of a relay's own server, for limits of that server itself.
WHOLE = "*"
# The lowest rate of a lane, in messages a second: one a minute.
FLOOR = 1 / 60
# Seconds of sending until the rate is at its ceiling again; after as many more it is half above.
PLATEAU = 60.0
# The lane is forgotten after this many seconds of sending without a limit: by then the curve is at
# more than nine times the ceiling.
FORGET = 4 * PLATEAU - 15
# After this many seconds of sending without a limit, the next pause is a short one again.
SETTLED = 30.0
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 900.0
# Seconds for which other messages wait while the probe of a half-open lane is on its way.
PROBE = 15.0
# This many failures in a row close a lane.
BREAK_AFTER = 10
# A gap between two batches counts as sending time, up to this many seconds.
PATIENCE = 5.0
# A lane is slow if replies take SLOW_TIMES longer than they used to, and at least SLOW_SECONDS.
# Fewer messages in a batch show nothing: they may be for one slow mailbox, and were no load.
SLOW_TIMES, SLOW_SECONDS, SLOW_MESSAGES = 4.0, 1.0, 5
SMOOTHING = 0.05
# The limit is a little below the rate at which it was met.
BELOW = 0.95


@dataclass(frozen=True, slots=True)
class LaneState:
    """See models.Lane. `latency` in seconds. `steady`: seconds of sending since a limit was met.
    `failures`: pauses in a row. `misses`: failed messages in a row, as seen by this process; they
    aren't stored."""

    ceiling: float | None = None
    steady: float = 0.0
    closed_until: datetime | None = None
    reason: str = ""
    words: str = ""
    failures: int = 0
    half_open: bool = False
    latency: float | None = None
    seen_at: datetime | None = None
    misses: int = 0

    @property
    def rate(self) -> float | None:
        """Messages a second; None: no limit."""
        return None if self.ceiling is None else rate(self.ceiling, self.steady)

    @property
    def known(self) -> bool:
        """Whether the state holds anything but the latency."""
        return self.ceiling is not None or self.closed_until is not None

    def closed(self, now: datetime) -> bool:
        return self.closed_until is not None and self.closed_until > now


@dataclass(frozen=True, slots=True)
class LaneSample:
    """A lane's results in a recorded batch. `other`: transient failures of the server, not of one
    mailbox. `rate`: accepted messages a second over all workers; None: unknown. `latency`: usual
    seconds from content to reply. `asked`: seconds for which the server asks to wait."""

    accepted: int = 0
    rate_refusals: int = 0
    other: int = 0
    seconds: float = 1.0
    rate: float | None = None
    latency: float | None = None
    words: str = ""
    asked: float = 0.0


def rate(ceiling: float, steady: float) -> float:
    """Messages a second after `steady` seconds: a curve from half the ceiling over a plateau at
    the ceiling to any higher rate."""
    away = (steady - PLATEAU) / PLATEAU
    return max(FLOOR, ceiling * (1 + 0.5 * away**3))


def learn(state: LaneState, seen: LaneSample, now: datetime, jitter: float = 1.0) -> LaneState:
    """The lane after a batch. `jitter` (about 0.8 to 1.2) spreads the ends of pauses."""
    if state.closed(now) and not state.half_open:
        # These messages were on their way when the lane closed: they show nothing new.
        return state
    if seen.rate_refusals:
        return _slower(state, seen, now, jitter)
    if seen.accepted:
        return _went_well(state, seen, now)
    if seen.other:
        return _failed(state, seen, now, jitter)
    return state


def _slower(state: LaneState, seen: LaneSample, now: datetime, jitter: float) -> LaneState:
    failures = 0 if state.steady >= SETTLED else state.failures
    shut = _close(replace(state, failures=failures), "rate", seen, now, jitter)
    if state.half_open:  # the refused probe shows only that it is too early, nothing about the rate
        return shut
    return replace(shut, ceiling=_felt_at(state, seen), steady=0.0)


def _felt_at(state: LaneState, seen: LaneSample) -> float:
    """The rate at which the limit probably is."""
    if state.rate is not None:
        return max(FLOOR, BELOW * state.rate)
    if seen.accepted:
        # The rate of accepted messages, beside the refused ones, is the allowed rate.
        return max(FLOOR, seen.rate or seen.accepted / max(seen.seconds, 0.01))
    return max(FLOOR, seen.rate_refusals / max(seen.seconds, 0.01) / 4)


def _went_well(state: LaneState, seen: LaneSample, now: datetime) -> LaneState:
    since = (now - state.seen_at).total_seconds() if state.seen_at else 0.0
    state = replace(state, seen_at=now, misses=0)
    if state.closed_until is not None:
        # The time in which the lane was closed doesn't count as sending.
        return _eased(_open(state), seen)
    steady = state.steady + min(max(since, 0.0), PATIENCE)
    failures = 0 if steady >= SETTLED or state.ceiling is None else state.failures
    state = replace(state, steady=steady, failures=failures)
    if state.ceiling is not None and steady >= FORGET:
        return LaneState(latency=state.latency, seen_at=now)
    return _eased(state, seen)


def _open(state: LaneState) -> LaneState:
    """The lane after its pause. If its rate was the cause, it keeps the count of pauses and the
    reason until the rate has proved good."""
    open_ = replace(state, closed_until=None, half_open=False)
    return replace(open_, reason="", words="", failures=0) if state.ceiling is None else open_


def _eased(state: LaneState, seen: LaneSample) -> LaneState:
    """Slows the lane down if replies come much later than they used to, a sign of overload."""
    if seen.latency is None:
        return state
    usual = seen.latency if state.latency is None else state.latency
    slow = seen.latency > max(SLOW_SECONDS, SLOW_TIMES * usual) and seen.accepted >= SLOW_MESSAGES
    smoothed = replace(state, latency=usual + SMOOTHING * (seen.latency - usual))
    if not slow:
        return smoothed
    if state.ceiling is None:
        now_at = seen.rate or seen.accepted / max(seen.seconds, 0.01)
        return replace(smoothed, ceiling=max(FLOOR, now_at), steady=PLATEAU / 2, reason="slow")
    # No further step before the last one could have an effect.
    if state.steady < PLATEAU / 2 + 10:
        return smoothed
    lower = max(FLOOR, BELOW * rate(state.ceiling, state.steady))
    return replace(smoothed, ceiling=lower, steady=PLATEAU / 2, reason="slow")


def _failed(state: LaneState, seen: LaneSample, now: datetime, jitter: float) -> LaneState:
    state = replace(state, misses=state.misses + seen.other)
    if state.half_open or state.misses >= BREAK_AFTER:
        return _close(state, "transient", seen, now, jitter)
    return state


def _close(
    state: LaneState, reason: str, seen: LaneSample, now: datetime, jitter: float
) -> LaneState:
    pause = min(FIRST_PAUSE * 2 ** min(state.failures, 20), LONGEST_PAUSE) * jitter
    pause = max(pause, seen.asked)
    return replace(
        state,
        closed_until=now + timedelta(seconds=pause),
        reason=reason,
        words=seen.words[:2000],
        failures=state.failures + 1,
        half_open=False,
        misses=0,
    )


def probe(state: LaneState, now: datetime) -> LaneState:
    """The lane while its probe is on its way."""
    return replace(state, half_open=True, closed_until=now + timedelta(seconds=PROBE))
