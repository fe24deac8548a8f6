"""Messages of this client itself, for events without a server's reply. Pure.

A remark is a code with values. Its text is English: it goes into logs, and into fields that
otherwise hold a server's words. `read` turns the text into the remark again, so that pages can
translate it (relays.remarks).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache


def gettext_noop(text: str) -> str:
    """Marks a text for the catalogue of `relays`, as Django's function of this name does."""
    return text


TEXTS = {
    # Of addresses (hosts).
    "no_address": gettext_noop("The server has no address."),
    "unknown_host": gettext_noop("There is no server with the name {host}."),
    "machine_address": gettext_noop(
        "{host} is an address for the machine itself or its cloud, never a mail server."
    ),
    "many_addressed": gettext_noop("{host} is not the address of one server."),
    "private_address": gettext_noop(
        "{host} is inside the private network of this installation, which its operator has "
        "closed to relays and mailboxes. Use a server with a public address."
    ),
    # Of connections.
    "closed": gettext_noop("The server closed the connection."),
    "unasked": gettext_noop("The server says more than it was asked."),
    "no_smtp": gettext_noop("The server doesn't speak SMTP."),
    "no_starttls": gettext_noop("The server offers no STARTTLS."),
    "no_auth": gettext_noop("The server offers no login (AUTH)."),
    "no_method": gettext_noop("The server offers no way to log in with a password."),
    "no_reply": gettext_noop("No reply to {command} within {seconds} seconds."),
    # Of mails; the numbers are those of RFC 3463.
    "bad_recipient": gettext_noop("5.1.3 No mail address: {address}"),
    "bad_sender": gettext_noop("5.1.7 No mail address: {address}"),
    "too_large": gettext_noop("5.3.4 The mail is {size} kB, the relay takes {limit} kB."),
    "no_smtputf8": gettext_noop(
        "The server can't send to or from addresses with other letters than ASCII."
    ),
}
NAME = re.compile(r"\\{(\w+)\\}")


@dataclass(frozen=True, slots=True)
class Remark:
    """`code`: a key of TEXTS; `values`: for its placeholders."""

    code: str
    values: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return TEXTS[self.code].format(**self.values)


def read(text: str) -> Remark | None:
    """The remark with this text; None for a server's words."""
    for code, pattern in _patterns().items():
        if found := pattern.fullmatch(text):
            return Remark(code, found.groupdict())
    return None


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {
        code: re.compile(NAME.sub(r"(?P<\1>.+)", re.escape(text)), re.DOTALL)
        for code, text in TEXTS.items()
    }
