"""Checks whether each part works, for the probes (operations.probes), `manage.py up` and `doctor`.

Each check has a time limit. Its text names no host and no password, because /healthz is public.
`guarded` turns an error of a check into a result.
"""

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
from environment import logs
from operations import queues
from operations.heartbeats import BEAT, DEAD_AFTER
from operations.models import Heartbeat
from sending.services import fence, sendhosts

log = logs.get(__name__)
# Bounces are collected at least once a minute.
LONGEST_LAG = timedelta(minutes=5)
# Seconds that the database or the broker may take for each step.
PATIENCE = 3


@dataclass(frozen=True, slots=True)
class HealthPart:
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


def check_database() -> HealthPart:
    try:
        _ask("SELECT 1")
    except psycopg.Error as error:
        return HealthPart(ok=False, detail=f"does not answer ({type(error).__name__})")
    return HealthPart(ok=True)


def check_migrations() -> HealthPart:
    """The database has all migrations of this version. It may have more, while hosts are upgraded
    one after the other."""
    try:
        there = set(_ask("SELECT app, name FROM django_migrations"))
    except psycopg.errors.UndefinedTable:
        there = set()
    except psycopg.Error as error:
        return HealthPart(ok=False, detail=f"could not be looked at ({type(error).__name__})")
    if missing := _migrations() - there:
        return HealthPart(ok=False, detail=f"{len(missing)} are missing: run manage.py migrate")
    return HealthPart(ok=True)


_known: set[tuple[str, str]] = set()


def _migrations() -> set[tuple[str, str]]:
    """{(app, name)} of the migrations on disk; read once."""
    if not _known:
        loader = MigrationLoader(None)
        _known.update((str(app), str(name)) for app, name in loader.disk_migrations)
    return _known


def check_broker() -> HealthPart:
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
        return HealthPart(ok=False, detail=f"does not answer ({type(error).__name__})")
    except Exception as error:  # noqa: BLE001 - each driver has errors of its own, e.g. of the log-in
        return HealthPart(ok=False, detail=f"refuses us ({type(error).__name__})")
    return HealthPart(ok=True)


def _living() -> list[Heartbeat]:
    since = timezone.now() - timedelta(seconds=DEAD_AFTER)
    return list(Heartbeat.objects.filter(seen_at__gte=since))


def check_workers() -> HealthPart:
    """A living worker takes tasks from each queue."""
    living = _living()
    served = {queue for heartbeat in living for queue in heartbeat.queues}
    if missing := [queue for queue in queues.names() if queue not in served]:
        return HealthPart(ok=False, detail=f"nobody takes tasks from {', '.join(missing)}")
    return HealthPart(
        ok=True, detail=f"{sum(heartbeat.name != BEAT for heartbeat in living)} at work"
    )


def check_beat() -> HealthPart:
    if any(heartbeat.name == BEAT for heartbeat in _living()):
        return HealthPart(ok=True)
    return HealthPart(ok=False, detail=f"no tick within {DEAD_AFTER:.0f} s")


def check_hosts() -> HealthPart:
    """All hosts with a `send` worker are able to send."""
    found = dict(sendhosts.troubled(timezone.now()))
    able = found.pop("", 0)
    if not found:
        return HealthPart(ok=True, detail=f"{able} able to send")
    words = ", ".join(
        f"{number} can't send: {code.removeprefix('host_').replace('_', ' ')}"
        for code, number in sorted(found.items())
    )
    return HealthPart(ok=False, detail=f"{words}; {able} able to send")


def check_sending() -> HealthPart:
    """No fence stops sending. Sending that YANSHU_SENDING switches off is not a failure."""
    if fence.current() is not None:
        return HealthPart(ok=False, detail="stopped: the database was restored or copied")
    return HealthPart(ok=True, detail="" if settings.SENDING else "off (YANSHU_SENDING)")


def check_queues() -> HealthPart:
    """Work waits in no queue for longer than allowed."""
    ages = queues.ages()
    late = [f"{name} for {age} s" for name, age in ages.items() if age > queues.longest(name)]
    detail = f"work waits in {', '.join(late)}" if late else ""
    return HealthPart(ok=not late, detail=detail, seconds=ages)


def check_bounces() -> HealthPart:
    """All bounce mailboxes were collected recently. Reports the age of the oldest collection.

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
        return HealthPart(ok=True, detail="no mailbox")
    lag = max(timezone.now() - max([last, *started]), timedelta())
    age = int(lag.total_seconds())
    detail = f"{age} s since the last collection"
    if refused := mailboxes.exclude(error="").count():
        detail += f", {refused} mailboxes can't be read"
    return HealthPart(ok=lag <= LONGEST_LAG, detail=detail, seconds={"collection": age})


READY: dict[str, Callable[[], HealthPart]] = {
    "database": check_database,
    "migrations": check_migrations,
}
# Checks that read the database.
WORK: dict[str, Callable[[], HealthPart]] = {
    "workers": check_workers,
    "hosts": check_hosts,
    "sending": check_sending,
    "beat": check_beat,
    "queues": check_queues,
    "bounces": check_bounces,
}


def check_ready() -> dict[str, HealthPart]:
    """The checks that a web host needs. Without a database the others are skipped."""
    parts = {"database": guarded(check_database)}
    if parts["database"].ok:
        parts["migrations"] = guarded(check_migrations)
    return parts


def check_all() -> dict[str, HealthPart]:
    parts = check_ready()
    parts["broker"] = guarded(check_broker)
    ready = all(part.ok for name, part in parts.items() if name in READY)
    unknown = HealthPart(ok=False, detail="not known without the database")
    for name, check in WORK.items():
        parts[name] = guarded(check) if ready else unknown
    return parts


def guarded(check: Callable[[], HealthPart]) -> HealthPart:
    """Runs a check. An exception becomes a failed part, never an error of the page."""
    try:
        return check()
    except Exception as error:  # noqa: BLE001
        log.debug("check failed", check=check.__name__, error=error)
        return HealthPart(ok=False, detail=f"could not be looked at ({type(error).__name__})")
