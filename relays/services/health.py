"""Derives a relay's state from its server's replies: ready, waiting until a time, or stopped.

Replies that ask to go slower are left to services.lanes. A relay that can't be reached waits for a
growing time; then one message is sent as a probe (pace.reserve), and its success opens the relay
again.
"""

import random
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from environment import logs
from relays.lanes import WHOLE
from relays.models import WORKING, Lane, Relay
from relays.queries import clock
from relays.services import pace
from smtp import ConnectError, End, Outcome
from smtp.replies import Meaning

log = logs.get(__name__)

# Seconds to wait after the first, second, ... failure in a row.
BACK_OFF = (5, 10, 20, 60, 120, 300)
JITTER = random.Random()  # noqa: S311 - spreads ends of waits, keeps no secret
# How long a found number of mails per connection holds. Afterwards the server states it again,
# which costs one refused MAIL on each connection.
FOUND_FOR = timedelta(days=1)
# Reasons that only a person can mend.
STOPPING = {"login", "certificate"}
TOO_MANY = "too_many"
# Waits for the relay's own limits, which only time ends.
LIMITS = {"per_second", "per_minute", "per_hour", "per_day", "warmup"}


def ready(relay: Relay, now: datetime | None = None) -> bool:
    """`now`: PostgreSQL's, if it is known."""
    if relay.state not in WORKING:
        return False
    return not relay.rests(now or clock.now())


def stop(relay: Relay, reason: str, words: str) -> None:
    """`reason`: a code of pages.reasons; `words`: what the server said."""
    stopped = Relay.objects.filter(pk=relay.pk, state__in=WORKING).update(
        state=Relay.State.STOPPED,
        state_reason=reason,
        state_words=words[:2000],
        state_since=clock.now(),
    )
    if stopped:
        log.committed.error("relay stopped", **named(relay), reason=reason, words=words)


def named(relay: Relay) -> dict[str, int]:
    """For log lines."""
    return {"relay": relay.pk, "workspace": relay.workspace_id}


def wait(relay: Relay, reason: str, until: datetime, words: str = "") -> None:
    """Lets the relay wait until then; a longer wait stays."""
    Relay.objects.filter(pk=relay.pk).exclude(wait_until__gt=until).update(
        wait_until=until, wait_reason=reason, state_words=words[:2000]
    )


def learn(
    relay: Relay,
    outcomes: Iterable[Outcome],
    error: ConnectError | None,
    *,
    open: int = 0,  # noqa: A002
    works: bool = False,
) -> None:
    """Learns from a batch: trouble makes the relay wait or stops it, success ends the wait.
    `works`: it accepted mails besides these outcomes. `open`: connections that work now. Whether
    refusals of mails stop the relay is decided in sending.services.refusals."""
    seen = list(outcomes)
    if error is not None and error.reason in STOPPING:
        stop(relay, error.reason, error.words)
        return
    if error is not None and error.reason == TOO_MANY:
        pace.too_many(relay, open=open)
        if open:  # the open connections carry on
            return
    if error is not None:
        back_off(relay, error.reason, error.words)
    elif works or any(_works(one) for one in seen):
        if relay.tested_at is None and (works or any(one.end is End.ACCEPTED for one in seen)):
            mark_tested(relay)
        _recovered(relay)
    elif seen and all(_is_away(one) for one in seen):
        back_off(relay, "connection", seen[0].words)


def _works(outcome: Outcome) -> bool:
    """Whether the reply shows that the server works; the refusal of a single mail does, too."""
    if outcome.end is End.ACCEPTED:
        return True
    if outcome.verdict is None:
        return False
    why = outcome.verdict.meaning
    return not why.loses_nothing and why is not Meaning.EHLO


def _is_away(outcome: Outcome) -> bool:
    if outcome.verdict is None:
        return outcome.end not in {End.NOT_COMPOSED, End.NEEDS_SMTPUTF8}
    # "No more mails on this connection" shows that the server works.
    of_connection = outcome.verdict.meaning is Meaning.CONNECTION
    return of_connection and not outcome.verdict.ends_connection


def mark_tested(relay: Relay) -> None:
    """Notes that the server works with its present settings."""
    relay.tested_at = clock.now()
    Relay.objects.filter(pk=relay.pk).update(tested_at=relay.tested_at)


