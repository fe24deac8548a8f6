"""Envelope senders that say which message came back: local+token@domain. Pure."""

import re

from sending import tokens

TAGGED = re.compile(r"[+=-]([a-z2-7]{15,30})@", re.IGNORECASE)


def address(bounce_address: str, token: str) -> str:
    """`bounce_address` with the token: "bounces@example.com" -> "bounces+token@example.com"."""
    local, _, domain = bounce_address.rpartition("@")
    return f"{local}+{token}@{domain}"


def message_id(recipient: str) -> int | None:
    """The id of the message whose VERP sender this address is."""
    for found in TAGGED.finditer(recipient):
        if (number := tokens.read(found[1])) is not None:
            return number
    return None
