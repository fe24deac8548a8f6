"""/healthz: whether each part works, for monitors, load balancers and `manage.py up`.

`{"ok": true, "parts": {"database": {"ok": true, "detail": "..."}, ...}}`, 200 if all is well, else
503. Names, hosts and passwords are not in it: it is open to everybody.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from threading import Lock

from celery import current_app
from django.db import DatabaseError, connection
from django.db.models import Min
from django.db.models.functions import Coalesce, Greatest
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from kombu.exceptions import KombuError

from quickstart.heartbeats import BEAT, DEAD_AFTER
from quickstart.models import Heartbeat
from sending.models import BounceMailbox

logger = logging.getLogger(__name__)
QUEUES = ("control", "send", "work")
# Bounces are collected at least once a minute.
LONGEST_LAG = timedelta(minutes=5)
# Seconds that an answer is used again: whoever asks in a loop costs nothing.
KEEP = 1.0


@dataclass(frozen=True, slots=True)
class Part:
    ok: bool
    detail: str = ""


def check_database() -> Part:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return Part(ok=True)


def check_broker() -> Part:
    try:
        with current_app.connection_for_write(connect_timeout=3) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=3)
    except (OSError, KombuError) as error:
        return Part(ok=False, detail=f"does not answer ({type(error).__name__})")
    return Part(ok=True)


def _living() -> list[Heartbeat]:
    since = timezone.now() - timedelta(seconds=DEAD_AFTER)
    return list(Heartbeat.objects.filter(seen_at__gte=since))


def check_workers() -> Part:
    """Somebody takes tasks from each queue."""
    living = _living()
    served = {queue for heartbeat in living for queue in heartbeat.queues}
    if missing := [queue for queue in QUEUES if queue not in served]:
        return Part(ok=False, detail=f"nobody takes tasks from {', '.join(missing)}")
    return Part(ok=True, detail=f"{sum(heartbeat.name != BEAT for heartbeat in living)} at work")


def check_beat() -> Part:
    if any(heartbeat.name == BEAT for heartbeat in _living()):
        return Part(ok=True)
    return Part(ok=False, detail=f"no tick within {DEAD_AFTER:.0f} s")


def check_bounces() -> Part:
    """How long ago somebody last looked into the mailbox that waits longest.

    Counted from the start of the worker that looks, so that a platform that was off for a week is
    not ill when it starts. A mailbox that refuses us is its owner's affair: named, not a failure.
    """
    started = [heartbeat.started_at for heartbeat in _living() if "work" in heartbeat.queues]
    mailboxes = BounceMailbox.objects.filter(active=True)
    looked = Coalesce(Greatest("checked_at", "collected_at"), "created_at")
    last = mailboxes.aggregate(last=Min(looked))["last"]
    if last is None:
        return Part(ok=True, detail="no mailbox")
    lag = max(timezone.now() - max([last, *started]), timedelta())
    detail = f"{lag.total_seconds():.0f} s since the last collection"
    if refused := mailboxes.exclude(error="").count():
        detail += f", {refused} mailboxes can't be read"
    return Part(ok=lag <= LONGEST_LAG, detail=detail)


CHECKS: dict[str, Callable[[], Part]] = {
    "database": check_database,
    "broker": check_broker,
    "workers": check_workers,
    "beat": check_beat,
    "bounces": check_bounces,
}


def check_all() -> dict[str, Part]:
    parts = {}
    for name, check in CHECKS.items():
        try:
            parts[name] = check()
        except DatabaseError as error:
            parts[name] = Part(ok=False, detail=f"no database ({type(error).__name__})")
    return parts


class _Kept:
    """The last answer, for a second."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.until = 0.0
        self.parts: dict[str, Part] = {}

    def get(self) -> dict[str, Part]:
        with self.lock:
            if time.monotonic() >= self.until:
                before, self.parts = self.parts, check_all()
                _log_change(before, self.parts)
                self.until = time.monotonic() + KEEP
            return self.parts


def _log_change(before: dict[str, Part], now: dict[str, Part]) -> None:
    """A line when a part begins or ceases to work, instead of one for each answer."""
    for name, part in now.items():
        was_ok = before[name].ok if name in before else True
        if was_ok and not part.ok:
            logger.warning("%s: %s", name, part.detail)
        elif part.ok and not was_ok:
            logger.info("%s: works again", name)


_kept = _Kept()


@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    parts = _kept.get()
    ok = all(part.ok for part in parts.values())
    body = {"ok": ok, "parts": {name: asdict(part) for name, part in parts.items()}}
    return JsonResponse(body, status=200 if ok else 503)
