"""What outcomes on the wire mean for the ledger: results, bounce events, suppressions, and what
they teach about relay and mailing."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from contacts.models import Suppression
from contacts.services.suppressions import suppress_addresses
from sending.models import Event, Mailing, Message, Relay
from sending.queries.claim import Claim, Claimed
from sending.queries.record import Result, Taken, record
from sending.replies import Meaning
from sending.retries import Patience, next_try
from sending.services import events, refusals
from sending.services.mailings import drop_cancelled
from sending.services.reading import Refused, Refusing, reply_of
from sending.smtp import End, Outcome, Stage

State = Message.State

# A connection that broke before the content says nothing about the message.
BROKEN_AFTER = timedelta(seconds=5)


def settle(  # noqa: PLR0913 - what a batch comes to
    claim: Claim,
    mailing: Mailing,
    relay: Relay,
    outcomes: Mapping[int, Outcome],
    taken: Taken | None = None,
    *,
    gone: Mapping[int, str] | None = None,
    ends: bool = True,
) -> None:
    """Records outcomes of a batch. When it ends, messages without one are given back. `outcomes`
    has those that were not `taken`.

    `gone`: who may not be mailed any more, {message id: code of sending.reasons}. Relay and mailing
    are stopped, held or paused if the refusals say so.
    """
    taken = taken or Taken()
    refused = Refusing(claim.messages, mailing, relay, taken).read(outcomes) if outcomes else {}
    written = _record(claim, mailing, outcomes, refused, taken=taken, gone=gone or {}, ends=ends)
    seen = {number: one for number, one in refused.items() if number in written}
    refusals.learn(mailing, relay, claim.messages, taken, seen)


@transaction.atomic
def _record(  # noqa: PLR0913 - one step of settle
    claim: Claim,
    mailing: Mailing,
    outcomes: Mapping[int, Outcome],
    refused: Mapping[int, Refused],
    *,
    taken: Taken | None,
    gone: Mapping[int, str],
    ends: bool,
) -> set[int]:
    """The ids that were written."""
    now = timezone.now()
    began = mailing.retried_at or mailing.opened_at
    patience = Patience(began + mailing.retry_for, mailing.retry_for)
    results = (
        [
            result_of(
                message, outcomes[message.id], refused.get(message.id), now=now, patience=patience
            )
            for message in claim.messages
            if message.id in outcomes
        ]
        if outcomes
        else []
    )
    results += [
        Result(number, State.SKIPPED, reason, attempt=False) for number, reason in gone.items()
    ]
    written = record(claim, results, taken, ends=ends)
    _bounced(mailing, claim.messages, [r for r in results if r.message_id in written], now)
    if ends and Mailing.objects.filter(pk=mailing.pk, state=Mailing.State.CANCELLED).exists():
        drop_cancelled(mailing)
    return written


def result_of(
    message: Claimed,
    outcome: Outcome,
    refused: Refused | None,
    *,
    now: datetime,
    patience: Patience,
) -> Result:
    """`refused`: where a server's reply refused it, or the mail could not be made for it."""
    reply = reply_of(outcome)
    if refused is not None:
        return _refused(message, outcome, refused, now, patience)
    if outcome.end is End.IN_DOUBT:
        return Result(message.id, State.UNKNOWN, "in_doubt", reply)
    due = now + BROKEN_AFTER
    return Result(message.id, State.WAITING, "connection", reply, due, attempt=False)


def _refused(
    message: Claimed, outcome: Outcome, refused: Refused, now: datetime, patience: Patience
) -> Result:
    why, reply = refused.reason, refused.reply
    if refused.skipped:
        return Result(message.id, State.SKIPPED, why, reply, attempt=False)
    if refused.fails:
        return Result(message.id, State.FAILED, why, reply)
    if refused.unfit or refused.halts:
        # It goes to another relay at once, or waits for this one: no attempt of the message's.
        return Result(message.id, State.WAITING, why, reply, now, attempt=False)
    if refused.elsewhere:
        return Result(message.id, State.WAITING, why, reply, now)
    return _later(message, outcome, refused, now, patience)


def _later(
    message: Claimed, outcome: Outcome, refused: Refused, now: datetime, patience: Patience
) -> Result:
    why = refused.meaning or Meaning.TRANSIENT
    # A server that goes away when it has read the content may do so because of it.
    by_content = why is Meaning.CONNECTION and outcome.stage is Stage.CONTENT
    steps = Meaning.TRANSIENT if by_content or refused.doubtful else why
    asked = refused.verdict.wait if refused.verdict else 0
    due = next_try(steps, message.attempts, patience, now, asked)
    if due is None:
        return Result(message.id, State.FAILED, "expired", refused.reply)
    counts = not steps.loses_nothing
    return Result(message.id, State.WAITING, why.value, refused.reply, due, attempt=counts)


def _bounced(
    mailing: Mailing, claimed: Iterable[Claimed], results: Sequence[Result], now: datetime
) -> None:
    """An address that the server says does not exist bounced, though no mail came back. Not on the
    word of a relay that nothing proves (services.holds.confirm)."""
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
