"""The checks of `manage.py doctor` that need no database: settings, files, and the platform's own
mail server."""

import os
import smtplib
import socket
import stat
import tempfile
from collections.abc import Iterator
from email.utils import getaddresses
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.http.request import validate_host

from accounts.mailbackend import EmailBackend
from environment import loading
from operations.findings import Check, Finding, error, ok, skipped, warning
from smtp import ehloname

SHORTEST_KEY = 32
# Free bytes below which doctor warns or reports an error, and the fewest free inodes.
LITTLE_SPACE, VERY_LITTLE_SPACE = 5 * 1024**3, 512 * 1024**2
FEWEST_FILES = 1000
# An address that belongs to no network (RFC 5737).
ELSEWHERE = "192.0.2.1"
# Settings with secrets. Each may be in its own file (NAME_FILE).
SECRETS = {
    *("YANSHU_SECRET_KEY", "YANSHU_SECRET_KEY_OLD"),
    *("DATABASE_URL", "CELERY_BROKER_URL", "EMAIL_URL"),
}


def check_secret_key() -> Iterator[Finding]:
    if settings.SECRET_KEY.startswith("change-this"):
        yield error(
            "secret key",
            "is the one of the guide, which everybody knows",
            "Set YANSHU_SECRET_KEY to one that is your own.",
        )
        return
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
    """Whether the site is meant for users of other machines."""
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    return host not in {"localhost", "127.0.0.1", "::1"}


def check_public_url() -> Iterator[Finding]:
    what = "public URL"
    url = settings.PUBLIC_URL
    if wrong := _wrong_url(url):
        advice = "Set YANSHU_URL to what people type, such as https://mail.example.com."
        yield error(what, f"{url!r} {wrong}", advice)
    elif not _is_public():
        yield warning(
            what,
            f"{url} is reached from this machine only",
            "Links in mails would lead nowhere for others: set YANSHU_URL before mailing them.",
        )
    elif urlsplit(url).scheme == "http":
        yield warning(
            what,
            f"{url} is not encrypted",
            "Put a TLS proxy before it and set YANSHU_URL to https://…; mailbox providers want "
            "https for one-click unsubscribe.",
        )
    else:
        yield ok(what, url)


def _wrong_url(url: str) -> str:
    """The fault of the site's URL; "" if none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "has a host or port that can't be read"
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return "is no address"
    if parts.path.strip("/") or parts.query or parts.fragment:
        return "has more than a host: the site is served at the root of its host, without a path"
    if parts.username is not None:
        return "has a user name"
    if port == 0:
        return "has a port that can't be used"
    return ""


def check_settings_file() -> Iterator[Finding]:
    """Where the settings come from. The start has already checked that each line can be read."""
    path = loading.settings_file(os.environ)
    if path.exists():
        yield ok("settings file", f"{path}, and what is set in the environment")
    else:
        yield ok("settings file", "none; all settings come from the environment")


def check_secret_files() -> Iterator[Finding]:
    """Whether other users of this machine can't read the files with secrets."""
    what = "files with secrets"
    var = settings.VAR
    named = [Path(value) for name, value in os.environ.items() if _names_secret(name)]
    files = [loading.settings_file(os.environ), var / "secret-key", var / "environment", *named]
    looked = 0
    for path in dict.fromkeys(files):
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except FileNotFoundError:
            continue
        except OSError as trouble:
            yield skipped(what, f"{path} ({trouble.strerror})", "Run doctor as root or as yanshu.")
            continue
        if not stat.S_ISREG(path.stat().st_mode):
            continue
        looked += 1
        if mode & 0o027:
            yield error(
                what,
                f"{path} has mode {mode:04o}: others than its owner and group can use it",
                f"chmod 640 {path}, with the owner root and the group of the service's user.",
            )
            looked = -1000
    if looked >= 0:
        yield ok(what, f"{looked} looked at, closed to others" if looked else "there is none")


def _names_secret(name: str) -> bool:
    return name.removesuffix("_FILE") in SECRETS and name.endswith("_FILE")


def check_hardening() -> Iterator[Finding]:
    if settings.DEBUG:
        yield error("debug", "is on", "Unset YANSHU_DEBUG: error pages would show secrets.")
    else:
        yield ok("debug", "is off")
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


