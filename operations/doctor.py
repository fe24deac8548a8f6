"""The checks of `manage.py doctor` that need a database. Each reports the state and what to do.

The texts are plain English for operators, and aren't translated.
"""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from urllib.parse import quote, unquote, urlsplit

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from psycopg.errors import OperationalError

from accounts.secrets import SecretError
from bounces.models import BounceMailbox
from bounces.services import mailboxes
from operations import doctorsettings, health, heartbeats
from operations.findings import Check, Finding, Level, error, ok, skipped, warning
from operations.models import Heartbeat
from pages import reasons
from relays import managers
from relays.models import Relay
from relays.services.relays import server_of
from relays.trial import RelayTrial, talk
from relays.trouble import diagnose

OLDEST_POSTGRESQL = 15
# Seconds that the clocks of a host and the database may differ.
CLOCK = 2.0
# Seconds that doctor watches for ticks, which come each second, and seconds between two looks.
LISTEN, LISTEN_EVERY = 3.0, 0.1
OLDEST_COLLECTION = timedelta(minutes=10)


# Servers -----------------------------------------------------------------------------------------


def check_database() -> Iterator[Finding]:
    version = connection.pg_version  # type: ignore[attr-defined]  # of the PostgreSQL back end
    major = version // 10_000
    if major < OLDEST_POSTGRESQL:
        yield error(
            "database",
            f"is PostgreSQL {major}",
            f"Upgrade it to {OLDEST_POSTGRESQL} or newer.",
        )
    else:
        yield ok("database", f"PostgreSQL {major}")
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing and not executor.loader.applied_migrations:
        yield error("migrations", "the database has no tables yet", "Run manage.py migrate.")
    elif missing:
        yield error("migrations", f"{len(missing)} are missing", "Run manage.py migrate.")
    else:
        yield ok("migrations", "all are there")


def check_clock() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        before = time.time()
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float")
        (there,) = cursor.fetchone() or (before,)
        here = (before + time.time()) / 2
    apart = abs(there - here)
    if apart > CLOCK:
        yield error(
            "clock",
            f"differs from the database's by {apart:.1f} s",
            "Keep the clocks of all hosts by NTP: mails carry the time of the host that sends "
            "them, and signs of life are compared.",
        )
    else:
        yield ok("clock", f"differs from the database's by {apart:.2f} s")


def check_clocks_of_hosts() -> Iterator[Finding]:
    """Hosts whose heartbeats are in the future. A host whose clock is slow looks dead: see
    workers."""
    what = "clocks of other hosts"
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone() or (timezone.now(),)
    seen = list(Heartbeat.objects.values_list("name", "seen_at"))
    ahead = {name: (at - now).total_seconds() for name, at in seen if at > now}
    wrong = {name: seconds for name, seconds in ahead.items() if seconds > CLOCK}
    for name, seconds in wrong.items():
        yield error(what, f"{name} is {seconds:.0f} s ahead", "Keep that host's clock by NTP.")
    if not seen:
        yield skipped(what, "no worker was seen", "Start workers, then run doctor again.")
    elif not wrong:
        yield ok(what, f"{len(seen)} processes were seen, none ahead of the database")


PARTS: dict[str, tuple[Callable[[], health.HealthPart], str]] = {
    "broker": (health.check_broker, "Start it, or correct CELERY_BROKER_URL."),
    "workers": (
        health.check_workers,
        "Start workers for these queues: celery -A config worker -Q control,send,work,mailboxes.",
    ),
    "hosts": (
        health.check_hosts,
        "Set right disk or state directory (YANSHU_VAR) of these hosts: see their logs of `send`.",
    ),
    "sending": (health.check_sending, "See manage.py fence."),
    "beat": (health.check_beat, "Start exactly one celery -A config beat."),
    "queues": (health.check_queues, "Start more workers for these queues, or look at their logs."),
    "bounces": (health.check_bounces, "See the mailboxes below, and the log of the worker."),
}


def check_broker_alone() -> Iterator[Finding]:
    """The broker, which can be checked without a database."""
    check, advice = PARTS["broker"]
    part = health.guarded(check)
    yield ok("broker", "works") if part.ok else error("broker", part.detail, advice)


def check_parts() -> Iterator[Finding]:
    """The parts of /healthz."""
    for name, (check, advice) in PARTS.items():
        part = health.guarded(check)
        yield ok(name, part.detail or "works") if part.ok else error(name, part.detail, advice)


def check_one_beat() -> Iterator[Finding]:
    """Whether only one beat runs: two would send each tick twice. Each tick names its beat."""
    what = "number of beats"
    begun, senders = time.monotonic(), set[str]()
    while time.monotonic() < begun + LISTEN and len(senders) < 2:
        beat = Heartbeat.objects.filter(name=heartbeats.BEAT).first()
        if beat is None or timezone.now() - beat.seen_at > timedelta(seconds=heartbeats.DEAD_AFTER):
            yield skipped(what, "no beat was seen", "Start exactly one celery -A config beat.")
            return
        senders.update(beat.queues)
        time.sleep(LISTEN_EVERY)
    if len(senders) > 1:
        yield error(
            what,
            f"several beats send ticks: {', '.join(sorted(senders))}",
            "Stop all but one: systemctl disable --now yanshu-beat on the other hosts.",
        )
    else:
        yield ok(what, f"one ({', '.join(senders)})" if senders else "one")


