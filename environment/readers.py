"""Reads settings from the environment, each from NAME or from the file that NAME_FILE names.

A value that can't be used raises `SettingError`; its text names the setting and the expected form.
`config.settings` doesn't catch it, so it stops the start.
"""

import ipaddress
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from environment.exceptions import StartupError

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}


class SettingError(StartupError):
    """A setting is missing or can't be used. The text names it and says what is expected."""


def text(name: str, default: str | None = None, env: Mapping[str, str] = os.environ) -> str:
    """The setting's value. Raises SettingError if it is missing or empty and has no default."""
    if value := env.get(name, "").strip():
        return value
    if file := env.get(f"{name}_FILE"):
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingError(f"{name}_FILE: {file} can't be read ({error.strerror}).") from error
    if default is None:
        raise SettingError(f"{name} is not set; see .env.example.")
    return default


def boolean(name: str, default: bool, env: Mapping[str, str] = os.environ) -> bool:
    value = text(name, str(default), env).lower()
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise SettingError(f"{name} is {value!r}; use 1 or 0.")


def integer(
    name: str,
    default: int,
    *,
    low: int = 0,
    high: int = 2**31,
    env: Mapping[str, str] = os.environ,
) -> int:
    value = text(name, str(default), env)
    try:
        number = int(value)
    except ValueError as error:
        raise SettingError(f"{name} is {value!r}; use a whole number.") from error
    if not low <= number <= high:
        raise SettingError(f"{name} is {number}; use a number from {low} to {high}.")
    return number


def choice(
    name: str, default: str, allowed: Collection[str], env: Mapping[str, str] = os.environ
) -> str:
    """One of `allowed`, however it is written in capitals."""
    value = text(name, default, env)
    for one in allowed:
        if value.lower() == one.lower():
            return one
    raise SettingError(f"{name} is {value!r}; use one of {', '.join(allowed)}.")


def words(name: str, default: str = "", env: Mapping[str, str] = os.environ) -> list[str]:
    """A comma-separated list."""
    return [word for part in text(name, default, env).split(",") if (word := part.strip())]


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(name: str, env: Mapping[str, str] = os.environ) -> tuple[Network, ...]:
    """Networks separated by commas, such as 10.20.0.0/16; a single address is one, too."""
    try:
        return tuple(ipaddress.ip_network(word) for word in words(name, "", env))
    except ValueError as error:
        raise SettingError(
            f"{name} has a network that can't be read ({error}); use networks such as "
            "10.20.0.0/16 or fd00:1::/64, separated by commas."
        ) from error


# Last labels of names that exist in private networks only: no other host can resolve them.
PRIVATE = {
    *("localhost", "localdomain", "local", "invalid", "arpa"),
    *("internal", "intranet", "lan", "home", "corp", "private"),
}
LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


def ehlo_name(name: str, url: str, env: Mapping[str, str] = os.environ) -> str:
    """The name of this installation in EHLO (RFC 5321, 4.1.1.1): a full host name, or an address in
    brackets; by default the host of `url`. "" if no public name is known: EHLO then gives the
    address of each connection."""
    value = text(name, "", env)
    if not value:
        host = _full_name(urlsplit(url).hostname or "")
        return "" if host.rpartition(".")[2] in PRIVATE else host
    if found := _address_literal(value) or _full_name(value):
        return found
    raise SettingError(
        f"{name} is {value!r}; use the full name of this host, such as mail.example.com, or its "
        "address in brackets, such as [192.0.2.1]."
    )


def _full_name(value: str) -> str:
    """The name in lowercase ASCII if it is a host name with a domain; else ""."""
    try:
        host = value.rstrip(".").encode("idna").decode().lower()
    except UnicodeError:
        return ""
    labels = host.split(".")
    good = len(host) <= 253 and all(LABEL.fullmatch(label) for label in labels)
    # A name whose last label has only digits is an IP address.
    full = len(labels) > 1 and not labels[-1].isdigit() and labels[-1] != "localhost"
    return host if good and full and not host.startswith("localhost.") else ""


