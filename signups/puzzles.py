"""Stamps of forms, and the puzzles in them: a program that fills in a million forms has to solve a
million.

A stamp is signed and says for which form it was made and when. Whoever finds a number with which
the digest begins with BITS zero bits has solved its puzzle: 65,536 digests on average, which take a
browser less than a second. The digest is SHA-256 (FIPS 180-4) of "<signature>.<number>" with the
signature of the stamp, short enough for one block. A stamp is used once: a sign-up keeps its id
(`Signup.puzzle`).
"""

import secrets
from dataclasses import dataclass
from hashlib import sha256

from django.core import signing
from django.utils import timezone

from pages.numbers import whole

SALT = "signups.puzzles"
# frontend/src/logic/puzzle.js has the same number.
BITS = 16
# Seconds: a page may stay open that long before it is sent.
HOLDS = 2 * 3600
# Seconds that a person needs at least to fill in a form.
SOONEST = 2
LONGEST = 300


@dataclass(frozen=True, slots=True)
class Stamp:
    """`age`: in seconds. `id`: unique."""

    id: str
    age: float


def make(key: str) -> str:
    """For the form with this key."""
    made = int(timezone.now().timestamp() * 1000)
    known = {"f": key, "t": made, "i": secrets.token_hex(16)}
    return signing.Signer(salt=SALT).sign_object(known)


def read(text: str, key: str) -> Stamp | None:
    """None: it is not ours, of another form, or too old."""
    if not text or len(text) > LONGEST:
        return None
    try:
        known = signing.Signer(salt=SALT).unsign_object(text)
    except signing.BadSignature:
        return None
    age = timezone.now().timestamp() - known["t"] / 1000
    return Stamp(known["i"], age) if known["f"] == key and age <= HOLDS else None


def solved(text: str, number: str) -> bool:
    """Whether `number` solves the puzzle of the stamp `text`."""
    if whole(number) is None:
        return False
    signature = text.rpartition(":")[2]
    digest = sha256(f"{signature}.{number}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> (32 - BITS) == 0