# Mail --------------------------------------------------------------------------------------------


def check_relays() -> Iterator[Finding]:
    relays = Relay.objects.filter(archived_at=None).select_related("workspace")
    for relay in relays.order_by("workspace__slug", "name"):
        if why := managers.off(relay.managed_by):
            yield skipped(_name("relay", relay), why, "Archive this relay.")
        else:
            yield check_relay(relay)
    if not relays:
        yield warning("relays", "there is none", "Connect one under Sending, Relays.")


def _name(kind: str, row: Relay | BounceMailbox) -> str:
    return f"{kind} {row.workspace.slug}/{row.name}"


def check_relay(relay: Relay) -> Finding:
    """Whether the relay accepts our log-in, and its state."""
    name = _name("relay", relay)
    try:
        server = server_of(relay)
    except SecretError as trouble:
        return error(name, "its password can't be read", str(trouble))
    sender = relay.bounce_address or relay.workspace.from_email
    if wrong := diagnose(server, talk(RelayTrial(server, sender=sender))):
        return error(name, f"{wrong.sentence} {wrong.words}".strip(), wrong.advice)
    if relay.state != Relay.State.ACTIVE:
        why = reasons.line(relay.state_reason, relay.state_words)
        return warning(
            name,
            f"lets us in, but is {relay.state} ({why or 'by a person'})",
            "Start it on its page when it should send.",
        )
    return ok(name, f"{relay.host}:{relay.port} lets us in")


def check_mailboxes() -> Iterator[Finding]:
    rows = BounceMailbox.objects.filter(active=True).select_related("workspace")
    for mailbox in rows.order_by("workspace__slug", "name"):
        if why := managers.off(mailbox.managed_by):
            yield skipped(_name("mailbox", mailbox), why, "Switch this mailbox off.")
        else:
            yield check_mailbox(mailbox)


def check_mailbox(mailbox: BounceMailbox) -> Finding:
    """Whether the mailbox accepts our log-in, and when it was last collected."""
    name = _name("mailbox", mailbox)
    try:
        trial = mailboxes.look(mailboxes.account(mailbox), trusted=bool(mailbox.managed_by))
    except SecretError as trouble:
        return error(name, "its password can't be read", str(trouble))
    if not trial.ok:
        return error(name, f"{trial.sentence} {trial.words}".strip(), "Test it on its page.")
    last = mailbox.collected_at
    if last is None or timezone.now() - last > OLDEST_COLLECTION:
        when = f"last at {last:%Y-%m-%d %H:%M} UTC" if last else "never yet"
        return warning(name, f"was collected {when}", "Look at the workers of the queue mailboxes.")
    return ok(name, "lets us in and is collected")


WITHOUT_DATABASE = doctorsettings.CHECKS
# {name: check}. The name is used if the check can't run.
WITH_DATABASE: dict[str, Check] = {
    "database": check_database,
    "clock": check_clock,
    "clocks of other hosts": check_clocks_of_hosts,
    "broker, workers, beat and queues": check_parts,
    "number of beats": check_one_beat,
    "relays": check_relays,
    "mailboxes": check_mailboxes,
}


def examine() -> Iterator[Finding]:
    """Runs all checks, one after the other. Without a database it runs those that need none, and
    reports the others as skipped."""
    for check in WITHOUT_DATABASE:
        yield from _guarded(check)
    lost: Finding | None = None
    for name, with_database in WITH_DATABASE.items():
        if lost:
            why = "the database can't be used" if lost.what == "database" else "tables are missing"
            yield skipped(name, why, lost.advice)
            continue
        for finding in _guarded(with_database):
            yield finding
            if finding.level == Level.ERROR and finding.what in {"database", "migrations"}:
                lost = finding
    if lost:
        yield from _guarded(check_broker_alone)


def _guarded(check: Check) -> Iterator[Finding]:
    try:
        yield from check()
    except DatabaseError as trouble:
        lost = isinstance(trouble.__cause__, OperationalError)
        advice = "Start it, or correct DATABASE_URL." if lost else "Run manage.py migrate."
        yield error("database", _words(trouble), advice)
    except Exception as trouble:  # noqa: BLE001 - the other checks must go on
        yield _failed(check, trouble)


def _failed(check: Check, trouble: Exception) -> Finding:
    what = check.__name__.removeprefix("check_").replace("_", " ")
    text = f"could not be looked at: {type(trouble).__name__} {_words(trouble)}".strip()
    return error(what, text, "Report it with this line; the other findings stand.")


def _words(trouble: Exception) -> str:
    """The error's text on one line, without secrets of the settings."""
    words = " ".join(str(trouble).split())
    broker = urlsplit(settings.CELERY_BROKER_URL).password or ""
    secrets = (
        settings.SECRET_KEY,
        settings.DATABASES["default"].get("PASSWORD", ""),
        settings.MAIL_SERVER.password,
        unquote(broker),
    )
    for secret in (form for one in secrets if one for form in (one, quote(one, safe=""))):
        words = words.replace(secret, "***")
    return words
