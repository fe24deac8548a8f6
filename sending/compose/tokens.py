"""Tokens that stand for one message in public addresses: its id and a keyed digest; and those of
mailings.

Hexadecimal, because some servers change the case of a VERP sender. Base32 would be four letters
shorter, but takes longer to make than all headers of a mail.
"""

import hmac
import re
from collections.abc import Callable
from functools import cache
from hashlib import blake2s

from accounts.secrets import derive, keys

DIGEST_BYTES = 8
# The message id of previews and test mails.
NOBODY = 0
# Fits a VERP local part of 64 octets (RFC 5321, 4.5.3.1.1).
PATTERN = r"[0-9a-fA-F]{18,32}"
TOKEN = re.compile(PATTERN)
# A token in an envelope sender (relays.verp), after any of the signs that relays use.
TAGGED = re.compile(rf"[+=-]({PATTERN})@")


def make(message_id: int) -> str:
    """18 to 32 characters."""
    return maker()(message_id)


def maker() -> Callable[[int], str]:
    """Like `make`, for many messages: the settings are read once."""
    keyed = _keyed(keys()[0])

    def token(message_id: int) -> str:
        number = message_id.to_bytes((message_id.bit_length() + 7) // 8 or 1, "big")
        return (_digest(number, keyed) + number).hex()

    return token


def read(token: str) -> int | None:
    """The message's id, or None for a token that isn't ours."""
    return _read(token, _keyed)


def of_sender(address: str) -> int | None:
    """The id of the message whose envelope sender this is."""
    for found in TAGGED.finditer(address):
        if (number := read(found[1])) is not None:
            return number
    return None


def make_total(mailing_id: int) -> str:
    """The token of a mailing, for a pixel that all its mails share. The key is another one, so that
    neither kind of token can be taken for the other."""
    return _made(mailing_id, _keyed_total(keys()[0]))


def read_total(token: str) -> int | None:
    """The mailing's id, or None for a token that isn't ours."""
    return _read(token, _keyed_total)


def _read(token: str, keyed: Callable[[str], blake2s]) -> int | None:
    if not TOKEN.fullmatch(token) or len(token) % 2:
        return None
    raw = bytes.fromhex(token)
    digest, number = raw[:DIGEST_BYTES], raw[DIGEST_BYTES:]
    for key in keys():
        if hmac.compare_digest(digest, _digest(number, keyed(key))):
            return int.from_bytes(number, "big")
    return None


def _made(number: int, keyed: blake2s) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8 or 1, "big")
    return (_digest(raw, keyed) + raw).hex()


def _digest(number: bytes, keyed: blake2s) -> bytes:
    one = keyed.copy()
    one.update(number)
    return one.digest()


@cache
def _keyed(key: str) -> blake2s:
    """A digest object with the key taken in, to be copied: taking in the key costs as much as the
    rest."""
    return blake2s(digest_size=DIGEST_BYTES, key=derive(key, b"message tokens"))


@cache
def _keyed_total(key: str) -> blake2s:
    return blake2s(digest_size=DIGEST_BYTES, key=derive(key, b"tokens of common pixels"))
