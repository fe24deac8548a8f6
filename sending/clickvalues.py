"""What of a personal link differs, signed into its address, so that it leads where the mail said.
Pure.

A link leads nowhere but where a mail of ours said: the digest covers the message, the link and the
value, and is keyed.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Callable
from functools import cache, lru_cache
from hashlib import blake2s

from django.conf import settings

from sending.secrets import derive

# A multiple of three: base64 needs no padding for it.
DIGEST_BYTES = 9
# Of one mail, about: what was signed last is remembered.
LINKS = 64


def signer() -> Callable[[str, int, str], str]:
    """Signs (token, number of the link, value) as the segment that follows the number in the link's
    address. The settings are asked once."""
    keyed = _keyed(settings.SECRET_KEY)

    # Both parts of a mail have the same links.
    @lru_cache(maxsize=LINKS)
    def sign(token: str, number: int, value: str) -> str:
        raw = value.encode(errors="replace")
        signed = _digest(keyed, token, number, raw) + raw
        return f"/{urlsafe_b64encode(signed).rstrip(b'=').decode()}"

    return sign


def read(token: str, number: int, signed: str) -> str | None:
    """The value; None for a segment that is not ours, or of another message or link."""
    try:
        raw = urlsafe_b64decode(f"{signed}{'=' * (-len(signed) % 4)}")
    except (Error, ValueError):
        return None
    digest, value = raw[:DIGEST_BYTES], raw[DIGEST_BYTES:]
    for key in (settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS)):
        if hmac.compare_digest(digest, _digest(_keyed(key), token, number, value)):
            return value.decode(errors="replace")
    return None


def _digest(keyed: blake2s, token: str, number: int, value: bytes) -> bytes:
    one = keyed.copy()
    one.update(f"{token.lower()}/{number}/".encode() + value)
    return one.digest()


@cache
def _keyed(key: str) -> blake2s:
    return blake2s(digest_size=DIGEST_BYTES, key=derive(key, b"click values"))
