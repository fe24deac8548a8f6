"""Tokens that stand for one message in public addresses: its id and a keyed digest.

Lower-case letters and digits only, since a VERP sender's case is not always kept.
"""

import base64
import hmac
from functools import cache
from hashlib import blake2b

from django.conf import settings

from sending.secrets import derive

DIGEST_BYTES = 8
# The message of previews and test mails.
NOBODY = 0


def make(message_id: int) -> str:
    """19 to 26 characters: fits a VERP local part of 64 octets (RFC 5321, 4.5.3.1.1)."""
    number = message_id.to_bytes((message_id.bit_length() + 7) // 8 or 1, "big")
    return _encode(_digest(number, settings.SECRET_KEY) + number)


def read(token: str) -> int | None:
    """The message's id, or None for a token that isn't ours."""
    try:
        raw = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
    except ValueError:
        return None
    digest, number = raw[:DIGEST_BYTES], raw[DIGEST_BYTES:]
    if not 1 <= len(number) <= 8:
        return None
    keys = (settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS))
    for key in keys:
        if hmac.compare_digest(digest, _digest(number, key)):
            return int.from_bytes(number, "big")
    return None


def _digest(number: bytes, key: str) -> bytes:
    return blake2b(number, digest_size=DIGEST_BYTES, key=_key(key)).digest()


@cache
def _key(key: str) -> bytes:
    return derive(key, b"message tokens")


def _encode(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()
