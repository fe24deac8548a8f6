"""What outcomes on the wire mean for the ledger: results, bounce events, suppressions."""

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from contacts.models import Suppression
from contacts.services.suppressions import suppress_addresses
from sending.compose import NO_SMTPUTF8, NOT_MADE
from sending.exchange import End, Outcome
from sending.models import Batch, Event, Mailing, Message, Relay
from sending.queries.claim import Claimed
from sending.queries.record import Result, record
from sending.replies import Meaning, meaning
from sending.services import events
from sending.services.mailings import drop_cancelled

State = Message.State

# Seconds until a message is tried again, by the number of attempts behind it.
RETRY_AFTER = (300, 900, 1800, 3600, 7200, 14400)
GREYLIST_AFTER = (90, 300, 600, 900)
RATE_AFTER = 30
JITTER = random.Random()  # noqa: S311 - spreads retries, keeps no secret


@transaction.atomic
def settle(
    batch: Batch,
    mailing: Mailing,
    relay: Relay,
    claimed: Sequence[Claimed],
    outcomes: Mapping[int, Outcome],
) -> None:
    """Records a batch. Messages without an outcome go back to waiting."""
    now = timezone.now()
    last = mailing.opened_at + mailing.retry_for
    results = [
        result_of(message, outcomes[message.id], now=now, last=last)
        for message in claimed
        if message.id in outcomes
    ]
    written = record(batch, results)
    _bounced(mailing, claimed, [r for r in results if r.message_id in written], now)
    if Mailing.objects.filter(pk=mailing.pk, state=Mailing.State.CANCELLED).exists():
        drop_cancelled(mailing)


def result_of(message: Claimed, outcome: Outcome, *, now: datetime, last: datetime) -> Result:
    """`last`: when the mailing stops trying."""
    reply = f"{outcome.code} {outcome.words}" if outcome.code >= 200 else outcome.words
    if outcome.end is End.TAKEN:
        return Result(message.id, State.ACCEPTED, reply=reply)
    if outcome.end is End.IN_DOUBT:
        return Result(message.id, State.UNKNOWN, "in_doubt", reply)
    if outcome.end is End.NOT_HANDED_OVER:
        due = now + timedelta(seconds=5)
        return Result(message.id, State.WAITING, "connection", reply, due, attempt=False)
    if outcome.code == NOT_MADE:
        return Result(message.id, State.FAILED, "render", reply)
    if outcome.code == NO_SMTPUTF8:
        return Result(message.id, State.FAILED, "no_smtputf8", reply)
    return _refused(message, meaning(outcome.code, outcome.words), reply, now, last)


def _refused(message: Claimed, why: Meaning, reply: str, now: datetime, last: datetime) -> Result:
    if why.fails:
        return Result(message.id, State.FAILED, why.value, reply)
    if why.stops_relay:
        return Result(message.id, State.WAITING, why.value, reply, now, attempt=False)
    if why is Meaning.RATE:
        due = now + timedelta(seconds=RATE_AFTER * JITTER.uniform(0.8, 1.5))
        counts = False
    else:
        steps = GREYLIST_AFTER if why is Meaning.GREYLISTED else RETRY_AFTER
        seconds = steps[min(message.attempts, len(steps) - 1)]
        due = now + timedelta(seconds=seconds * JITTER.uniform(0.8, 1.2))
        counts = True
    if due > last:
        return Result(message.id, State.FAILED, "expired", reply)
    return Result(message.id, State.WAITING, why.value, reply, due, attempt=counts)


def _bounced(
    mailing: Mailing, claimed: Sequence[Claimed], results: Sequence[Result], now: datetime
) -> None:
    """An address that the server says does not exist bounced, though no mail came back."""
    addresses = {message.id: message.address for message in claimed}
    gone = [r for r in results if r.state == State.FAILED and r.reason == Meaning.ADDRESS]
    if not gone:
        return
    suppress_addresses(
        mailing.workspace,
        [(addresses[r.message_id], r.reply) for r in gone],
        reason=Suppression.Reason.HARD_BOUNCE,
        source=mailing.origin,
    )
    events.record(
        events.EventRow(r.message_id, Event.Kind.BOUNCED_HARD, now, detail=r.reply) for r in gone
    )