def _recovered(relay: Relay) -> None:
    recovered = Relay.objects.filter(pk=relay.pk, failures__gt=0).update(
        failures=0, wait_until=None, wait_reason="", state_words="", next_slot_at=None
    )
    if recovered:
        log.committed.info("relay works again", **named(relay))


@transaction.atomic
def back_off(relay: Relay, reason: str, words: str) -> None:
    """Lets the relay wait for a time that grows with each failure. Failures of two workers at the
    same moment count once."""
    locked = Relay.objects.select_for_update(no_key=True).get(pk=relay.pk)
    now = clock.now()
    if locked.failures and locked.wait_until is not None and locked.wait_until > now:
        return
    pause = BACK_OFF[min(locked.failures, len(BACK_OFF) - 1)] * JITTER.uniform(0.9, 1.1)
    relay.failures = locked.failures = locked.failures + 1
    locked.save(update_fields=["failures"])
    until = now + timedelta(seconds=pause)
    wait(relay, reason, until, words)
    log.committed.warning(
        "relay left alone",
        **named(relay),
        reason=reason,
        words=words,
        failures=locked.failures,
        until=until,
    )


def step_down(relay: Relay, mode: str, why: str) -> None:
    """Uses a more careful mode (smtp.Mode) with the relay from now on; its page says so until
    `reset`."""
    lower = (
        Relay.objects.filter(pk=relay.pk)
        .exclude(exchange=mode)
        .update(exchange=mode, exchange_why=why[:2000], exchange_since=clock.now())
    )
    if lower:
        log.committed.warning("relay spoken to more simply", **named(relay), mode=mode, words=why)


def messages_each(relay: Relay) -> int | None:
    """Mails that one connection carries: the owner's number, else the number lately found; None: no
    limit."""
    if relay.messages_per_connection is not None:
        return relay.messages_per_connection
    at = relay.messages_per_connection_found_at
    recent = at is not None and timezone.now() - at < FOUND_FOR
    return relay.messages_per_connection_found if recent else None


def found_messages_each(relay: Relay, number: int) -> None:
    """Notes after how many mails the server wanted a new connection; several workers may do so."""
    Relay.objects.filter(pk=relay.pk).update(
        messages_per_connection_found=number, messages_per_connection_found_at=clock.now()
    )


@transaction.atomic
def reset(relay: Relay) -> None:
    """Forgets everything that was learned: waits because of replies, lanes, connections, the mode.
    Limits and their use stay."""
    own = ("per_hour", "per_day", "warmup")
    Relay.objects.filter(pk=relay.pk).exclude(wait_reason__in=own).update(
        wait_until=None, wait_reason=""
    )
    Relay.objects.filter(pk=relay.pk).update(
        failures=0,
        next_slot_at=None,
        exchange="",
        exchange_why="",
        exchange_since=None,
        connections_found=None,
        connections_refused_at=None,
        messages_per_connection_found=None,
        messages_per_connection_found_at=None,
    )
    Relay.objects.filter(pk=relay.pk, state__in=WORKING).update(state_words="")
    Lane.objects.filter(relay=relay).delete()
    log.committed.info("relay reset", **named(relay))


@transaction.atomic
def limits_changed(relay: Relay) -> None:
    """To be called when a person changed limits: ends waits for old limits, and forgets the pace
    that was learned under them. A wait because the server is away stays."""
    Lane.objects.filter(relay=relay, name=WHOLE).delete()
    over = Relay.objects.filter(Q(failures=0) | Q(wait_reason=TOO_MANY), pk=relay.pk)
    over.filter(wait_until__isnull=False, state__in=WORKING).update(state_words="")
    over.update(wait_until=None, wait_reason="", failures=0)
    Relay.objects.filter(pk=relay.pk).update(next_slot_at=None)


@transaction.atomic
def try_now(relay: Relay) -> bool:
    """Ends a wait that the server's replies caused, including that of its own lane, so that one
    message tries at once. Waits for the relay's limits stay. False: there is no such wait."""
    now = clock.now()
    waits = Relay.objects.filter(pk=relay.pk, wait_until__gt=now).exclude(wait_reason__in=LIMITS)
    ended = waits.update(wait_until=None, wait_reason="", failures=0, state_words="")
    closed = Lane.objects.filter(relay=relay, name=WHOLE, closed_until__gt=now)
    ended += closed.update(closed_until=now, half_open=False)
    if ended:
        Relay.objects.filter(pk=relay.pk).update(next_slot_at=None)
    return bool(ended)