def _address_literal(value: str) -> str:
    if not (value.startswith("[") and value.endswith("]")):
        return ""
    tag, _colon, rest = value[1:-1].partition(":")
    try:
        if tag.lower() == "ipv6":
            return f"[IPv6:{ipaddress.IPv6Address(rest)}]"
        return f"[{ipaddress.IPv4Address(value[1:-1])}]"
    except ValueError:
        return ""


ENCODE = (
    "A character such as @ : / ? # % or [ in a user or password is percent-encoded: @ is %40, : is "
    "%3A, / is %2F, ? is %3F, # is %23, % is %25, [ is %5B."
)


def _url(name: str, value: str) -> tuple[SplitResult, int | None]:
    """The parts and the port of a server's URL. Libraries read unencoded special characters
    differently, so we refuse them. No error shows the value: it may contain a password."""
    if any(character.isspace() for character in value):
        raise SettingError(f"{name} has a space in it. A space is percent-encoded: %20.")
    if re.search(r"%(?![0-9A-Fa-f]{2})", value):
        raise SettingError(f"{name} has a % without two digits after it. {ENCODE}")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        raise SettingError(f"{name} has a host or port that can't be read. {ENCODE}") from error
    if parts.fragment or value.endswith("#"):
        raise SettingError(f"{name} has a # in it. {ENCODE}")
    user = parts.netloc.rpartition("@")[0]
    if "@" in user or user.count(":") > 1 or "@" in parts.path + parts.query:
        raise SettingError(f"{name} has one @ or : too many. {ENCODE}")
    return parts, port


def database(name: str, env: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Django's settings for a `postgresql://user:password@host:port/name?option=value` URL.

    A host that is a directory (a unix socket's) is given as `?host=/path`, as in libpq.
    """
    value = text(name, None, env)
    scheme = value.partition("://")[0] if "://" in value else ""
    if scheme not in {"postgres", "postgresql"}:
        raise SettingError(
            f"{name} begins with {scheme + '://' if scheme else 'no scheme'}; "
            "use postgresql://user:password@host:port/name."
        )
    parts, port = _url(name, value)
    options = dict(parse_qsl(parts.query))
    if not parts.path.strip("/"):
        raise SettingError(
            f"{name} names no database; use postgresql://user:password@host:port/name."
        )
    if "/" in parts.path.strip("/"):
        raise SettingError(f"{name} has a / in the name of its database. {ENCODE}")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", unquote(parts.hostname or "")),
        "PORT": str(port or ""),
        "OPTIONS": options,
    }


def broker(name: str, env: Mapping[str, str] = os.environ) -> str:
    """A URL for Celery, or several separated by ";". Each is checked."""
    value = text(name, None, env)
    for one in value.split(";"):
        _url(name, one)
    return value


@dataclass(frozen=True, slots=True)
class MailServer:
    """The SMTP server for the platform's own mails. An empty host means that none is set."""

    host: str = ""
    port: int = 25
    user: str = ""
    password: str = ""
    # TLS from the first byte, or after STARTTLS.
    ssl: bool = False
    tls: bool = False


MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}


def mail_server(name: str, env: Mapping[str, str] = os.environ) -> MailServer:
    """Reads `smtp://user:password@host:port`, `smtp+tls://…` (STARTTLS) or `smtps://…`. Special
    characters in user and password are percent-encoded. An unset setting gives an empty host."""
    value = text(name, "", env)
    if not value:
        return MailServer()
    parts, port = _url(name, value)
    if parts.scheme not in MAIL_PORTS or not parts.hostname:
        raise SettingError(
            f"{name} must be smtp://user:password@host:port, smtp+tls://… or smtps://…."
        )
    return MailServer(
        host=parts.hostname,
        port=port or MAIL_PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        ssl=parts.scheme == "smtps",
        tls=parts.scheme == "smtp+tls",
    )
