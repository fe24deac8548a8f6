"""Envelope senders that say which message came back: local+token@domain. Pure."""

import re

from sending import tokens

TAGGED = re.compile(rf"[+=-]({tokens.PATTERN})@")


def address(bounce_address: str, token: str) -> str:
    """`bounce_address` with the token: "bounces@example.com" -> "bounces+token@example.com"."""
    return token.join(around(bounce_address))


def around(bounce_address: str) -> tuple[str, str]:
    """What stands before and after the token."""
    local, _, domain = bounce_address.rpartition("@")
    return f"{local}+", f"@{domain}"


def message_id(recipient: str) -> int | None:
    """The id of the message whose VERP sender this address is."""
    for found in TAGGED.finditer(recipient):
        if (number := tokens.read(found[1])) is not None:
            return number
    return None
