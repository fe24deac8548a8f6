"""The markets of many contacts at once, as sending.markets finds them for one."""

from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from accounts.models import Workspace
from contacts import countries
from contacts.audience import Audience
from contacts.models import Attribute
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


def count(workspace: Workspace, audience: Audience) -> dict[str, Any]:
    """As contacts.queries.audience.count, and "markets": {bits of markets: recipients}. Together in
    one statement, because reading the people costs most. Raises UnusableError."""
    ruled = of_workspace(workspace)
    asked = audiencesql.of(audience, columns=ruled.columns)
    sql = f"""
        SELECT reason, CASE WHEN reason IS NULL THEN {ruled.bits} END, count(*)
          FROM ({asked.statement}) a GROUP BY 1, 2 ORDER BY 3 DESC
    """  # noqa: S608 - constants and parameters
    with connection.cursor() as cursor:
        cursor.execute(sql, asked.parameters | ruled.parameters)
        rows = cursor.fetchall()
    counted = {bits: number for reason, bits, number in rows if reason is None}
    return {
        "recipients": sum(counted.values()),
        "excluded": {reason: number for reason, _bits, number in rows if reason is not None},
        "markets": counted,
    }
