"""Turns outcomes of transactions into results for the ledger, and counts refusals of relay and
mailing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from django.db import transaction
from django.utils import timezone

from relays import providers
from relays.models import Relay
from sending import streaks
from sending.models import Mailing, Message
from sending.queries.claim import Claim, Claimed
from sending.queries.record import Result, record
from sending.retries import Patience, next_try
from sending.services import refusals, streams, verdicts
from sending.services.mailings import drop_given_back
from sending.services.refusalscope import Refused, Refusing, reply_of
from smtp import End, Outcome, Stage
from smtp.accepted import Accepted
from smtp.replies import Meaning

State = Message.State

# A connection that broke before the content says nothing about the message.
BROKEN_AFTER = timedelta(seconds=5)


def settle(  # noqa: PLR0913 - what a batch comes to
    claim: Claim,
    mailing: Mailing,
    relay: Relay,
    outcomes: Mapping[int, Outcome],
    accepted: Accepted | None = None,
    *,
    gone: Mapping[int, str] | None = None,
    ends: bool = True,
) -> None:
    """Records outcomes of a batch. `outcomes`: those that were not `accepted`. `ends`: messages
    without an outcome are given back.

    `gone`: messages whose recipients may not be mailed any more, {message id: code of
    pages.reasons}. Stops, holds or pauses relay and mailing if the refusals require it.
    """
    accepted = accepted or Accepted()
    refused = Refusing(claim.messages, mailing, relay, accepted).read(outcomes) if outcomes else {}
    written: set[int] = set()
    *pieces, last = pieces_of(claim, outcomes, refused, accepted)
    for piece in pieces:
        written |= _record(claim, mailing, piece, refused, gone={}, ends=False)
    written |= _record(claim, mailing, last, refused, gone=gone or {}, ends=ends)
    seen = {number: one for number, one in refused.items() if number in written}
    refusals.learn(mailing, relay, claim.messages, accepted, seen)


@dataclass(slots=True)
class Piece:
    """The outcomes that are recorded in one transaction."""

    outcomes: dict[int, Outcome] = field(default_factory=dict)
    accepted: Accepted = field(default_factory=Accepted)


def pieces_of(
    claim: Claim,
    outcomes: Mapping[int, Outcome],
    refused: Mapping[int, Refused],
    accepted: Accepted,
) -> list[Piece]:
    """Nearly always one. Each run of refusals is a piece of its own (sending.streaks)."""
    order = [(accepted.refused[number], number) for number in refused if number in accepted.refused]
    if len(order) < streaks.OPEN_RUN:
        return [Piece(dict(outcomes), accepted)]
    lanes = {one.id: providers.lane_name(one.lane, one.address) for one in claim.messages}
    decided: list[tuple[int, bool]] = []
    done = 0
    for before, number in sorted(order):
        decided += [(one, True) for one in accepted.ids[done:before]] + [(number, False)]
        done = before
    decided += [(one, True) for one in accepted.ids[done:]]
    places = streaks.cuts([(lanes.get(number, ""), yes) for number, yes in decided])
    if not places:
        return [Piece(dict(outcomes), accepted)]
    return _cut(decided, places, outcomes, accepted)


def _cut(
    decided: Sequence[tuple[int, bool]],
    places: Sequence[int],
    outcomes: Mapping[int, Outcome],
    accepted: Accepted,
) -> list[Piece]:
    replies = dict(zip(accepted.ids, accepted.replies, strict=True))
    pieces = []
    for first, last in pairwise([0, *places, len(decided)]):
        part = decided[first:last]
        piece = Piece({number: outcomes[number] for number, yes in part if not yes})
        for number, yes in part:
            if yes:
                # Lane and seconds don't matter here: the whole batch updates those statistics.
                piece.accepted.add(number, 0, replies[number], 0.0)
        pieces.append(piece)
    known = {number for number, _ in decided}
    pieces[-1].outcomes |= {n: one for n, one in outcomes.items() if n not in known}
    return pieces


@transaction.atomic
def _record(  # noqa: PLR0913 - one step of settle
    claim: Claim,
    mailing: Mailing,
    piece: Piece,
    refused: Mapping[int, Refused],
    *,
    gone: Mapping[int, str],
    ends: bool,
) -> set[int]:
    """The ids that were written."""
    now = timezone.now()
    patience_of = _patience(mailing, piece.outcomes)
    results = [
        result_of(
            message,
            piece.outcomes[message.id],
            refused.get(message.id),
            now=now,
            patience=patience_of(message.id),
        )
        for message in (claim.messages if piece.outcomes else ())
        if message.id in piece.outcomes
    ]
    results += [
        Result(number, State.SKIPPED, reason, attempt=False) for number, reason in gone.items()
    ]
    written = record(claim, results, piece.accepted, ends=ends)
    if ends and Mailing.objects.filter(pk=mailing.pk, state=Mailing.State.CANCELLED).exists():
        drop_given_back(mailing)
    return written


def _patience(mailing: Mailing, ids: Iterable[int]) -> Callable[[int], Patience]:
    """How long each of these messages is tried: from the opening of the mailing, or from its append
    to a stream; again from the time when a person had failed messages tried again."""
    began = mailing.retried_at or mailing.opened_at
    if mailing.kind != Mailing.Kind.STREAM:
        patience = Patience(began + mailing.retry_for, mailing.retry_for)
        return lambda _: patience
    since = streams.appended(list(ids))

    def of_message(number: int) -> Patience:
        begun = max(filter(None, (since.get(number, began), mailing.retried_at)))
        return Patience(begun + mailing.retry_for, mailing.retry_for)

    return of_message


def result_of(
    message: Claimed,
    outcome: Outcome,
    refused: Refused | None,
    *,
    now: datetime,
    patience: Patience,
) -> Result:
    """`refused`: set if a server's reply refused the message, or its mail could not be made."""
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
        return Result(message.id, State.FAILED, why, reply, unjudged=why == verdicts.PENDING)
    if refused.unfit or refused.halts:
        # It goes to another relay at once, or waits for this one. It does not count as an attempt.
        return Result(message.id, State.WAITING, why, reply, now, attempt=False)
    if refused.elsewhere:
        return Result(message.id, State.WAITING, why, reply, now)
    return _later(message, outcome, refused, now, patience)


def _later(
    message: Claimed, outcome: Outcome, refused: Refused, now: datetime, patience: Patience
) -> Result:
    why = refused.meaning or Meaning.TRANSIENT
    # A server that drops the connection after the content may do so because of the content.
    by_content = why is Meaning.CONNECTION and outcome.stage is Stage.CONTENT
    steps = Meaning.TRANSIENT if by_content or refused.doubtful else why
    asked = refused.verdict.wait if refused.verdict else 0
    due = next_try(steps, message.attempts, patience, now, asked)
    if due is None:
        return Result(message.id, State.FAILED, "expired", refused.reply)
    counts = not steps.loses_nothing
    return Result(message.id, State.WAITING, why.value, refused.reply, due, attempt=counts)
