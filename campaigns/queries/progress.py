"""Progress of mailings: messages done, rate, estimated end, and the relays that carry on."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db import connection
from django.db.models import Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from campaigns.queries import estimates, routes
from relays.models import Relay
from sending import blocks
from sending.models import Mailing, Tally, TallyMinute
from sending.services import waits

# Relations that `of` reads of a mailing; pass them to select_related and prefetch_related.
RELATED = ("tally", "relay", "pool", "freezing")
PREFETCH = ("pool__members__relay",)
# Seconds; an end that is nearer is not reported.
SOON = 5


@dataclass(frozen=True, slots=True)
class MailingProgress:
    """Numbers are messages; `rate` is messages a second; None: nothing is being sent."""

    targeted: int
    done: int
    rate: float | None
    # When the rest is done at this rate and by the relays' limits; None: unknown.
    finish_at: datetime | None

    @property
    def left(self) -> int:
        return self.targeted - self.done

    @property
    def percent(self) -> int:
        """Percentage of messages done; less than 100 while any is left."""
        return self.done * 100 // self.targeted if self.targeted else 100


def moves(mailing: Mailing) -> bool:
    """Whether its numbers still change; also true while the rest of a cancelled mailing is being
    skipped."""
    tally = mailing.tally
    return mailing.state in Mailing.LIVE or bool(
        mailing.state == Mailing.State.CANCELLED and (tally.waiting or tally.in_flight)
    )


def freezes(mailing: Mailing) -> bool:
    """Whether part of its audience is still being frozen, so that more recipients will come."""
    return hasattr(mailing, "freezing")


def done(tally: Tally) -> int:
    """The number of messages that will not be sent any more by themselves."""
    return tally.accepted + tally.failed + tally.skipped + tally.unknown


def of(mailings: Iterable[Mailing]) -> dict[int, MailingProgress]:
    """{mailing id: MailingProgress}. Three queries, for mailings read with RELATED and PREFETCH."""
    now = timezone.now()
    given = list(mailings)
    moving = [m for m in given if m.state == Mailing.State.SENDING]
    sent = _sent_lately([m.pk for m in moving], _since(now))
    used = estimates.used([relay for m in moving for relay in relays_of(m)])
    retries = _last_retries([m.pk for m in moving])
    return {
        m.pk: _progress(m, sent.get(m.pk, 0), used, _Moment(now, retries.get(m.pk))) for m in given
    }


@dataclass(frozen=True, slots=True)
class _Moment:
    """The present, and the last time for which a try of one of the mailing's messages is known."""

    now: datetime
    last_retry: datetime | None

    def to_come(self, time: datetime | None) -> datetime | None:
        return time if time and time > self.now else None

    def last_of(self, times: Iterable[datetime | None]) -> datetime | None:
        """The latest of the last retry and `times`; None: all are over."""
        coming = filter(None, map(self.to_come, (self.last_retry, *times)))
        return max(coming, default=None)


# The end of the index message_retry.
LAST_RETRY = """
SELECT %s::bigint, (SELECT max(retry_at) FROM sending_message
                     WHERE mailing_id = %s AND retry_at IS NOT NULL)
"""


def _last_retries(mailing_ids: Sequence[int]) -> dict[int, datetime | None]:
    """{mailing id: the last time at which one of its messages is tried again}. One statement, whose
    parts name the block of their mailing."""
    if not mailing_ids:
        return {}
    parts = [blocks.named(LAST_RETRY, pk) for pk in mailing_ids]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), [pk for pk in mailing_ids for _ in range(2)])
        return dict(cursor.fetchall())


def _since(now: datetime) -> datetime:
    """The begin of the minute before this one: 60 to 120 s ago."""
    return now.replace(second=0, microsecond=0) - timedelta(minutes=1)


def _sent_lately(mailing_ids: Sequence[int], since: datetime) -> dict[int, int]:
    rows = (
        TallyMinute.objects.filter(mailing__in=mailing_ids, minute__gte=since)
        .values("mailing")
        .annotate(sent=Coalesce(Sum("accepted"), 0) + Coalesce(Sum("failed"), 0))
    )
    return {row["mailing"]: row["sent"] for row in rows}


def _progress(
    mailing: Mailing, sent: int, used: estimates.Uses, moment: _Moment
) -> MailingProgress:
    tally, now = mailing.tally, moment.now
    so_far = done(tally)
    if mailing.state != Mailing.State.SENDING:
        return MailingProgress(tally.targeted, so_far, None, None)
    elapsed = (now - max(_since(now), mailing.opened_at)).total_seconds()
    rate = sent / max(elapsed, 1.0)
    left = tally.targeted - so_far
    return MailingProgress(tally.targeted, so_far, rate, _finish(mailing, left, rate, used, moment))


def _finish(
    mailing: Mailing, left: int, rate: float, used: estimates.Uses, moment: _Moment
) -> datetime | None:
    """The end by the limits and the present rate, counted from the end of the present wait, but not
    before the last known retry and the end of its parts' waits.

    None if nobody can know it, while nothing goes out for no known reason, and if the end is less
    than SOON seconds away."""
    if not _can_be_known(mailing):
        return None
    now = moment.now
    start, later = moment.to_come(mailing.wait_until), moment.last_of(_part_ends(mailing))
    if not (rate or start or later):
        return None
    slowest = [float(mailing.per_minute)] if mailing.per_minute else []
    if rate and not start:
        slowest.append(rate * 60)
    own = estimates.Own(mailing.window, min(slowest, default=None))
    end = partial(estimates.finish, _tiers(mailing), used=used, own=own)
    found = end(left, begin=start or now)
    if found and later and later > found:
        # At least one message is left then.
        found = end(1, begin=later)
    return found if found and (found - now).total_seconds() >= SOON else None


def _can_be_known(mailing: Mailing) -> bool:
    """Not before the first message was sent, while more recipients will come, and while the mailing
    or a lane of it waits for a person."""
    if not (mailing.tally.accepted or mailing.tally.failed) or freezes(mailing):
        return False
    return bool(mailing.wait_until or not mailing.wait_reason) and None not in _part_ends(mailing)


def _part_ends(mailing: Mailing) -> list[datetime | None]:
    """When the lanes that wait go on; None: a person decides."""
    return [line.until for line in waits.lines(mailing) if line.lane]


def relays_of(mailing: Mailing) -> list[Relay]:
    if mailing.relay is not None:
        return [mailing.relay]
    # mailing_one_route: without a relay there is a pool.
    return [member.relay for member in mailing.pool.members.all()] if mailing.pool else []


def _tiers(mailing: Mailing) -> dict[Relay, int]:
    """The relays that carry it, including those that wait, each with its tier."""
    members = mailing.pool.members.all() if mailing.pool else []
    numbers = {member.relay_id: member.tier for member in members}
    carrying = (relay for relay in relays_of(mailing) if routes.carries(relay, mailing))
    return {relay: numbers.get(relay.pk, 1) for relay in carrying}


def average_rate(mailing: Mailing) -> float | None:
    """Messages a second from the opening to the end, for a mailing that is over."""
    if mailing.finished_at is None:
        return None
    tally = mailing.tally
    seconds = max((mailing.finished_at - mailing.opened_at).total_seconds(), 1.0)
    return (tally.accepted + tally.failed) / seconds


def carrying(mailing: Mailing, waiting: Collection[str]) -> list[str]:
    """Names of the relays that carry on while the relays with the names `waiting` wait."""
    found = [relay for relay in relays_of(mailing) if routes.carries(relay, mailing)]
    return sorted(relay.name for relay in found if relay.name not in waiting)
