"""Hits come in one by one from public pages, and are written to the ledger in sets.

A request costs one INSERT without locks. Counting locks rows of messages and mailings; in the
request it would make requests of one campaign wait for each other.

Whether people or machines opened and clicked is decided in both places (sending.machines): in the
request by what it says of itself, and here by what all opens and clicks of a message tell.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone

from sending import machines
from sending.compose.tokens import NOBODY
from sending.queries import actors, pictures
from sending.queries.events import EventRow, record
from tracking.models import LOOKED, Hit, PictureHit
from tracking.queries.hits import take, take_pictures


class TakenHit(NamedTuple):
    """A row of tracking.queries.hits.take."""

    message_id: int
    kind: str
    at: datetime
    link: int | None
    actor: int
    user_agent: str


BATCH = 2_000
# Looks are judged when this time has passed: clicks of their burst, which last two seconds, have
# come in by then.
SETTLED = machines.BURST * 2
LONGEST_USER_AGENT = 500


def keep(  # noqa: PLR0913 - columns of the row
    message_id: int,
    kind: str,
    *,
    link: int | None = None,
    actor: int = 0,
    user_agent: str = "",
    at: datetime | None = None,
) -> None:
    """Stores a hit. Hits of test mails and previews belong to no message and are dropped. `actor`:
    who opened or clicked, by the request. `user_agent`: only for unsubscriptions, as a proof."""
    if message_id == NOBODY:
        return
    Hit.objects.create(
        message_id=message_id,
        kind=kind,
        at=at or timezone.now(),
        link=link,
        actor=actor,
        user_agent=user_agent.replace("\x00", "")[:LONGEST_USER_AGENT],
    )


def keep_picture(mailing_id: int) -> None:
    """Stores that the common pixel of a mailing's mails was loaded."""
    minute = timezone.now().replace(second=0, microsecond=0)
    PictureHit.objects.create(mailing_id=mailing_id, minute=minute)


def record_pictures(batch: int = BATCH) -> int:
    """Adds up to `batch` of them to the counts of their mailings. Returns the number of hits."""
    with transaction.atomic():
        rows = take_pictures(batch)
        pictures.count(rows)
    return sum(row[2] for row in rows)


def record_hits(batch: int = BATCH) -> int:
    """Turns up to `batch` hits into events. Returns the number of hits."""
    with transaction.atomic():
        rows = [TakenHit(*row) for row in take(batch, looks_until=timezone.now() - SETTLED)]
        if rows:
            judged, changed = _judged(rows)
            record(judged, locked=True)
            if changed:
                actors.correct(changed, {row.message_id for row in rows})
    return len(rows)


def _judged(rows: Sequence[TakenHit]) -> tuple[list[EventRow], dict[int, int]]:
    """(events with their actors, {id of a stored event: its actor, now that more is known})"""
    acts: dict[int, list[TakenHit]] = defaultdict(list)
    events: list[EventRow] = []
    recently = min(row.at for row in rows) - machines.DOUBTFUL
    known = actors.lock([row.message_id for row in rows], since=recently)
    # Hits of messages that are gone, and of erased persons, are dropped.
    for row in rows:
        if row.kind in {*machines.KINDS, LOOKED}:
            acts[row.message_id].append(row)
        elif row.message_id in known:
            events.append(_event(row, 0))
    there = {number: some for number, some in acts.items() if number in known}
    spans = {number: _span(some) for number, some in there.items() if _asks(some, known[number])}
    stored = actors.around(spans)
    changed: dict[int, int] = {}
    for number, some in there.items():
        old = stored.get(number, [])
        found = machines.judge([*some, *old], known[number].accepted_at)
        judged = zip(some, found[: len(some)], strict=True)
        events += (_event(row, actor) for row, actor in judged if row.kind != LOOKED)
        for one, actor in zip(old, found[len(some) :], strict=True):
            if actor.is_machine and one.actor <= 0:
                changed[one.id] = actor
    return events, changed


def _asks(rows: Sequence[TakenHit], message: actors.KnownMessage) -> bool:
    """Whether stored events may belong to a burst of these: only if there are clicks enough."""
    return message.clicked or len(rows) >= machines.BURST_LINKS


def _event(row: TakenHit, actor: int) -> EventRow:
    return EventRow(row.message_id, row.kind, row.at, row.link, row.user_agent, actor)


def _span(rows: Sequence[TakenHit]) -> actors.Span:
    """The time in which other acts may belong to the same burst."""
    times = [row.at for row in rows]
    return min(times) - machines.BURST, max(times) + machines.BURST