def check_ehlo_name() -> Iterator[Finding]:
    """Our EHLO name, and whether DNS knows it."""
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
    """The address of this host in other networks. Connecting a datagram socket sends nothing: it
    only chooses the route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.connect((ELSEWHERE, 25))
            return str(one.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def check_hosts() -> Iterator[Finding]:
    """Whether the site accepts its own host name."""
    what = "hosts"
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    known = settings.ALLOWED_HOSTS
    odd = [name for name in known if "/" in name or (":" in name and not name.startswith("["))]
    if odd:
        yield error(
            what,
            f"YANSHU_HOSTS has {odd[0]!r}, which is no host name",
            "Name hosts alone, without https:// and without a port.",
        )
    elif not validate_host(f"[{host}]" if ":" in host else host, known):
        yield error(
            what,
            f"the host of YANSHU_URL, {host}, is not in YANSHU_HOSTS: its pages are refused",
            f"Add {host} to YANSHU_HOSTS.",
        )
    elif "*" in known and _is_public():
        yield warning(what, "every Host header is answered", f"Set YANSHU_HOSTS to {host}.")
    else:
        yield ok(what, ", ".join(known))


def check_from_address() -> Iterator[Finding]:
    what = "From address"
    given = settings.DEFAULT_FROM_EMAIL
    address = _one_address(given)
    if not address:
        yield error(
            what,
            f"{given!r} is no address",
            "Set YANSHU_FROM_EMAIL to one, such as 'Yanshu <yanshu@example.com>'.",
        )
        return
    if "." not in address.rpartition("@")[2] and _is_public():
        yield warning(
            what,
            f"{address} has no domain that others know",
            "Set YANSHU_FROM_EMAIL to an address of yours, or invitations may be refused.",
        )
    else:
        yield ok(what, address)


def _one_address(given: str) -> str:
    """The address of `Name <address>`; "" if it is none, or more than one."""
    found = getaddresses([given])
    # If the parser dropped characters, the address was wrong.
    if len(found) != 1 or found[0][1] not in given:
        return ""
    try:
        EmailValidator(allowlist=["localhost"])(found[0][1])
    except ValidationError:
        return ""
    return found[0][1]


def check_own_mail() -> Iterator[Finding]:
    what = "own mail"
    if not settings.EMAIL_HOST:
        yield error(
            what,
            "invitations and password resets reach nobody",
            "Set EMAIL_URL, such as smtp+tls://user:password@mail.example.com.",
        )
        return
    where = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    if wrong := _mail_trouble():
        yield error(what, f"{where} does not take our mail: {wrong}", "Correct EMAIL_URL.")
    elif not settings.MAIL_SERVER.host:
        yield warning(
            what,
            "invitations and password resets go to the sandbox",
            "Set EMAIL_URL, so that they reach people.",
        )
    else:
        login = "lets us in" if settings.EMAIL_HOST_USER else "greets us"
        yield ok(what, f"{where} {login}")


def _mail_trouble() -> str:
    """Connects, starts TLS and logs in, each within EMAIL_TIMEOUT. Sends nothing. Returns the
    error, or ""."""
    server = EmailBackend()
    try:
        server.open()
    except (OSError, smtplib.SMTPException, UnicodeError) as trouble:
        return " ".join(str(trouble).split()) or type(trouble).__name__
    finally:
        server.close()
    return ""


def check_disk() -> Iterator[Finding]:
    try:
        usage = os.statvfs(settings.VAR)
        with tempfile.TemporaryFile(dir=settings.VAR) as file:
            file.write(b"x")
            file.flush()
    except OSError as trouble:
        yield error(
            "disk",
            f"{settings.VAR} can't be written to ({trouble.strerror})",
            "Make room, or set YANSHU_VAR to a directory that this user may write to.",
        )
        return
    free = usage.f_bavail * usage.f_frsize
    text = f"{free / 1024**3:.1f} GB free for {settings.VAR}"
    # Some file systems have no fixed number of inodes.
    few = usage.f_files > 0 and usage.f_favail < FEWEST_FILES
    if few:
        text += f", and room for {usage.f_favail} files"
    if free < VERY_LITTLE_SPACE or few:
        yield error("disk", text, "Make room: workers can't keep their journals without.")
    elif free < LITTLE_SPACE:
        yield warning("disk", text, "Make room soon.")
    else:
        yield ok("disk", text)


CHECKS: tuple[Check, ...] = (
    check_settings_file,
    check_secret_files,
    check_secret_key,
    check_public_url,
    check_hosts,
    check_hardening,
    check_from_address,
    check_own_mail,
    check_ehlo_name,
    check_disk,
)
