"""Checks whether each part works, for the probes (operations.probes), `manage.py up` and `doctor`.

Each check has a time limit. Its text names no host and no password, because /healthz is public.
`guarded` turns an error of a check into a result.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import psycopg
from celery import current_app
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models import Min
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone
from kombu.exceptions import KombuError

from bounces.models import BounceMailbox
from operations import queues
from operations.heartbeats import BEAT, DEAD_AFTER
from operations.models import Heartbeat
from sending.services import fence, sendhosts

logger = logging.getLogger(__name__)
# Bounces are collected at least once a minute.
LONGEST_LAG = timedelta(minutes=5)
# Seconds that the database or the broker may take for each step.
PATIENCE = 3


@dataclass(frozen=True, slots=True)
class Part:
    """The state of a part. `seconds`: {name: age of waiting work}."""

    ok: bool
    detail: str = ""
    seconds: dict[str, int] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"ok": self.ok, "detail": self.detail}
        return shown | ({"seconds": self.seconds} if self.seconds else {})


def _ask(sql: str) -> list[tuple[Any, ...]]:
    """Runs a query on a new connection. The thread's own connection may hang on a lost server, and
    has no statement timeout."""
    limits = {
        "connect_timeout": PATIENCE,
        "tcp_user_timeout": PATIENCE * 1000,
        "options": f"-c statement_timeout={PATIENCE}s -c lock_timeout={PATIENCE}s",
    }
    known = connection.get_connection_params()
    known.pop("cursor_factory", None)
    with psycopg.connect(**(known | limits), autocommit=True) as database:
        return list(database.execute(sql).fetchall())


def check_database() -> Part:
    try:
        _ask("SELECT 1")
    except psycopg.Error as error:
        return Part(ok=False, detail=f"does not answer ({type(error).__name__})")
    return Part(ok=True)


def check_migrations() -> Part:
    """The database has all migrations of this version. It may have more, while hosts are upgraded
    one after the other."""
    try:
        there = set(_ask("SELECT app, name FROM django_migrations"))
    except psycopg.errors.UndefinedTable:
        there = set()
    except psycopg.Error as error:
        return Part(ok=False, detail=f"could not be looked at ({type(error).__name__})")
    if missing := _migrations() - there:
        return Part(ok=False, detail=f"{len(missing)} are missing: run manage.py migrate")
    return Part(ok=True)


_known: set[tuple[str, str]] = set()


def _migrations() -> set[tuple[str, str]]:
    """{(app, name)} of the migrations on disk; read once."""
    if not _known:
        loader = MigrationLoader(None)
        _known.update((str(app), str(name)) for app, name in loader.disk_migrations)
    return _known


def check_broker() -> Part:
    options: dict[str, Any] = {}
    if settings.CELERY_BROKER_URL.startswith(("redis", "valkey")):
        # Without these timeouts a silent server would be waited for without end.
        options = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
    try:
        with current_app.connection_for_write(
            connect_timeout=PATIENCE, transport_options=options
        ) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=PATIENCE)
    except (OSError, KombuError) as error:
        return Part(ok=False, detail=f"does not answer ({type(error).__name__})")
    except Exception as error:  # noqa: BLE001 - each driver has errors of its own, e.g. of the log-in
        return Part(ok=False, detail=f"refuses us ({type(error).__name__})")
    return Part(ok=True)


def _living() -> list[Heartbeat]:
    since = timezone.now() - timedelta(seconds=DEAD_AFTER)
    return list(Heartbeat.objects.filter(seen_at__gte=since))


def check_workers() -> Part:
    """A living worker takes tasks from each queue."""
    living = _living()
    served = {queue for heartbeat in living for queue in heartbeat.queues}
    if missing := [queue for queue in queues.names() if queue not in served]:
        return Part(ok=False, detail=f"nobody takes tasks from {', '.join(missing)}")
    return Part(ok=True, detail=f"{sum(heartbeat.name != BEAT for heartbeat in living)} at work")


def check_beat() -> Part:
    if any(heartbeat.name == BEAT for heartbeat in _living()):
        return Part(ok=True)
    return Part(ok=False, detail=f"no tick within {DEAD_AFTER:.0f} s")


def check_hosts() -> Part:
    """All hosts with a `send` worker are able to send."""
    found = dict(sendhosts.troubled(timezone.now()))
    able = found.pop("", 0)
    if not found:
        return Part(ok=True, detail=f"{able} able to send")
    words = ", ".join(
        f"{number} can't send: {code.removeprefix('host_').replace('_', ' ')}"
        for code, number in sorted(found.items())
    )
    return Part(ok=False, detail=f"{words}; {able} able to send")


def check_sending() -> Part:
    """No fence stops sending. Sending that YANSHU_SENDING switches off is not a failure."""
    if fence.current() is not None:
        return Part(ok=False, detail="stopped: the database was restored or copied")
    return Part(ok=True, detail="" if settings.SENDING else "off (YANSHU_SENDING)")


def check_queues() -> Part:
    """Work waits in no queue for longer than allowed."""
    ages = queues.ages()
    late = [f"{name} for {age} s" for name, age in ages.items() if age > queues.longest(name)]
    detail = f"work waits in {', '.join(late)}" if late else ""
    return Part(ok=not late, detail=detail, seconds=ages)


def check_bounces() -> Part:
    """All bounce mailboxes were collected recently: reports the age of the oldest collection.

    It is counted from the worker's start at the earliest, so that a platform that was off for a
    week has no failure at its start. Mailboxes that refuse us are counted, but aren't a failure:
    their owners must act.
    """
    queue = settings.CELERY_TASK_ROUTES["bounces.tasks.collect_mailbox"]["queue"]
    started = [heartbeat.started_at for heartbeat in _living() if queue in heartbeat.queues]
    mailboxes = BounceMailbox.objects.filter(active=True)
    looked = Coalesce(Greatest("checked_at", "collected_at"), "created_at")
    last = mailboxes.aggregate(last=Min(looked))["last"]
    if last is None:
        return Part(ok=True, detail="no mailbox")
    lag = max(timezone.now() - max([last, *started]), timedelta())
    age = int(lag.total_seconds())
    detail = f"{age} s since the last collection"
    if refused := mailboxes.exclude(error="").count():
        detail += f", {refused} mailboxes can't be read"
    return Part(ok=lag <= LONGEST_LAG, detail=detail, seconds={"collection": age})


READY: dict[str, Callable[[], Part]] = {
    "database": check_database,
    "migrations": check_migrations,
}
# Checks that read the database.
WORK: dict[str, Callable[[], Part]] = {
    "workers": check_workers,
    "hosts": check_hosts,
    "sending": check_sending,
    "beat": check_beat,
    "queues": check_queues,
    "bounces": check_bounces,
}


def check_ready() -> dict[str, Part]:
    """The checks that a web host needs. Without a database the others are skipped."""
    parts = {"database": guarded(check_database)}
    if parts["database"].ok:
        parts["migrations"] = guarded(check_migrations)
    return parts


def check_all() -> dict[str, Part]:
    parts = check_ready()
    parts["broker"] = guarded(check_broker)
    ready = all(part.ok for name, part in parts.items() if name in READY)
    unknown = Part(ok=False, detail="not known without the database")
    for name, check in WORK.items():
        parts[name] = guarded(check) if ready else unknown
    return parts


def guarded(check: Callable[[], Part]) -> Part:
    """Runs a check. An exception becomes a failed part, never an error of the page."""
    try:
        return check()
    except Exception as error:
        logger.debug("%s failed", check.__name__, exc_info=True)
        return Part(ok=False, detail=f"could not be looked at ({type(error).__name__})")
