"""The country that a contact's attribute names, by countries.toml. Pure.

A contact's country is the value of the attribute whose merge field is `country`: a code of ISO 3166
or a name, in English or Chinese. Case, width, accents and punctuation do not matter. Further words
may stand beside a name ("Shanghai, China", 中国上海), but then a code of two letters says nothing:
"San Marino, CA" is not in Canada.

The rule is here for Python (`codes`) and, with the same tables, for PostgreSQL (`NAMED`). A test
compares both (tests/sending/test_markets.py).
"""

import json
import re
import string
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

# The merge field. Imports give this key to columns named "Country" or "国家" (contacts.columns).
ATTRIBUTE = "country"
# No name of a country is longer; the rest of longer values is not read.
LONGEST = 100
SMALL = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
# Signs between a name and other words, and signs that are left out, after NFKD: those of names,
# zero-width ones, those that set the direction, accents.
BETWEEN = (
    ",;/|:()[]{}<>\\-_\n\r\t" + "\u2010\u2012\u2013\u2014\u00b7\u30fb\u2022\u3001\u3002\u300a\u300b"
)
WITHIN = " .'\"`*\u2018\u2019\u201c\u201d" + "".join(
    map(chr, (0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFE0F, 0xFEFF))
)
ACCENTS = "".join(map(chr, (*range(0x300, 0x30D), 0x326, 0x327, 0x328)))
FOLDING = str.maketrans(BETWEEN, "," * len(BETWEEN), WITHIN + ACCENTS)
# Names of two letters or digits are read only if nothing stands beside them.
SHORT = re.compile(r"[a-z]{1,2}|[0-9]+")
# A state of the US, too; "na" mostly means "not available".
DOUBTFUL_BESIDE, DOUBTFUL = {"georgia"}, {"na"}
# Chinese names need no sign behind them, flags none on either side. Lengths, the longest first.
BESIDE = re.compile("[㐀-鿿]{2,7}|[\U0001f1e6-\U0001f1ff]{2}")
FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
LENGTHS = (7, 6, 5, 4, 3, 2)

# `plain` and `fold` for PostgreSQL, of the value {value}. With the collation "C", letters other
# than A to Z keep their case in any database.
PLAIN = f"""lower(btrim(left({{value}}, {LONGEST})) COLLATE "C")"""
FOLDED = f"""
btrim(lower(translate(normalize(left({{value}}, {LONGEST}), NFKD),
                      %(country_signs)s, %(country_folded)s) COLLATE "C"), ',')
"""
BEFORE = "%(countries_before)s::jsonb ->> left(folded, {length})"
# Text: what the tables of the parameters say of {value}; {strange}, a text, if it names no country;
# null without a value. Names that are written as in countries.toml cost one look-up. The
# others are folded once for each row (OFFSET 0), and looked up further only where that may find
# something.
NAMED = f"""
coalesce(%(countries)s::jsonb ->> {PLAIN}, CASE WHEN {{value}} <> '' THEN (
  SELECT coalesce(
           %(countries)s::jsonb ->> replace(folded, ',', ''),
           CASE WHEN strpos(folded, ',') > 0 THEN nullif((
             coalesce((%(countries_beside)s::jsonb ->> split_part(folded, ',', 1))::int, 0)
             | coalesce((%(countries_beside)s::jsonb ->> split_part(folded, ',', -1))::int, 0)
           )::text, '0') END,
           CASE WHEN folded COLLATE "C" > '~' THEN coalesce(
             {", ".join(BEFORE.format(length=n) for n in LENGTHS)}) END,
           CASE WHEN right(folded, 1) COLLATE "C" > '~'
                THEN %(countries_flags)s::jsonb ->> right(folded, 2) END,
           CASE WHEN folded <> '' THEN {{strange}} END)
    FROM (SELECT {FOLDED} AS folded OFFSET 0) f) END)
"""  # noqa: S608 - only constants of ours


def plain(value: str) -> str:
    """A value as names are mostly written. PLAIN does the same."""
    return value[:LONGEST].strip(" ").translate(SMALL)


def fold(value: str) -> str:
    """A value as it is compared: parts between commas. FOLDED does the same."""
    decomposed = unicodedata.normalize("NFKD", value[:LONGEST])
    return decomposed.translate(FOLDING).translate(SMALL).strip(",")


@cache
def names() -> Mapping[str, str]:
    """{plain or folded name: code}"""
    return read(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def read(toml: str) -> dict[str, str]:
    """Raises ValueError for a name that two countries have."""
    found: dict[str, str] = {}
    for code, others in tomllib.loads(toml).items():
        for name in map(str.strip, (code, *others.split(";"), _flag(code))):
            # Upper and lower case of letters other than A to Z.
            cases = {name, name.lower(), name.upper(), name.title()}
            folded = {fold(one).replace(",", "") for one in cases}
            for one in ({*map(plain, cases)} | folded) - DOUBTFUL - {""}:
                if found.setdefault(one, code) != code:
                    raise ValueError(f"countries.toml: “{name}” is {found[one]} and {code}.")
    return found


def _flag(code: str) -> str:
    return "".join(chr(0x1F1E6 + ord(letter) - ord("A")) for letter in code)


@cache
def beside() -> Mapping[str, str]:
    """{folded name: code} of names with other words beside them, after a sign."""
    return {
        name: code
        for name, code in names().items()
        if not SHORT.fullmatch(name) and name not in DOUBTFUL_BESIDE and "," not in name
    }


@cache
def before() -> Mapping[str, str]:
    """{name: code} of names with other words behind them, without a sign."""
    return {name: code for name, code in names().items() if BESIDE.fullmatch(name)}


@cache
def flags() -> Mapping[str, str]:
    return {name: code for name, code in names().items() if FLAG.fullmatch(name)}


def tables() -> dict[str, Mapping[str, str]]:
    """The tables of NAMED, by its parameters. Their values are to be integers."""
    return {
        "countries": names(),
        "countries_beside": beside(),
        "countries_before": before(),
        "countries_flags": flags(),
    }


def signs() -> dict[str, str]:
    """The other parameters of NAMED."""
    return {
        "country_signs": BETWEEN + WITHIN + ACCENTS,
        "country_folded": "," * len(BETWEEN),
    }


def text(value: object) -> str:
    """A value of the attribute, of any type, as PostgreSQL's ->> gives it."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def codes(value: str) -> frozenset[str]:
    """The country that the value names. Two if it names one on each side ("China / France"), none
    if it names none that we know."""
    if code := names().get(plain(value)):
        return frozenset((code,))
    folded = fold(value)
    if code := names().get(folded.replace(",", "")):
        return frozenset((code,))
    parts = folded.split(",")
    if found := frozenset(_known(beside(), (parts[0], parts[-1]))):
        return found
    begun = _known(before(), (folded[:length] for length in LENGTHS))
    return frozenset([*begun, *_known(flags(), (folded[-2:],))][:1])


def _known(table: Mapping[str, str], some: Iterable[str]) -> list[str]:
    return [table[one] for one in some if one in table]


def says_something(value: str) -> bool:
    """Whether there is more than spaces and punctuation."""
    return bool(fold(value))
