"""Mailings: opened, paused, resumed, cancelled, finished."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from accounts.models import User, Workspace
from accounts.opencounting import OpenCounting
from contacts.audience import Audience
from contacts.models import Job
from contacts.provenance import Source
from contacts.queries import copies
from contacts.services import jobs
from designs.models import Content
from environment import logs
from relays.models import Pool, Relay
from sending.models import Fenced, Freezing, Hold, Mailing, Tally, Variant
from sending.purposes import ADVERTISING, RULES
from sending.queries import ending, refusals
from sending.services import freezing
from sending.transitions import TRANSITIONS
from sending.variants import Choice, checked

RETRY_FOR = timedelta(days=2)
log = logs.get(__name__)


@transaction.atomic
def open_mailing(  # noqa: PLR0913 - what a mailing is made of
    *,
    workspace: Workspace,
    source: Source,
    content: Content | Sequence[Choice],
    from_name: str,
    from_email: str,
    audience: Audience,
    reply_to: str = "",
    relay: Relay | None = None,
    pool: Pool | None = None,
    open_counting: str = OpenCounting.NONE,
    track_clicks: bool = True,
    retry_for: timedelta = RETRY_FOR,
    purpose: str = ADVERTISING,
    priority: int | None = None,
    per_minute: int | None = None,
    window: Mapping[str, Any] | None = None,
    holdout: float = 0.0,
) -> Mailing:
    """Opens a mailing and freezes its audience; of a large one, the first piece
    (services.freezing). Workers send from the commit on. Exactly one of `relay` and `pool` is
    needed. `content`: one for all recipients, or several that share them or are for different
    languages (raises VariantError if they don't fit together). `holdout`: percent of the recipients
    who get none.

    `source` says what it was opened for. `window`: see relays.windows. Raises UnusableError for a
    segment whose rule can't be used.
    """
    rules = RULES[purpose]
    audience = copies.copied(audience.ignoring(rules.ignored))
    mailing = Mailing.objects.create(
        workspace=workspace,
        **source.columns,
        from_name=from_name,
        from_email=from_email,
        reply_to=reply_to,
        relay=relay,
        pool=pool,
        audience=audience.as_json(),
        purpose=purpose,
        open_counting=open_counting if rules.tracked else OpenCounting.NONE,
        track_clicks=track_clicks,
        retry_for=retry_for,
        priority=rules.priority if priority is None else priority,
        per_minute=per_minute,
        window=dict(window or {}),
    )
    give_contents(mailing, content)
    freezing.begin(mailing, audience, holdout=holdout)
    route = {"relay": mailing.relay_id, "pool": mailing.pool_id}
    log.committed.info("mailing started", **_named(mailing), source=source, **route)
    return mailing


def give_contents(mailing: Mailing, content: Content | Sequence[Choice]) -> None:
    """Writes the variants of a new mailing. Raises VariantError."""
    choices = checked([Choice(content)] if isinstance(content, Content) else content)
    Variant.objects.bulk_create(
        Variant(
            mailing=mailing,
            number=number,
            content=one.content,
            name=one.name,
            language=one.language,
            weight=one.weight,
        )
        for number, one in enumerate(choices)
    )


def _named(mailing: Mailing) -> dict[str, int]:
    """For log lines."""
    return {"mailing": mailing.pk, "workspace": mailing.workspace_id}


def _move(mailing: Mailing, verb: str, **fields: object) -> bool:
    """Makes a transition of sending.transitions, if the mailing's state allows it."""
    sources, target = TRANSITIONS[verb]
    moved = Mailing.objects.filter(pk=mailing.pk, state__in=sources).update(state=target, **fields)
    mailing.refresh_from_db()
    return bool(moved)


def pause(mailing: Mailing, reason: str = "", words: str = "") -> bool:
    """`reason`: why the platform paused it, a code of pages.reasons; `words`: the server's reply.
    Mails on the wire are finished; no more are begun."""
    why = {"state_reason": reason, "state_words": words}
    moved = _move(mailing, "pause", **why, wait_reason="", wait_until=None)
    if moved:
        log.committed.info("mailing paused", **_named(mailing), reason=reason or None)
    return moved


@transaction.atomic
def resume(mailing: Mailing) -> bool:
    """Resumes it with a new count of refusals. False also while the fence waits for a decision
    about it (services.fence)."""
    if Fenced.objects.filter(mailing=mailing, decision="").exists():
        return False
    if not _move(mailing, "resume", state_reason="", state_words=""):
        return False
    whole = Hold.objects.filter(mailing=mailing, kind=Hold.Kind.MAILING, released_at=None)
    whole.update(released_at=timezone.now())
    refusals.forget(mailing=mailing)
    log.committed.info("mailing resumed", **_named(mailing))
    return True


def reopen(mailing: Mailing) -> bool:
    """Lets a finished mailing, or an idle stream, send again, because messages wait again. True: it
    was finished."""
    Mailing.objects.filter(pk=mailing.pk, idle=True).update(idle=False)
    moved = _move(mailing, "reopen", finished_at=None)
    if moved:
        log.committed.info("mailing reopened", **_named(mailing))
    return moved


@transaction.atomic
def cancel(mailing: Mailing, *, by: User | None = None) -> bool:
    """Nothing is sent from this commit on. A few waiting messages are skipped at once, many by a
    job. Messages that a worker holds are skipped when they are given back (drop_given_back,
    tend_cancelled)."""
    now = timezone.now()
    why = {"state_reason": "", "state_words": ""}
    moved = _move(mailing, "cancel", **why, finished_at=now, wait_reason="", wait_until=None)
    if moved:
        if Tally.objects.filter(mailing=mailing, waiting__gt=jobs.SMALL).exists():
            given = {"mailing": mailing.pk, "source": mailing.source.as_json()}
            jobs.start(mailing.workspace, DROP_JOB, given, by=by)
        else:
            while drop_cancelled(mailing)[1]:
                pass
        Hold.objects.filter(mailing=mailing, released_at=None).update(released_at=now)
        # Addresses that wait for a decision about their run are judged without one.
        tally = Tally.objects.filter(mailing=mailing)
        tally.update(unjudged_since=Coalesce("unjudged_since", Now()))
        log.committed.info("mailing cancelled", **_named(mailing))
    return moved


def stop_all(workspace: Workspace) -> None:
    """Stops sending for a workspace that is being deleted; its rows are deleted with it."""
    live = Mailing.objects.filter(workspace=workspace, state=Mailing.State.SENDING)
    paused = live.update(state=Mailing.State.PAUSED, wait_reason="", wait_until=None)
    known = {"workspace": workspace.pk, "mailings": paused}
    log.committed.info("mailings of a deleted workspace paused", **known)
    # Messages have no foreign key to their mailing in the database: none may be made from now on.
    Freezing.objects.filter(mailing__workspace=workspace).delete()


# The kind of job that skips the rest of a cancelled mailing.
DROP_JOB = "drop_cancelled"
PIECE = 5_000


def drop_cancelled(mailing: Mailing, *, limit: int = PIECE) -> tuple[int, bool]:
    """Skips some of the waiting messages of a cancelled mailing. Returns (how many, whether there
    may be more). A piece may be empty: a lane's range can contain ids of other mailings."""
    return ending.drop(mailing.pk, limit, lanes=True)


def drop_given_back(mailing: Mailing) -> None:
    """Skips messages of a cancelled mailing that workers gave back. Called in the transaction that
    records: that one has locked the tally, and could deadlock if it waited for a lane."""
    ending.drop(mailing.pk, PIECE, lanes=False)


def tend_cancelled() -> None:
    """Skips a piece of each cancelled mailing that has waiting messages and no job: they were given
    back after the cancel, or a failed job left them."""
    working = Job.objects.filter(kind=DROP_JOB, state__in=jobs.ACTIVE)
    rows = Mailing.objects.filter(state=Mailing.State.CANCELLED, tally__waiting__gt=0)
    for mailing in rows.exclude(pk__in=list(working.values_list("parameters__mailing", flat=True))):
        drop_cancelled(mailing)


def finish_all() -> int:
    """Finishes mailings of which no message waits or is in flight. Returns how many."""
    return sum(_finish(mailing_id) for mailing_id in ending.done())


@transaction.atomic
def _finish(mailing_id: int) -> bool:
    if not ending.lock_done(mailing_id):
        return False
    if nowhere := ending.find_forgotten(mailing_id):
        log.error("messages were nowhere", mailing=mailing_id, messages=nowhere)
        return False
    ending.finish(mailing_id)
    # Ends the drop of lanes, so that failed messages of them can be tried again later.
    Hold.objects.filter(mailing=mailing_id, released_at=None).update(released_at=timezone.now())
    _log_finished(Tally.objects.select_related("mailing").get(mailing=mailing_id))
    return True


def _log_finished(tally: Tally) -> None:
    log.committed.info(
        "mailing finished",
        **_named(tally.mailing),
        recipients=tally.targeted,
        accepted=tally.accepted,
        failed=tally.failed,
        skipped=tally.skipped,
        unknown=tally.unknown,
    )
