"""Envelope senders that carry a token: local+token@domain (VERP). Pure."""


def address(bounce_address: str, token: str) -> str:
    """`bounce_address` with the token: "bounces@example.com" -> "bounces+token@example.com"."""
    return token.join(around(bounce_address))


def around(bounce_address: str) -> tuple[str, str]:
    """(text before the token, text after it)"""
    local, _, domain = bounce_address.rpartition("@")
    return f"{local}+", f"@{domain}"
