"""Keyed digests of addresses: what stays of a person who asked to be erased.

The digest tells whether an address is that person's, and nobody who has only the database can find
the address by trying all that he knows: the key is made from YANSHU_SECRET_KEY. HMAC-SHA256 (RFC
2104), written with two plain digests, so that PostgreSQL computes the same for a million addresses
(contacts.queries.ways). Digests with former keys (YANSHU_SECRET_KEY_OLD) still count.
"""

import hmac
from dataclasses import dataclass
from functools import cache
from hashlib import sha256

from accounts.secrets import derive, keys

BLOCK = 64
# Numbers of RFC 2104.
INNER, OUTER = 0x36, 0x5C


@dataclass(frozen=True, slots=True)
class DigestKey:
    """A key, and the two blocks that begin what is digested."""

    key: bytes

    def _block(self, number: int) -> bytes:
        return bytes(byte ^ number for byte in self.key.ljust(BLOCK, b"\0"))

    @property
    def inner(self) -> bytes:
        return self._block(INNER)

    @property
    def outer(self) -> bytes:
        return self._block(OUTER)

    def digest(self, address: str) -> str:
        return hmac.new(self.key, address.encode(), sha256).hexdigest()


@cache
def _derived(key: str) -> DigestKey:
    return DigestKey(derive(key, b"erased addresses"))


def digest_keys() -> list[DigestKey]:
    """The current one first."""
    return [_derived(key) for key in keys()]


def digest(address: str) -> str:
    """Of a normalised address, in hexadecimal."""
    return digest_keys()[0].digest(address)


def digests(address: str) -> list[str]:
    """With each key."""
    return [one.digest(address) for one in digest_keys()]
