"""Freezes audiences: each recipient becomes a message, everybody else a row with the reason.

A small audience is frozen in the transaction that opens its mailing. A large one is frozen in
pieces, ranges of contacts' ids: the first one in that transaction, so that the first mails go out
at once, the others one after the other, each in its own transaction. A row of models.Freezing says
what is left. If a worker dies, its piece is rolled back, and another worker begins it again. A
mailing finishes only after its last piece.
"""

import time
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from contacts.audience import Audience, ids_of
from contacts.queries.audience import more_than, span
from environment import logs
from sending.models import Fenced, Freezing, Mailing, Tally
from sending.queries.freeze import FreezePiece, freeze
from sending.queries.parts import MAILING

log = logs.get(__name__)

# The most people that are frozen in one piece.
SMALL = 100_000
# FIRST: ids of contacts in the first piece; MOST: the most in each other one (1 to 3 seconds'
# work); PIECES: about how many pieces a million people take.
FIRST, MOST, PIECES = 1 << 16, 500_000, 16
# Seconds after which one tick stops; the next one goes on.
TICK = 5.0


def begin(mailing: Mailing, audience: Audience, *, holdout: float = 0.0) -> None:
    """Freezes a small audience as a whole, and pieces of a large one until the first recipient is
    found. Within the transaction that opens the mailing."""
    tally = Tally.objects.create(mailing=mailing)
    # Mailings whose recipients are excluded must be frozen completely first.
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
    """Freezes the next piece, and returns how many messages it made. Rows that claims wait for are
    locked last."""
    began, mailing = time.monotonic(), rest.mailing
    upto = min(rest.next_id + rest.width - 1, rest.last_id)
    variants = list(mailing.variants.order_by("number"))
    piece = FreezePiece(rest.next_id, upto, in_doubt=rest.in_doubt)

    def work(piece: FreezePiece) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            return freeze(mailing, audience, piece, variants=variants, holdout=rest.holdout)

    try:
        made, left_out = work(piece)
    except IntegrityError:
        # An address of an earlier piece. Looking each one up would cost a fifth more.
        made, left_out = work(replace(piece, moved=True))
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
    """Runs each second: freezes the next pieces, those of the oldest mailing first. Any number of
    processes may run it at once."""
    ends = time.monotonic() + seconds
    # A mailing whose piece fails keeps no other one from its own.
    failed: set[int] = set()
    while time.monotonic() < ends:
        rest = None
        try:
            with transaction.atomic():
                rest = _next(failed)
                if rest is None:
                    return
                _go_on(rest)
        except Exception:
            if rest is None:
                raise
            failed.add(rest.mailing_id)
            log.exception("audience could not be frozen", mailing=rest.mailing_id)


def _next(failed: Collection[int]) -> Freezing | None:
    """None: nothing is left, or other processes hold the rest."""
    # After a restore a person first decides about the mailing.
    undecided = Fenced.objects.filter(decision="").values("mailing")
    rows = Freezing.objects.exclude(mailing__in=undecided).exclude(mailing__in=failed)
    return rows.order_by("mailing").select_for_update(skip_locked=True, of=("self",)).first()


def _go_on(rest: Freezing) -> None:
    _piece(rest, rest.mailing.people)
    if rest.next_id > rest.last_id:
        rest.delete()
    else:
        rest.save(update_fields=["next_id"])


def _complete(mailing_ids: Collection[int]) -> None:
    """Freezes the rest of these mailings in this transaction. Waits for pieces that other processes
    freeze."""
    rows = Freezing.objects.filter(mailing__in=mailing_ids).order_by("mailing")
    for rest in rows.select_for_update(of=("self",)):
        while rest.next_id <= rest.last_id:
            _piece(rest, rest.mailing.people)
        rest.delete()


def doubt_rest(mailing: Mailing) -> None:
    """Hosts have sent mails of pieces that this restored database doesn't have: the rest of the
    audience becomes messages of unknown result, which are not sent."""
    Freezing.objects.filter(mailing=mailing).update(in_doubt=True)
