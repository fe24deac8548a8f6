"""The country that a contact's attribute names, by countries.toml. Pure.

A contact's country is the value of the attribute whose merge field is `country`: a code of ISO
3166-1 or a name, in English or Chinese. Case does not matter.
"""

import string
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

# The merge field. Imports give this key to columns named "Country" or "国家" (contacts.columns).
ATTRIBUTE = "country"
# No name of a country is longer; longer values are not read.
LONGEST = 100
# `fold` for PostgreSQL, of the value {value}. With the collation "C", letters other than A to Z
# keep their case in any database.
FOLDED = f"""lower(btrim(left({{value}}, {LONGEST})) COLLATE "C")"""
SMALL = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def fold(value: str) -> str:
    """A value as it is compared. FOLDED does the same."""
    return value[:LONGEST].strip(" ").translate(SMALL)


@cache
def names() -> Mapping[str, str]:
    """{folded name: code}"""
    return read(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def read(toml: str) -> dict[str, str]:
    """Raises ValueError for a name that two countries have."""
    found: dict[str, str] = {}
    for code, others in tomllib.loads(toml).items():
        for name in map(str.strip, (code, *others.split(";"))):
            # Both forms of "Österreich".
            for folded in {fold(name), name.lower()} - {""}:
                if found.setdefault(folded, code) != code:
                    raise ValueError(f"countries.toml: “{name}” is {found[folded]} and {code}.")
    return found


def code_of(value: str) -> str | None:
    """None: the value names no country that we know."""
    return names().get(fold(value))
