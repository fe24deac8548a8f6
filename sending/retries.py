"""When a message is tried again: with jitter, after longer waits each time, for a limited time.
Pure."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from smtp.replies import Meaning

# Seconds until the next try, by the number of attempts behind it; the last one repeats. A greylist
# opens after minutes (RFC 6647, section 2), a full mailbox is emptied in hours, if at all.
STEPS = {
    Meaning.TRANSIENT: (300, 900, 1800, 3600, 7200, 14400),
    Meaning.FULL: (1800, 7200, 14400, 28800),
    Meaning.GREYLISTED: (90, 300, 600, 900, 1800, 3600),
}
# Meanings that count no attempt are tried again soon: lane and relay limit the pace.
SOON = {Meaning.RATE: 30, Meaning.CONNECTION: 10}
# A share of the wait, so that messages refused together are not tried again together.
JITTER = 0.2
_random = random.Random()  # noqa: S311 - spreads retries, keeps no secret


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a mailing's messages are tried: until `last`. A message whose first try came late,
    because the mailing had to wait, is tried for about `whole` from then on."""

    last: datetime
    whole: timedelta


def seconds(why: Meaning, attempts: int, asked: int = 0) -> float:
    """The wait without jitter. `asked`: seconds that the server asked for."""
    steps = STEPS.get(why) or (SOON[why],)
    return max(float(steps[min(attempts, len(steps) - 1)]), float(asked))


def next_try(
    why: Meaning, attempts: int, patience: Patience, now: datetime, asked: int = 0
) -> datetime | None:
    """The time of the next try; None: its time is over. `attempts`: without the one just made."""
    due = now + timedelta(
        seconds=seconds(why, attempts, asked) * _random.uniform(1 - JITTER, 1 + JITTER)
    )
    if asked:
        # Before the time that the server named, it would surely be refused.
        due = max(due, now + timedelta(seconds=asked))
    if why.loses_nothing or due <= patience.last:
        return due
    if _tried(why, attempts + 1) < patience.whole:
        return due
    # A last try at the very end.
    return patience.last if now < patience.last else None


def _tried(why: Meaning, attempts: int) -> timedelta:
    """About how long a message with so many attempts has been tried."""
    return timedelta(seconds=sum(seconds(why, number) for number in range(attempts)))
