"""May this address be mailed? The one text of the rule, for SQL and for the ORM.

A suppression stops an address, or a domain with all its addresses but not its subdomains, within
its workspace and until it is lifted. Mails of some purposes ignore some reasons (`ignored`); no
mail ignores a domain.
"""

from collections.abc import Collection, Iterable

from django.db.models import CharField, F, Func, Q, QuerySet, Value

from accounts.models import Workspace
from contacts.models import Suppression

Kind = Suppression.Kind

# Of `{row}`, a row of contacts_suppression: it stops the address.
STOPS_ADDRESS = (
    "{row}.workspace_id = {workspace} AND {row}.kind = 'address'"
    " AND {row}.value = {address} AND {row}.lifted_at IS NULL"
)
STOPS_DOMAIN = (
    "{row}.workspace_id = {workspace} AND {row}.kind = 'domain'"
    " AND {row}.value = split_part({address}, '@', 2) AND {row}.lifted_at IS NULL"
)
_JOINS = """
  LEFT JOIN contacts_suppression by_address ON {by_address}{but}
  LEFT JOIN contacts_suppression by_domain ON {by_domain}
"""
# With `joins`: why the address is not mailed, as a code of pages.reasons; null: it may be.
REASON = """
CASE WHEN by_address.reason IS NOT NULL THEN 'suppressed_' || by_address.reason
     WHEN by_domain.reason IS NOT NULL THEN 'suppressed_domain' END
"""
STOPPED = "(by_address.id IS NOT NULL OR by_domain.id IS NOT NULL)"


def joins(address: str, *, workspace: str = "%(workspace)s", ignoring: bool = False) -> str:
    """LEFT JOINs of what stops an `address` (SQL): at most one row each of `by_address` and
    `by_domain`. `ignoring`: reasons of the parameter `ignored` stop no address."""
    given = {"address": address, "workspace": workspace}
    return _JOINS.format(
        by_address=STOPS_ADDRESS.format(row="by_address", **given),
        by_domain=STOPS_DOMAIN.format(row="by_domain", **given),
        but=" AND by_address.reason <> ALL(%(ignored)s)" if ignoring else "",
    )


def lateral_joins(address: str, *, workspace: str = "%(workspace)s") -> str:
    """As `joins`, for statements in which each row must be looked up by an index."""
    found = ""
    for name, rule in (("by_address", STOPS_ADDRESS), ("by_domain", STOPS_DOMAIN)):
        where = rule.format(row="stop", address=address, workspace=workspace)
        found += (
            f"LEFT JOIN LATERAL (SELECT id, reason FROM contacts_suppression stop"  # noqa: S608
            f" WHERE {where} OFFSET 0) {name} ON true\n"
        )
    return found


def active(workspace: Workspace) -> QuerySet[Suppression]:
    return Suppression.objects.filter(workspace=workspace, lifted_at=None)


def domain_of(address: str) -> str:
    return address.rpartition("@")[2]


def stopping(workspace: Workspace, addresses: Iterable[str]) -> QuerySet[Suppression]:
    """What stops mail to these addresses (as they are stored)."""
    emails = list(addresses)
    domains = {domain_of(email) for email in emails}
    return active(workspace).filter(
        Q(kind=Kind.ADDRESS, value__in=emails) | Q(kind=Kind.DOMAIN, value__in=domains)
    )


def stopped_among(workspace: Workspace, addresses: Iterable[str]) -> set[str]:
    """Those of the addresses that get no mail, by themselves or by their domain."""
    emails = set(addresses)
    found = set(stopping(workspace, emails).values_list("kind", "value"))
    return {
        email
        for email in emails
        if {(Kind.ADDRESS.value, email), (Kind.DOMAIN.value, domain_of(email))} & found
    }


class DomainOf(Func):
    """What stands after the @ of a column."""

    function = "split_part"
    output_field = CharField()

    def __init__(self, address: str) -> None:
        super().__init__(F(address), Value("@"), Value(2))


def is_stopped(workspace: Workspace, *, email: str = "email", domain: str = "domain") -> Q:
    """A condition on rows with these columns (`domain` from `DomainOf`). As two sets, which are
    hashed once; with EXISTS they would be looked up for each row."""
    stops = active(workspace)
    by_address = stops.filter(kind=Kind.ADDRESS).values("value")
    by_domain = stops.filter(kind=Kind.DOMAIN).values("value")
    return Q(**{f"{email}__in": by_address}) | Q(**{f"{domain}__in": by_domain})


def codes(reasons: Collection[str]) -> list[str]:
    """Reasons of suppressions as codes of pages.reasons."""
    return [f"suppressed_{reason}" for reason in reasons]
