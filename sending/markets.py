"""The markets of a contact: whose rules hold for a mail to it (accounts.markets). Pure.

- The country that its attribute `country` names (contacts.countries).
- The country of its address: that of the mail provider ([mail] of relays.providers), or else that
  of the top-level domain. Other domains, such as .com and gmail.com, say nothing.

If both are known, the rules of both hold, so that the stricter rule wins: a contact in Germany with
a mailbox at QQ. If none is known, the workspace's default market holds. A country without rules of
ours is known, so that the default market does not hold there. A value that names no country says
nothing, and is pointed out to the marketer (STRANGE).

The rule is here for Python (`of`, for previews) and for PostgreSQL (`sql`, for the freeze,
streams and counts). A test compares both.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from accounts import markets
from contacts import countries
from relays.providers.mailproviders import domain_countries

# A place is a number: the bits of its markets, and KNOWN if a country is known, with or without
# rules; STRANGE if the attribute has a value that names none. 0: nothing is said about the country.
KNOWN = 1 << 15
STRANGE = 1 << 16
# Characters of a strange value that are shown.
SHOWN = 40
# Look-ups in constants, which cost each row the same under any statistics; a join to a table of
# values was sorted. Each look-up is written once, and so done once.
AT = """
coalesce((%(mail_domains)s::jsonb -> split_part({address}, '@', 2))::int,
         (%(top_level)s::jsonb -> split_part({address}, '.', -1))::int, 0)
"""
# `_bits` for PostgreSQL, of a {place}.
BITS = f"""
(coalesce(nullif({{place}} & {STRANGE - 1}, 0), %(default_market)s) & {KNOWN - 1})::smallint
"""


def sql(address: str, country: str = "") -> str:
    """An expression with the bits, as PostgreSQL's `of`. `address`, `country`: columns; "": the
    workspace has no attribute for countries. Needs `parameters`."""
    return BITS.format(place=f"({place_sql(address, country)})")


def place_sql(address: str, country: str = "") -> str:
    """An expression with the place, as PostgreSQL's `place`."""
    at = at_sql(address)
    if not country:
        return at
    named = countries.NAMED.format(value=country, strange=f"'{STRANGE}'")
    return f"coalesce(({named})::int, 0) | {at}"


def at_sql(address: str) -> str:
    """The same by the address alone."""
    return AT.format(address=address)


def named_sql(country: str) -> str:
    """Text: the same by the value alone; in place of STRANGE "~" and the value's beginning. Null
    without a value."""
    strange = f"'~' || left(btrim({country}), {SHOWN})"
    return countries.NAMED.format(value=country, strange=strange)


def parameters(default: str) -> dict[str, Any]:
    """Parameters of `sql`. `default`: the key of the workspace's default market."""
    given: dict[str, Any] = {
        "mail_domains": _json(_of_mail_domains()),
        "top_level": _json(_of_top_level()),
        "default_market": markets.of_key(default),
    }
    return given | _of_countries() | countries.signs()


def of(country: object, address: str, *, default: str) -> int:
    """The bits of a contact's markets. `country`: the value of the attribute, of any type."""
    return bits_of(place(country, address), default=default)


def bits_of(place_: int, *, default: str) -> int:
    """The bits of the markets whose rules hold in this place."""
    return ((place_ & (STRANGE - 1)) or markets.of_key(default)) & (KNOWN - 1)


def place(country: object, address: str) -> int:
    value = countries.text(country)
    found = _of_some(countries.codes(value))
    if not found and countries.says_something(value):
        found = STRANGE
    domain = address.rpartition("@")[2]
    at = _of_mail_domains().get(domain)
    if at is None:
        at = _of_top_level().get(domain.rpartition(".")[2])
    return found if at is None else found | at | KNOWN


def _of_some(codes: Iterable[str]) -> int:
    """The bits of these countries, with KNOWN; 0 for none."""
    found = 0
    for code in codes:
        found |= _of_codes().get(code, 0) | KNOWN
    return found


@cache
def _of_codes() -> dict[str, int]:
    """{code of a country: bits}"""
    every = markets.markets().values()
    return {code: markets.of_key(one.key) for one in every for code in one.countries}


@cache
def _of_countries() -> dict[str, str]:
    """The tables of countries.NAMED, {name: bits}; 0 for countries without rules of ours."""
    return {
        parameter: _json({name: _of_codes().get(code, 0) for name, code in table.items()})
        for parameter, table in countries.tables().items()
    }


def _json(table: Mapping[str, int]) -> str:
    return json.dumps({key: bits | KNOWN for key, bits in table.items()}, ensure_ascii=False)


def _of_mail_domains() -> dict[str, int]:
    """{domain of a mail provider: bits}. Not cached: an operator's file may be loaded later."""
    return {
        domain: bits
        for domain, code in domain_countries().items()
        if (bits := _of_codes().get(code)) is not None
    }


@cache
def _of_top_level() -> dict[str, int]:
    """{top-level domain: bits}"""
    every = markets.markets().values()
    return {domain: markets.of_key(one.key) for one in every for domain in one.top_level}
