"""Finds refusals that concern more than one message: a relay accepts nothing from us, or not from
this sender, or no mails of this size; a mail provider refuses a mailing; many servers refuse its
content. Stops the relay, lane or mailing before the whole audience is refused.

Each recorded batch is counted by lane and relay (models.RefusalCount) and judged (sending.guards).
services.holding makes the holds; services.holddecisions has the decisions about them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import Min, Q, QuerySet, Sum
from django.utils import timezone

from relays.lanes import WHOLE
from relays.models import Relay
from relays.services import health
from sending import guards
from sending.guards import Count
from sending.models import Hold, Mailing, Message, RefusalCount, TallyMinute
from sending.queries import refusals as query
from sending.queries.blocks import of_messages
from sending.queries.claim import Claimed
from sending.queries.streams import LATELY
from sending.services import holding, holds, mailings
from sending.services.holding import HoldCause
from sending.services.refusalscope import Refused, accepted_lately, accepted_of, accepted_others
from smtp.accepted import Accepted
from smtp.replies import Meaning

# Reasons to stop something; codes of pages.reasons.
LANE = Hold.Kind.LANE
MANY_REFUSED, REFUSES_ALL, MANY_UNSEEN = "many_refused", "refuses_all", "many_unseen"


def learn(
    mailing: Mailing,
    relay: Relay,
    claimed: Sequence[Claimed],
    accepted: Accepted,
    refused: Mapping[int, Refused],
) -> None:
    """Evaluates a recorded batch: its accepted messages, and the refused ones by message id. Not to
    be called within the transaction that recorded it: claims lock the mailing's row and wait for
    its tally, so that both could wait for each other."""
    seen = list(refused.values())
    for one in seen:
        if one.halts:
            _halt(mailing, relay, one)
            break
    for one in seen:
        if one.unfit and not one.skipped:
            _unfit(mailing, relay, one)
            break
    runs = {number: one for number, one in refused.items() if one.counts}
    known = query.counted(mailing, relay)
    if not runs and not known:
        return
    _count(mailing, relay, _CountedBatch(claimed, accepted, runs, known))


# Counting ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class _CountedBatch:
    """The counts of a batch. `known`: lanes that have a count already."""

    claimed: Sequence[Claimed]
    accepted: Accepted
    refused: Mapping[int, Refused]
    known: Collection[str]

    def row(self) -> list[Refused]:
        """First tries refused since the last accepted mail. A refusal whose place in the order is
        unknown is taken as the first: nothing is stopped on a guess."""
        tried = {message.id for message in self.claimed if not message.attempts}
        end = len(self.accepted)
        return [
            one
            for number, one in self.refused.items()
            if number in tried and self.accepted.refused.get(number, 0) == end and one.verdict
        ]

    def steps(self) -> dict[str, Count]:
        """{lane, or "*" for all: the counts to add}"""
        found = {WHOLE: Count(accepted=len(self.accepted))}
        for one in self.refused.values():
            step = Count(refused=1, blamed=1 if one.blames else 0)
            names = (WHOLE,) if one.unseen or one.verdict is None else (WHOLE, one.lane)
            for name in names:
                found[name] = found.get(name, Count()).plus(step)
        found[WHOLE] = replace(found[WHOLE], row=len(self.row()))
        lanes = {*found, *self.known} - {WHOLE}
        for name, number in accepted_of(self.claimed, self.accepted, lanes).items():
            found[name] = found.get(name, Count()).plus(Count(accepted=number))
        return found


def _count(mailing: Mailing, relay: Relay, batch: _CountedBatch) -> None:
    steps = batch.steps()
    _to_holds(mailing, relay, steps)
    if not any(one.decided for one in steps.values()):
        return
    first = Message.objects.filter(of_messages(batch.refused), pk__in=batch.refused).aggregate(
        first=Min("settled_at")
    )
    began = first["first"] or timezone.now()
    counts = query.add(mailing, relay, steps, began)
    if counts and batch.refused:
        in_row = len({one.lane for one in batch.row()})
        _judge(mailing, relay, counts, list(batch.refused.values()), in_row)


def _to_holds(mailing: Mailing, relay: Relay, steps: dict[str, Count]) -> None:
    """Mails in flight when a hold began belong to its run: those of a held lane only to that lane's
    run, the others to that of the relay or the mailing."""
    for place, one in enumerate(holds.active(mailing=mailing, relay=relay, kind=LANE)):
        step = steps.pop(one.lane, None)
        if step is None or not step.decided:
            continue
        _add_to(one, step)
        if place < guards.EXPLAINED:
            steps[WHOLE] = steps[WHOLE].less(step)
    if round(steps[WHOLE].refused):
        for one in holds.active(mailing=mailing, decision="", refused__gt=0).exclude(kind=LANE):
            if one.kind == Hold.Kind.MAILING or one.relay_id == relay.pk:
                _add_to(one, steps[WHOLE])


def _add_to(one: Hold, count: Count) -> None:
    one.refused += round(count.refused)
    one.decided += round(count.decided)
    one.save(update_fields=["refused", "decided"])


# Judging -----------------------------------------------------------------------------------------


def _judge(
    mailing: Mailing,
    relay: Relay,
    counts: Mapping[str, Count],
    seen: Sequence[Refused],
    in_row: int,
) -> None:
    """Stops the smallest part that explains the run: a relay that accepts nothing, lanes that are
    refused, or else the mailing. `in_row`: the number of lanes among the latest consecutive
    refusals."""
    whole = counts[WHOLE]
    rows = RefusalCount.objects.filter(mailing=mailing, relay=relay)
    lanes = rows.exclude(lane=WHOLE).filter(refused__gt=0).count()
    # The count began with a refusal, or again when a person resumed: mails accepted before it
    # matter, too.
    takes_nothing = (
        not whole.accepted and lanes >= guards.RELAY_LANES and not accepted_others(mailing, relay)
    )
    if takes_nothing and guards.of_relay(whole, lanes):
        _stop(mailing, relay, _why(rows, WHOLE, REFUSES_ALL, seen, whole))
        return
    tripped = [name for name, count in counts.items() if name != WHOLE and guards.of_lane(count)]
    for name in [] if takes_nothing else tripped:
        mine = [one for one in seen if one.lane == name]
        why = _why(rows, name, holds.HELD, mine or seen, counts[name])
        holding.hold(mailing, relay, LANE, why, lane=name)
        _leave_to_hold(mailing, rows, name, counts[name])
    changed = not takes_nothing and not tripped and guards.of_row(whole, in_row)
    if changed or guards.of_mailing(_of_all_relays(mailing)):
        _stop_mixture(mailing, relay, rows, seen)


def _why(
    rows: QuerySet[RefusalCount], lane: str, reason: str, seen: Sequence[Refused], count: Count
) -> HoldCause:
    since = rows.filter(lane=lane).values_list("began_at", flat=True).first() or timezone.now()
    words = seen[-1].reply if seen else ""
    return HoldCause(reason, words, since, round(count.refused), round(count.decided))


def _leave_to_hold(mailing: Mailing, rows: QuerySet[RefusalCount], lane: str, count: Count) -> None:
    """Takes a held lane out of the counts of the mailing. One or two refused lanes have their own
    reason; if more are refused, the mailing is the reason, and their refusals stay counted."""
    rows.filter(lane=lane).update(accepted=0, refused=0, blamed=0)
    if holds.active(mailing=mailing, kind=LANE).count() > guards.EXPLAINED:
        return
    for one in rows.filter(lane=WHOLE):
        left = Count(one.accepted, one.refused, one.blamed).less(count)
        one.accepted, one.refused, one.blamed = left.accepted, left.refused, left.blamed
        one.save(update_fields=["accepted", "refused", "blamed"])


def _of_all_relays(mailing: Mailing) -> Count:
    total = Count()
    for one in RefusalCount.objects.filter(mailing=mailing, lane=WHOLE):
        total = total.plus(Count(one.accepted, one.refused, one.blamed))
    return total


def _stop(mailing: Mailing, relay: Relay, why: HoldCause) -> None:
    """The relay accepts nothing of the mailing. If it accepted other mails lately, only this
    mailing leaves the relay, or is paused; if not, the relay is stopped for all."""
    if not accepted_lately(relay):
        if holding.hold(mailing, relay, Hold.Kind.RELAY, why):
            holding.absorb(mailing, relay, Hold.Kind.RELAY)
            health.stop(relay, why.reason, why.words)
    elif holds.has_others(mailing, relay):
        holding.hold(mailing, relay, Hold.Kind.ROUTE, why)
    else:
        pause(
            mailing, relay, HoldCause(MANY_REFUSED, why.words, why.since, why.refused, why.decided)
        )


def _stop_mixture(
    mailing: Mailing, relay: Relay, rows: QuerySet[RefusalCount], seen: Sequence[Refused]
) -> None:
    doubtful = [one for one in seen if one.doubtful]
    if doubtful:
        # It accepted others before: probably the account was closed or the sender withdrawn.
        _halt(mailing, relay, doubtful[-1])
        return
    blamed = [one for one in seen if one.blames] or seen
    reason = "render" if blamed[-1].verdict is None else MANY_REFUSED
    pause(mailing, relay, _why(rows, WHOLE, reason, blamed, _of_all_relays(mailing)))


@transaction.atomic
def pause(mailing: Mailing, relay: Relay, why: HoldCause) -> None:
    """Pauses the mailing and holds it. Resuming begins a new count."""
    if mailings.pause(mailing, why.reason, why.words):
        holding.hold(mailing, relay, Hold.Kind.MAILING, why)
        holding.absorb(mailing, relay, Hold.Kind.MAILING, keep=guards.EXPLAINED)


# Answers that were never seen ---------------------------------------------------------------------


def count_unseen(mailing: Mailing, relay: Relay, words: str) -> None:
    """A mail was handed over and its answer never seen; such mails are not sent again
    automatically. If they are too many for an accident, the mailing leaves this relay or is
    paused."""
    before = Hold.objects.filter(mailing=mailing, relay=relay, reason=MANY_UNSEEN)
    released = before.order_by("-released_at").values_list("released_at", flat=True).first()
    since = released or mailing.opened_at
    if mailing.kind == Mailing.Kind.STREAM:
        since = max(since, timezone.now() - LATELY)
    unknown = Message.objects.filter(
        mailing=mailing, trouble=Message.State.UNKNOWN, relay_id=relay.pk, settled_at__gte=since
    )
    minute = since.replace(second=0, microsecond=0)
    minutes = TallyMinute.objects.filter(mailing=mailing, minute__gte=minute)
    accepted = minutes.aggregate(number=Sum("accepted"))["number"] or 0
    if not guards.of_unseen(unknown.count(), accepted):
        return
    why = HoldCause(MANY_UNSEEN, words, since)
    if holds.has_others(mailing, relay):
        holding.hold(mailing, relay, Hold.Kind.ROUTE, why)
    else:
        pause(mailing, relay, why)


# One refusal is enough ---------------------------------------------------------------------------


def _halt(mailing: Mailing, relay: Relay, refused: Refused) -> None:
    """A refused login stops the relay for all. A refused sender stops it, unless other mailings use
    it with another sender; a mailing without another relay is paused. A refused EHLO name makes the
    relay wait: it goes on by itself when the name is corrected."""
    why = str(refused.meaning)
    if refused.meaning is Meaning.EHLO:
        health.back_off(relay, why, refused.reply)
        return
    login = refused.meaning is Meaning.LOGIN
    if login or not _serves_others(relay, mailing):
        health.stop(relay, why, refused.reply)
    if login or holds.has_others(mailing, relay):
        return
    pause(mailing, relay, HoldCause(why, refused.reply, timezone.now()))


def _unfit(mailing: Mailing, relay: Relay, refused: Refused) -> None:
    """The relay can't carry this mail for any recipient. Other relays of the pool do; without one
    the mailing waits for a person."""
    why = HoldCause(refused.unfit, refused.reply, timezone.now())
    if holds.has_others(mailing, relay):
        holding.hold(mailing, relay, Hold.Kind.ROUTE, why)
    else:
        pause(mailing, relay, why)


def _serves_others(relay: Relay, mailing: Mailing) -> bool:
    return (
        Mailing.objects.filter(
            Q(relay=relay) | Q(pool__members__relay=relay), state=Mailing.State.SENDING
        )
        .exclude(from_email=mailing.from_email)
        .exists()
    )
