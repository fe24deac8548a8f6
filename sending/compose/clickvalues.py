"""Signs the personal part of a link into the link's address.

The keyed digest covers the mailing, the link and the value: nobody can make a link that leads
elsewhere than a mail of this mailing did. The recipient is not part of it (the message's token
names the recipient), so that people with the same value share the signature, which is cached.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Callable
from functools import cache, lru_cache
from hashlib import blake2s

from accounts.secrets import derive, keys

# A multiple of three: base64 needs no padding for it.
DIGEST_BYTES = 9
# How many signatures are cached: about the links of one mail.
LINKS = 64


def signer(mailing_id: int) -> Callable[[int, str], str]:
    """Signs (number of the link, value) as the segment that follows the number in the link's
    address. The settings are read once."""
    keyed = _keyed(keys()[0])

    # Both parts of a mail have the same links.
    @lru_cache(maxsize=LINKS)
    def sign(number: int, value: str) -> str:
        raw = value.encode(errors="replace")
        signed = _digest(keyed, mailing_id, number, raw) + raw
        return f"/{urlsafe_b64encode(signed).rstrip(b'=').decode()}"

    return sign


def read(mailing_id: int, number: int, signed: str) -> str | None:
    """The value; None for a segment that is not ours, or of another mailing or link."""
    try:
        raw = urlsafe_b64decode(f"{signed}{'=' * (-len(signed) % 4)}")
    except (Error, ValueError):
        return None
    digest, value = raw[:DIGEST_BYTES], raw[DIGEST_BYTES:]
    for key in keys():
        if hmac.compare_digest(digest, _digest(_keyed(key), mailing_id, number, value)):
            return value.decode(errors="replace")
    return None


def _digest(keyed: blake2s, mailing_id: int, number: int, value: bytes) -> bytes:
    one = keyed.copy()
    one.update(f"{mailing_id}/{number}/".encode() + value)
    return one.digest()


@cache
def _keyed(key: str) -> blake2s:
    return blake2s(digest_size=DIGEST_BYTES, key=derive(key, b"click values"))
