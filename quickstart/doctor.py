"""What `manage.py doctor` looks at: each check says how things are and what to do.

Plain English for operators; the site's own words are not used here.
"""

import shutil
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from psycopg.errors import OperationalError

from accounts import ehloname
from quickstart import health
from sending.models import BounceMailbox, Relay
from sending.relaytest import Trial, talk
from sending.relaytrouble import diagnose
from sending.secrets import SecretError
from sending.services import mailboxes
from sending.services.relays import server_of

OLDEST_POSTGRESQL = 15
SHORTEST_KEY = 32
# Bytes and shares of a disk below which it is nearly full.
LITTLE_SPACE, VERY_LITTLE_SPACE = 5 * 1024**3, 512 * 1024**2
# Seconds that the clocks of this host and the database may differ: leases rely on them.
CLOCK = 2.0
# An address outside of any network (RFC 5737).
ELSEWHERE = "192.0.2.1"
OLDEST_COLLECTION = timedelta(minutes=10)


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` was looked at, how it is, and what to do about it ("" when nothing)."""

    what: str
    level: Level
    text: str
    advice: str = ""


def ok(what: str, text: str) -> Finding:
    return Finding(what, Level.OK, text)


def warning(what: str, text: str, advice: str) -> Finding:
    return Finding(what, Level.WARNING, text, advice)


def error(what: str, text: str, advice: str) -> Finding:
    return Finding(what, Level.ERROR, text, advice)


# Settings ----------------------------------------------------------------------------------------


def check_secret_key() -> Iterator[Finding]:
    if len(settings.SECRET_KEY) < SHORTEST_KEY:
        yield warning(
            "secret key",
            f"has {len(settings.SECRET_KEY)} characters",
            f"Set YANSHU_SECRET_KEY to {SHORTEST_KEY} random characters or more. Stored passwords "
            "of relays and mailboxes must be entered again then, and links in sent mails end.",
        )
    else:
        yield ok("secret key", "is long enough")


def _is_public() -> bool:
    """Whether the site is meant for more than this machine."""
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    return host not in {"localhost", "127.0.0.1", "::1"}


def check_public_url() -> Iterator[Finding]:
    parts = urlsplit(settings.PUBLIC_URL)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        yield error(
            "public URL",
            f"{settings.PUBLIC_URL!r} is no address",
            "Set YANSHU_URL to what people type, such as https://mail.example.com.",
        )
    elif not _is_public():
        yield warning(
            "public URL",
            f"{settings.PUBLIC_URL} is reached from this machine only",
            "Links in mails would lead nowhere for others: set YANSHU_URL before mailing them.",
        )
    elif parts.scheme == "http":
        yield warning(
            "public URL",
            f"{settings.PUBLIC_URL} is not encrypted",
            "Put a TLS proxy before it and set YANSHU_URL to https://…; mailbox providers want "
            "https for one-click unsubscribe.",
        )
    else:
        yield ok("public URL", settings.PUBLIC_URL)


def check_hardening() -> Iterator[Finding]:
    if settings.DEBUG:
        yield error("debug", "is on", "Unset YANSHU_DEBUG: error pages would show secrets.")
    if not _is_public():
        return
    if not settings.HTTPS:
        yield warning(
            "cookies",
            "are sent over plain HTTP too",
            "Serve the site by https and set YANSHU_URL so (or YANSHU_HTTPS=1).",
        )
    else:
        yield ok("cookies", "are sent over HTTPS only")
    if settings.SANDBOX:
        yield warning(
            "mail sandbox",
            "is on at a public address",
            "Set YANSHU_SANDBOX=0 in production: what goes through it reaches nobody.",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield warning(
            "hosts",
            "every Host header is answered",
            f"Set YANSHU_HOSTS to {urlsplit(settings.PUBLIC_URL).hostname}.",
        )


def check_ehlo_name() -> Iterator[Finding]:
    """What relays hear from us, and whether they can find it."""
    what = "EHLO name"
    set_it = (
        "Set YANSHU_EHLO_NAME to the full name of this host, such as mail.example.com, that the "
        "name service knows: strict relays refuse others."
    )
    name = settings.EHLO_NAME
    if not name:
        yield warning(what, f"{ehloname.literal(_own_address())}, an address and no name", set_it)
    elif name.startswith("["):
        yield warning(what, f"{name}, an address and no name", set_it)
    elif not _resolves(name):
        yield warning(what, f"{name}, which no name service knows", set_it)
    else:
        yield ok(what, name)


def _resolves(name: str) -> bool:
    try:
        return bool(socket.getaddrinfo(name, 25, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError):
        return False


def _own_address() -> str:
    """That of this host towards others. Nothing is sent: a datagram socket only looks for the
    way."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.connect((ELSEWHERE, 25))
            return str(one.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def check_own_mail() -> Iterator[Finding]:
    if settings.MAIL_SERVER.host:
        yield ok("own mail", f"through {settings.MAIL_SERVER.host}")
    elif settings.SANDBOX:
        yield warning(
            "own mail",
            "invitations and password resets go to the sandbox",
            "Set EMAIL_URL, so that they reach people.",
        )
    else:
        yield error(
            "own mail",
            "invitations and password resets reach nobody",
            "Set EMAIL_URL, such as smtp+tls://user:password@mail.example.com.",
        )


def check_disk() -> Iterator[Finding]:
    try:
        free = shutil.disk_usage(settings.VAR).free
    except OSError as trouble:
        yield error(
            "disk",
            f"{settings.VAR} can't be used ({trouble.strerror})",
            "Set YANSHU_VAR to a directory that may be written to.",
        )
        return
    text = f"{free / 1024**3:.1f} GB free for {settings.VAR}"
    if free < VERY_LITTLE_SPACE:
        yield error("disk", text, "Make room: workers can't keep their journals without.")
    elif free < LITTLE_SPACE:
        yield warning("disk", text, "Make room soon.")
    else:
        yield ok("disk", text)


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
    if missing:
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
            "Keep the clocks of all hosts by NTP: workers hold their batches by time.",
        )
    else:
        yield ok("clock", f"differs from the database's by {apart:.2f} s")


PARTS: dict[str, tuple[Callable[[], health.Part], str]] = {
    "broker": (health.check_broker, "Start it, or correct CELERY_BROKER_URL."),
    "workers": (
        health.check_workers,
        "Start workers for these queues: celery -A config worker -Q control,send,work,mailboxes.",
    ),
    "beat": (health.check_beat, "Start exactly one celery -A config beat."),
    "bounces": (health.check_bounces, "See the mailboxes below, and the log of the worker."),
}


def check_parts() -> Iterator[Finding]:
    """The same as /healthz."""
    for name, (check, advice) in PARTS.items():
        part = check()
        yield ok(name, part.detail or "works") if part.ok else error(name, part.detail, advice)


# Mail --------------------------------------------------------------------------------------------


def check_relays() -> Iterator[Finding]:
    relays = Relay.objects.filter(archived_at=None).select_related("workspace")
    for relay in relays.order_by("workspace__slug", "name"):
        if settings.SANDBOX or not relay.is_sandbox:
            yield check_relay(relay)
    if not relays:
        yield warning("relays", "there is none", "Connect one under Sending, Relays.")


def _name(kind: str, row: Relay | BounceMailbox) -> str:
    return f"{kind} {row.workspace.slug}/{row.name}"


def check_relay(relay: Relay) -> Finding:
    """Whether it lets us in, and its state."""
    name = _name("relay", relay)
    try:
        server = server_of(relay)
    except SecretError as trouble:
        return error(name, "its password can't be read", str(trouble))
    sender = relay.bounce_address or relay.workspace.from_email
    if wrong := diagnose(server, talk(Trial(server, sender=sender))):
        return error(name, f"{wrong.sentence} {wrong.words}".strip(), wrong.advice)
    if relay.state != Relay.State.ACTIVE:
        return warning(
            name,
            f"lets us in, but is {relay.state} ({relay.state_reason or 'by a person'})",
            "Start it on its page when it should send.",
        )
    return ok(name, f"{relay.host}:{relay.port} lets us in")


def check_mailboxes() -> Iterator[Finding]:
    rows = BounceMailbox.objects.filter(active=True).select_related("workspace")
    for mailbox in rows.order_by("workspace__slug", "name"):
        if settings.SANDBOX or not mailbox.is_sandbox:
            yield check_mailbox(mailbox)


def check_mailbox(mailbox: BounceMailbox) -> Finding:
    """Whether it lets us in, and when it was collected last."""
    name = _name("mailbox", mailbox)
    try:
        trial = mailboxes.look(mailboxes.account(mailbox), trusted=mailbox.is_sandbox)
    except SecretError as trouble:
        return error(name, "its password can't be read", str(trouble))
    if not trial.ok:
        return error(name, f"{trial.sentence} {trial.words}".strip(), "Test it on its page.")
    last = mailbox.collected_at
    if last is None or timezone.now() - last > OLDEST_COLLECTION:
        when = f"last at {last:%Y-%m-%d %H:%M} UTC" if last else "never yet"
        return warning(name, f"was collected {when}", "Look at the workers of the queue work.")
    return ok(name, "lets us in and is collected")


WITHOUT_DATABASE = (
    check_secret_key,
    check_public_url,
    check_hardening,
    check_own_mail,
    check_ehlo_name,
    check_disk,
)
WITH_DATABASE = (check_database, check_clock, check_parts, check_relays, check_mailboxes)


def examine() -> Iterator[Finding]:
    """All checks, one after the other; without a database those that need none."""
    for check in WITHOUT_DATABASE:
        yield from check()
    for check in WITH_DATABASE:
        try:
            yield from check()
        except DatabaseError as trouble:
            words = " ".join(str(trouble).split())
            lost = isinstance(trouble.__cause__, OperationalError)
            advice = "Start it, or correct DATABASE_URL." if lost else "Run manage.py migrate."
            yield error("database", words, advice)
            return
