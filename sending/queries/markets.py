"""The markets of many contacts at once, as sending.markets finds them for one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from accounts import markets as rules
from accounts.models import Workspace
from contacts import countries
from contacts.audience import Audience
from contacts.models import Attribute, Contact
from contacts.queries import audiencesql
from sending import markets
from sending.models import Mailing
from sending.purposes import RULES

# A column of the audience, whose statement reads the contact anyway.
COUNTRY = "country"
COLUMN = f", left(c.attributes ->> '{countries.ATTRIBUTE}', {countries.LONGEST}) AS {COUNTRY}"


@dataclass(frozen=True, slots=True)
class MarketSql:
    """SQL over rows with the column `address`. `bits`: the markets; `columns`: what the audience
    needs for it (AudienceSql.columns), and its name after a comma (`country`)."""

    bits: str = "0"
    columns: str = ""
    country: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)


def of_mailing(mailing: Mailing, *, country: str = COUNTRY) -> MarketSql:
    """`country`: an expression for the attribute's value. Notices have no market."""
    if not RULES[mailing.purpose].has_market_rules:
        return MarketSql()
    return of_workspace(mailing.workspace, country=country)


def of_workspace(workspace: Workspace, *, country: str = COUNTRY) -> MarketSql:
    # Without the attribute, the freeze reads no attributes.
    known = Attribute.objects.filter(workspace=workspace, key=countries.ATTRIBUTE).exists()
    return MarketSql(
        bits=markets.sql("address", country if known else ""),
        columns=COLUMN if known else "",
        country=f", {COUNTRY}" if known else "",
        parameters=markets.parameters(workspace.default_market),
    )


@dataclass(frozen=True, slots=True)
class AudienceMarkets:
    """The recipients of an audience by their markets. `bits`: {bits of markets: recipients}.
    `no_country`: of those in no market, those of whom nothing tells the country; `no_rules`: those
    in a country without rules here. `strange`: those whose value names no country;
    `strange_kinds`: how many different values; `most`: {the value's beginning: recipients} of the
    most frequent. They are in `bits` as well: by their address, or in
    the default market."""

    bits: dict[int, int] = field(default_factory=dict)
    no_country: int = 0
    no_rules: int = 0
    strange: int = 0
    strange_kinds: int = 0
    most: dict[str, int] = field(default_factory=dict)


# One pass over the people; each value of the country is looked up once. `named` and `at` are the
# two parts of a place (sending.markets). Strange values may be as many as people, so that only the
# most frequent leave the database.
COUNT = """
WITH valued AS (
  SELECT reason, CASE WHEN reason IS NULL THEN {value} END AS {country},
         CASE WHEN reason IS NULL THEN {at} END AS at, count(*) AS people
    FROM ({audience}) a GROUP BY 1, 2, 3),
counted AS (
  SELECT reason, {named} AS named, at, sum(people) AS people FROM valued GROUP BY 1, 2, 3),
strange AS (
  SELECT substr(named, 2) AS value, sum(people)::bigint AS people FROM counted
   WHERE named LIKE '~%%' GROUP BY 1)
SELECT reason, CASE WHEN named LIKE '~%%' THEN '{strange}' ELSE named END, at, NULL AS value,
       sum(people)::bigint AS people
  FROM counted GROUP BY 1, 2, 3
 UNION ALL
(SELECT NULL, NULL, NULL, value, people FROM strange ORDER BY people DESC, value LIMIT {shown})
 UNION ALL
 SELECT NULL, NULL, NULL, NULL, count(*) FROM strange
 ORDER BY people DESC
"""
# Strange values that are named.
MOST = 5


def count(workspace: Workspace, audience: Audience) -> dict[str, Any]:
    """As contacts.queries.audience.count, and "markets": AudienceMarkets. Together in one
    statement, because reading the people costs most. Raises UnusableError."""
    ruled = of_workspace(workspace)
    asked = audiencesql.of(audience, columns=ruled.columns)
    sql = COUNT.format(
        value=COUNTRY if ruled.columns else "NULL::text",
        country=COUNTRY,
        named=markets.named_sql(COUNTRY),
        at=markets.at_sql("address"),
        audience=asked.statement,
        strange=markets.STRANGE,
        shown=MOST,
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, asked.parameters | ruled.parameters)
        rows = cursor.fetchall()
    places: dict[int, int] = {}
    left_out: dict[str, int] = {}
    most: dict[str, int] = {}
    kinds = 0
    for reason, named, at, value, people in rows:
        if reason is not None:
            left_out[reason] = people
        elif at is not None:
            here = int(named or 0) | at
            places[here] = places.get(here, 0) + people
        elif value is not None:
            most[value] = people
        else:
            kinds = people
    return {
        "recipients": sum(places.values()),
        "excluded": left_out,
        "markets": _of_places(places, workspace.default_market, most=most, kinds=kinds),
    }


def _of_places(
    places: dict[int, int], default: str, *, most: dict[str, int], kinds: int
) -> AudienceMarkets:
    bits: dict[int, int] = {}
    for place, people in places.items():
        found = markets.bits_of(place, default=default)
        bits[found] = bits.get(found, 0) + people
    return AudienceMarkets(
        bits=bits,
        no_country=0 if markets.bits_of(0, default=default) else places.get(0, 0),
        no_rules=places.get(markets.KNOWN, 0),
        strange=sum(people for place, people in places.items() if place & markets.STRANGE),
        strange_kinds=kinds,
        most=most,
    )


# Values of the filter by market besides the keys: in no market because no country is known, because
# the country has no rules here, or for any cause; and whose value names no country.
NO_COUNTRY, NO_RULES, NONE, STRANGE = "no-country", "no-rules", "none", "not-understood"


def condition(workspace: Workspace, chosen: str) -> tuple[str, str, dict[str, Any]]:
    """(columns of the audience, a condition on its rows, parameters): whose market is `chosen`, a
    key or one of the values above. The condition is false for anything else."""
    ruled = of_workspace(workspace)
    place = f"({markets.place_sql('address', COUNTRY if ruled.columns else '')})"
    bits = rules.of_key(chosen)
    default = markets.bits_of(0, default=workspace.default_market)
    found = {
        NO_COUNTRY: "false" if default else f"{place} = 0",
        NO_RULES: f"{place} = {markets.KNOWN}",
        NONE: f"({ruled.bits}) = 0",
        STRANGE: f"{place} & {markets.STRANGE} > 0",
    }
    which = found.get(chosen) or (f"({ruled.bits}) & {bits} = {bits}" if bits else "false")
    return ruled.columns, which, ruled.parameters


def of_contacts(workspace: Workspace, addresses: Mapping[int, str]) -> dict[int, int]:
    """{id: bits} of these contacts, {id: address}, as they are now."""
    known = Contact.objects.filter(workspace=workspace, pk__in=addresses)
    country = dict(known.values_list("pk", f"attributes__{countries.ATTRIBUTE}"))
    default = workspace.default_market
    if not Attribute.objects.filter(workspace=workspace, key=countries.ATTRIBUTE).exists():
        country = {}
    return {
        pk: markets.of(country.get(pk), address, default=default)
        for pk, address in addresses.items()
    }
