"""Freezes audiences: who gets a mailing becomes a message, everybody else a row with the reason.

A small audience is frozen in the transaction that opens its mailing. A large one is frozen in
pieces, ranges of contacts' ids: the first one in that transaction, so that the first mails go out
at once, the others one after the other, each in a transaction of its own. What is left is a row of
models.Freezing: of a worker that dies the piece is undone that it was at, and the next one begins
it anew. Until the last piece is in, a mailing neither finishes nor counts as over.
"""

import time
from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import F

from contacts.audience import Audience, ids_of
from contacts.queries.audience import more_than, span
from environment import logs
from sending.models import Fenced, Freezing, Mailing, Tally
from sending.queries.freeze import FreezePiece, freeze
from sending.queries.parts import MAILING

log = logs.get(__name__)

# People; more are frozen in pieces.
SMALL = 100_000
# Ids of contacts in the first piece, and at most in each of the others: 1 to 3 seconds' work. A
# million people are frozen in about sixteen pieces.
FIRST, MOST, PIECES = 1 << 16, 500_000, 16
# Seconds of one tick; the next one goes on.
TICK = 5.0


def begin(mailing: Mailing, audience: Audience, *, holdout: float = 0.0) -> None:
    """Freezes all of a small audience, of a large one as much that somebody gets it. Within the
    transaction that opens the mailing."""
    tally = Tally.objects.create(mailing=mailing)
    # Whose recipients are excluded has to know all of them first.
    _complete(ids_of(audience.exclude, MAILING))
    first, last = span(mailing.workspace_id)
    whole = last - first + 1
    large = whole > FIRST and more_than(audience, SMALL)
    width = min(max(whole // PIECES, FIRST), MOST) if large else whole
    rest = Freezing(
        mailing=mailing,
        next_id=first,
        last_id=last,
        width=FIRST if large else whole,
        holdout=holdout,
    )
    found = _piece(rest, audience)
    rest.width = width
    while not found and rest.next_id <= last:
        found = _piece(rest, audience)
    if rest.next_id <= last:
        rest.save(force_insert=True)
    mailing.refresh_from_db(fields=["excluded"])
    tally.refresh_from_db()


def _piece(rest: Freezing, audience: Audience) -> int:
    """Freezes the next piece; how many messages it made. What claims wait for is locked last."""
    began, mailing = time.monotonic(), rest.mailing
    upto = min(rest.next_id + rest.width - 1, rest.last_id)
    variants = list(mailing.variants.order_by("number"))
    piece = FreezePiece(rest.next_id, upto, in_doubt=rest.in_doubt)
    made, left_out = freeze(mailing, audience, piece, variants=variants, holdout=rest.holdout)
    rest.next_id = upto + 1
    if left_out:
        locked = Mailing.objects.select_for_update(no_key=True).only("excluded").get(pk=mailing.pk)
        for reason, number in left_out.items():
            locked.excluded[reason] = locked.excluded.get(reason, 0) + number
        locked.save(update_fields=["excluded"])
    state = "unknown" if rest.in_doubt else "waiting"
    known: dict[str, Any] = {"targeted": F("targeted") + made, state: F(state) + made}
    Tally.objects.filter(mailing=mailing).update(**known)
    log.committed.info(
        "recipients frozen",
        mailing=mailing.pk,
        workspace=mailing.workspace_id,
        recipients=made,
        excluded=sum(left_out.values()),
        seconds=time.monotonic() - began,
        more=rest.next_id <= rest.last_id,
    )
    return made


def go_on(*, seconds: float = TICK) -> None:
    """Each second: the next pieces, those of the oldest mailing first. Safe to run at any time by
    any number of processes."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and _next():
        pass


@transaction.atomic
def _next() -> bool:
    """False: nothing is left, or others are at it."""
    # Of a restored database a person decides first what was sent.
    undecided = Fenced.objects.filter(decision="").values("mailing")
    rows = Freezing.objects.exclude(mailing__in=undecided).order_by("mailing")
    rest = rows.select_for_update(skip_locked=True, of=("self",)).first()
    if rest is None:
        return False
    _go_on(rest)
    return True


def _go_on(rest: Freezing) -> None:
    _piece(rest, rest.mailing.people)
    if rest.next_id > rest.last_id:
        rest.delete()
    else:
        rest.save(update_fields=["next_id"])


def _complete(mailing_ids: Collection[int]) -> None:
    """Freezes the rest of these mailings, in this transaction. Waits for the piece that somebody
    else is at."""
    rows = Freezing.objects.filter(mailing__in=mailing_ids).order_by("mailing")
    for rest in rows.select_for_update(of=("self",)):
        while rest.next_id <= rest.last_id:
            _piece(rest, rest.mailing.people)
        rest.delete()


def doubt_rest(mailing: Mailing) -> None:
    """Hosts have sent mails of pieces that this restored database does not have: nobody of the rest
    is mailed by itself."""
    Freezing.objects.filter(mailing=mailing).update(in_doubt=True)
