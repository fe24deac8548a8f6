"""Random shares of a workspace's contacts. A code mixes them: with the same code each contact has
the same place each time, so shares with other limits never overlap; another code mixes them anew.
Pure."""

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Sequence
from typing import Any

from contacts.segments.sql import Sql, given, put

# Places of 0.01 % each.
PLACES = 10_000
LENGTH = 6
# Without characters that are taken for one another.
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
CODE = re.compile(r"[a-z0-9-]{1,20}")
# Of the database: fast (0.1 s for a million, md5 0.55 s), and the same after a restore and an
# upgrade, since partitions depend on it. The mask makes it positive.
PLACE = "mod(hashint8extended({}, {}) & 9223372036854775807, 10000)"


def new_code() -> str:
    return "".join(secrets.choice(LETTERS) for _number in range(LENGTH))


def read_code(text: str) -> str:
    """A typed code as it is stored. Raises ValueError."""
    code = unicodedata.normalize("NFKC", text).strip().lower()
    if not CODE.fullmatch(code):
        raise ValueError(text[:50])
    return code


def percent(number: float) -> int | float:
    """Raises ValueError unless it is a percentage with at most two decimals."""
    places = round(number * PLACES / 100)
    if not 0 <= number <= 100 or abs(places - number * PLACES / 100) > 1e-6:
        raise ValueError(str(number))
    return int(number) if number == int(number) else number


def place(contact: Sql, code: str) -> Sql:
    """The place of a contact's id, from 0 to 9,999."""
    digest = hashlib.sha256(code.encode()).digest()
    seed = int.from_bytes(digest[:8], "big", signed=True)
    return put(PLACE, contact, given(seed, "bigint"))


def within(contact: Sql, values: Sequence[Any]) -> Sql:
    """Whether a contact's id is in the share. `values`: from, to (percent, excluded), code."""
    first, end = (round(float(one) * PLACES / 100) for one in values[:2])
    mixed = place(contact, str(values[2]))
    return put("({} >= {} AND {} < {})", mixed, given(first, "int"), mixed, given(end, "int"))
