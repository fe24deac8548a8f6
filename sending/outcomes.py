"""What outcomes on the wire mean for the ledger: results, bounce events, suppressions, and what
they teach about relay and mailing."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from contacts.models import Suppression
from contacts.services.suppressions import suppress_addresses
from sending.compose import NOT_MADE
from sending.models import Event, Mailing, Message, Relay
from sending.queries.claim import Claim, Claimed
from sending.queries.record import Result, Taken, record
from sending.replies import Meaning, Verdict, classify
from sending.retries import Patience, next_try
from sending.services import events, refusals
from sending.services.mailings import drop_cancelled
from sending.services.refusals import Refused
from sending.smtp import NO_SMTPUTF8, End, Outcome, Stage

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
    are stopped or paused if the refusals say so.
    """
    verdicts = {
        number: verdict_of(outcome) for number, outcome in outcomes.items() if _is_reply(outcome)
    }
    doubtful = any(one.meaning.stops_relay for one in verdicts.values()) and (
        bool(taken) or refusals.took_others(mailing, relay)
    )
    refused = {
        number: Refused(one, _reply(outcomes[number]), doubtful and one.meaning.stops_relay)
        for number, one in verdicts.items()
    }
    written = _record(claim, mailing, outcomes, refused, taken=taken, gone=gone or {}, ends=ends)
    seen = [one for number, one in refused.items() if number in written]
    failed = sum(one.verdict.meaning.fails for one in seen)
    refusals.learn(mailing, relay, seen, decided=len(taken or ()) + failed)


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


def _is_reply(outcome: Outcome) -> bool:
    return outcome.end is End.REFUSED and outcome.code >= 200


def verdict_of(outcome: Outcome) -> Verdict:
    """No mail was ever refused by its connection: that stage stands for one that isn't known, as in
    a journal."""
    stage = "" if outcome.stage is Stage.CONNECT else outcome.stage.value
    return classify(outcome.code, outcome.words, stage)


def _reply(outcome: Outcome) -> str:
    """PostgreSQL has no NUL in text; a hostile server may send one."""
    words = outcome.words.replace("\x00", "\ufffd")
    return f"{outcome.code} {words}" if outcome.code >= 200 else words


def result_of(
    message: Claimed,
    outcome: Outcome,
    refused: Refused | None,
    *,
    now: datetime,
    patience: Patience,
) -> Result:
    """`refused`: where a server's reply refused it."""
    reply = _reply(outcome)
    if refused is not None:
        return _refused(message, outcome, refused, now, patience)
    if outcome.end is End.IN_DOUBT:
        return Result(message.id, State.UNKNOWN, "in_doubt", reply)
    if outcome.end is End.REFUSED and outcome.code == NOT_MADE:
        return Result(message.id, State.FAILED, "render", reply)
    if outcome.end is End.REFUSED and outcome.code == NO_SMTPUTF8:
        return Result(message.id, State.FAILED, "no_smtputf8", reply)
    due = now + BROKEN_AFTER
    return Result(message.id, State.WAITING, "connection", reply, due, attempt=False)


def _refused(
    message: Claimed, outcome: Outcome, refused: Refused, now: datetime, patience: Patience
) -> Result:
    why, reply = refused.verdict.meaning, refused.reply
    if why.fails:
        return Result(message.id, State.FAILED, why.value, reply)
    if why.stops_relay and not refused.doubtful:
        # It goes to another relay at once, or waits for this one.
        return Result(message.id, State.WAITING, why.value, reply, now, attempt=False)
    # A server that goes away when it has read the content may do so because of it.
    by_content = why is Meaning.CONNECTION and outcome.stage is Stage.CONTENT
    steps = Meaning.TRANSIENT if by_content or why.stops_relay else why
    due = next_try(steps, message.attempts, patience, now, refused.verdict.wait)
    if due is None:
        return Result(message.id, State.FAILED, "expired", reply)
    counts = not steps.loses_nothing
    return Result(message.id, State.WAITING, why.value, reply, due, attempt=counts)


def _bounced(
    mailing: Mailing, claimed: Iterable[Claimed], results: Sequence[Result], now: datetime
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
