"""Hits come in one by one from public pages, and are written to the ledger in sets.

A request costs one INSERT without locks. Counting locks rows of messages and mailings; in the
request it would make requests of one campaign wait for each other.

Whether people or machines opened and clicked is decided in both places (sending.machines): in the
request by what it says of itself, and here by what all opens and clicks of a message tell.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from sending import machines
from sending.compose.tokens import NOBODY
from sending.queries import actors, pictures
from sending.queries.events import EventRow, record
from tracking.models import Hit, PictureHit
from tracking.queries.hits import take, take_pictures

BATCH = 2_000
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
        rows = [
            EventRow(message_id, kind, at, link, detail=user_agent, actor=actor)
            for message_id, kind, at, link, actor, user_agent in take(batch)
        ]
        if rows:
            judged, changed = _judged(rows)
            record(judged)
            if changed:
                actors.correct(changed, [row.message_id for row in rows])
    return len(rows)


def _judged(rows: Sequence[EventRow]) -> tuple[list[EventRow], dict[int, int]]:
    """(the rows with their actors, {id of a stored event: its actor, now that more is known})"""
    of_message: dict[int, list[EventRow]] = defaultdict(list)
    for row in rows:
        of_message[row.message_id].append(row)
    known = actors.around({number: _span(some) for number, some in of_message.items()})
    judged: list[EventRow] = []
    changed: dict[int, int] = {}
    for number, some in of_message.items():
        acts = [row for row in some if row.kind in machines.KINDS]
        judged += [row for row in some if row.kind not in machines.KINDS]
        stored = known[number].events
        found = machines.judge([*map(_act, acts), *map(_act, stored)], known[number].accepted_at)
        new, old = found[: len(acts)], found[len(acts) :]
        judged += [replace(row, actor=actor) for row, actor in zip(acts, new, strict=True)]
        for one, actor in zip(stored, old, strict=True):
            if actor.is_machine and one.actor <= 0:
                changed[one.id] = actor
    return judged, changed


def _span(rows: Sequence[EventRow]) -> actors.Span:
    """The time in which other acts may belong to the same burst."""
    times = [row.at for row in rows]
    return min(times) - machines.BURST, max(times) + machines.BURST


def _act(one: EventRow | actors.StoredAct) -> machines.Act:
    return machines.Act(one.kind, one.at, one.link, one.actor)
