"""Progress of mailings: messages done, rate, estimated end, and the relays that carry on."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from campaigns.queries import estimates, routes
from relays.models import Relay
from sending.models import Mailing, Tally, TallyMinute

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
    """{mailing id: MailingProgress}. Two queries, for mailings read with RELATED and PREFETCH."""
    now = timezone.now()
    given = list(mailings)
    moving = [m for m in given if m.state == Mailing.State.SENDING]
    sent = _sent_lately([m.pk for m in moving], _since(now))
    used = estimates.used([relay for m in moving for relay in relays_of(m)])
    return {m.pk: _progress(m, sent.get(m.pk, 0), used, now) for m in given}


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


def _progress(mailing: Mailing, sent: int, used: estimates.Uses, now: datetime) -> MailingProgress:
    tally = mailing.tally
    so_far = done(tally)
    if mailing.state != Mailing.State.SENDING:
        return MailingProgress(tally.targeted, so_far, None, None)
    elapsed = (now - max(_since(now), mailing.opened_at)).total_seconds()
    rate = sent / max(elapsed, 1.0)
    left = tally.targeted - so_far
    return MailingProgress(tally.targeted, so_far, rate, _finish(mailing, left, rate, used, now))


def _finish(
    mailing: Mailing, left: int, rate: float, used: estimates.Uses, now: datetime
) -> datetime | None:
    """The end by the limits and the present rate, counted from the end of the present wait.

    None before the first message was sent, while more recipients will come, while the mailing waits
    for a person, and if the end is less than SOON seconds away."""
    if not (mailing.tally.accepted or mailing.tally.failed) or freezes(mailing):
        return None
    if mailing.wait_reason and not mailing.wait_until:
        return None
    waits = bool(mailing.wait_until and mailing.wait_until > now)
    begin = mailing.wait_until if waits and mailing.wait_until else now
    slowest = [float(mailing.per_minute)] if mailing.per_minute else []
    if rate and not waits:
        slowest.append(rate * 60)
    found = estimates.finish(
        _tiers(mailing),
        left,
        begin=begin,
        used=used,
        own=estimates.Own(mailing.window, min(slowest, default=None)),
    )
    soon = found is None or (found - now).total_seconds() < SOON
    return None if soon and not waits else found


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
