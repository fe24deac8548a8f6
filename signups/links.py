"""Tokens in the links of confirmation mails: the number of the sign-up and a keyed digest of 128
bits."""

import hmac
import re
from datetime import timedelta
from functools import cache
from hashlib import blake2s

from django.conf import settings
from django.urls import reverse

from accounts.secrets import derive, keys

DIGEST_BYTES = 16
# How long a link holds, from its latest mail on.
HOLDS = timedelta(days=7)
TOKEN = re.compile(r"[0-9a-f]{34,48}")


def make(signup_id: int) -> str:
    number = signup_id.to_bytes((signup_id.bit_length() + 7) // 8 or 1, "big")
    return (_digest(number, keys()[0]) + number).hex()


def url(signup_id: int) -> str:
    path = reverse("confirm_signup", kwargs={"token": make(signup_id)})
    return f"{settings.PUBLIC_URL}{path}"


def read(token: str) -> int | None:
    """The sign-up's number; None for a token that isn't ours."""
    if not TOKEN.fullmatch(token) or len(token) % 2:
        return None
    raw = bytes.fromhex(token)
    digest, number = raw[:DIGEST_BYTES], raw[DIGEST_BYTES:]
    if any(hmac.compare_digest(digest, _digest(number, key)) for key in keys()):
        return int.from_bytes(number, "big")
    return None


def _digest(number: bytes, key: str) -> bytes:
    return blake2s(number, digest_size=DIGEST_BYTES, key=_derived(key)).digest()


@cache
def _derived(key: str) -> bytes:
    return derive(key, b"signup links")
