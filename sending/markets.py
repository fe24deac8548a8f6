"""The markets of a contact: whose rules hold for a mail to it (accounts.markets). Pure.

- The country that its attribute `country` names (contacts.countries).
- The country of its address: that of the mail provider ([mail] of relays.providers), or else that
  of the top-level domain. Other domains, such as .com and gmail.com, say nothing.

If both are known, the rules of both hold, so that the stricter rule wins: a contact in Germany with
a mailbox at QQ. If none is known, the workspace's default market holds. A country without rules of
ours is known, so that the default market does not hold there.

The rule is here for Python (`of`, for previews) and for PostgreSQL (`sql`, for the freeze,
streams and counts). A test compares both.
"""

import json
from functools import cache
from typing import Any

from accounts import markets
from contacts import countries
from contacts.countries import FOLDED
from relays.providers.mailproviders import domain_countries

# In the tables of the statement: the place is known, with or without rules. Above all bits.
KNOWN = 1 << 15
# Look-ups in constants, which cost each row the same under any statistics; a join to a table of
# values was sorted. Each look-up is written once, and so done once.
BITS = f"""
(coalesce(nullif(coalesce({{in_country}}, 0)
                 | coalesce((%(mail_domains)s::jsonb -> split_part({{address}}, '@', 2))::int,
                            (%(top_level)s::jsonb -> split_part({{address}}, '.', -1))::int, 0),
                 0),
          %(default_market)s) & {KNOWN - 1})::smallint
"""
IN_COUNTRY = f"(%(countries)s::jsonb -> {FOLDED.format(value='{country}')})::int"


def sql(address: str, country: str = "") -> str:
    """An expression with the bits, as PostgreSQL's `of`. `address`, `country`: columns; "": the
    workspace has no attribute for countries. Needs `parameters`."""
    in_country = IN_COUNTRY.format(country=country) if country else "NULL"
    return BITS.format(in_country=in_country, address=address)


def parameters(default: str) -> dict[str, Any]:
    """Parameters of `sql`. `default`: the key of the workspace's default market."""
    tables = {
        "countries": _of_names(),
        "mail_domains": _of_mail_domains(),
        "top_level": _of_top_level(),
    }
    return {
        name: json.dumps({key: bits | KNOWN for key, bits in table.items()})
        for name, table in tables.items()
    } | {"default_market": markets.of_key(default)}


def of(country: object, address: str, *, default: str) -> int:
    """The bits of a contact's markets. `country`: the value of the attribute, of any type."""
    in_country = _of_names().get(countries.fold(country)) if isinstance(country, str) else None
    domain = address.rpartition("@")[2]
    at = _of_mail_domains().get(domain)
    if at is None:
        at = _of_top_level().get(domain.rpartition(".")[2])
    if in_country is None and at is None:
        return markets.of_key(default)
    return (in_country or 0) | (at or 0)


@cache
def _of_codes() -> dict[str, int]:
    """{code of a country: bits}"""
    every = markets.markets().values()
    return {code: markets.of_key(one.key) for one in every for code in one.countries}


@cache
def _of_names() -> dict[str, int]:
    """{name of a country: bits}; 0 for countries without rules of ours"""
    return {name: _of_codes().get(code, 0) for name, code in countries.names().items()}


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
