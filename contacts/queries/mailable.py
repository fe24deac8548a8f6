"""Whether an address may be mailed. The rule is in contacts.queries.ways; here are the questions.

A suppression stops an address, a domain with all its addresses but not its subdomains, the
addresses of a pattern, or an erased person; within its workspace or in the whole installation;
until it is lifted or its time is over. Mails of some purposes ignore some reasons of the address's
own suppression. The mail that asks whether somebody signed up ignores that the person was erased
(signups.services.mails). No mail ignores any other.
"""

from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models import BooleanField, F, Func, Q, QuerySet
from django.utils import timezone

from accounts.models import Workspace
from contacts.queries import ways
from contacts.suppressionmodels import Suppression


def in_force(workspace: Workspace | None) -> QuerySet[Suppression]:
    """The suppressions of a workspace (None: of the installation) that stop mail now."""
    lasts = Q(until=None) | Q(until__gt=timezone.now())
    return Suppression.objects.filter(lasts, workspace=workspace, lifted_at=None)


def domain_of(address: str) -> str:
    return address.rpartition("@")[2]


def stops_of(workspace: Workspace, addresses: Iterable[str]) -> dict[str, list[Suppression]]:
    """{address: all suppressions that stop it}, without addresses that may be mailed. Addresses in
    stored form. The first suppression gives the reason."""
    emails = sorted(set(addresses))
    if not emails:
        return {}
    used = ways.of(workspace.pk)
    asked = (
        f"SELECT given.address, stop.id, {number} AS way FROM given"  # noqa: S608 - ours
        " JOIN contacts_suppression stop ON "
        + way.condition("stop", address="given.address", workspace="%(workspace)s")
        for number, way in enumerate(used.all)
    )
    # MATERIALIZED: the addresses are looked up by the indexes, way by way.
    sql = (
        "WITH given AS MATERIALIZED (SELECT unnest(%(addresses)s::text[]) AS address) "
        + " UNION ALL ".join(asked)
        + " ORDER BY 1, 3, 2"
    )
    with connection.cursor() as cursor:
        known: dict[str, Any] = {
            "workspace": workspace.pk,
            "addresses": emails,
            **ways.parameters(),
        }
        cursor.execute(sql, known)
        pairs = [(address, pk) for address, pk, _way in cursor.fetchall()]
    rows = Suppression.objects.select_related("created_by").in_bulk({pk for _, pk in pairs})
    found: dict[str, list[Suppression]] = {}
    for address, pk in pairs:
        found.setdefault(address, []).append(rows[pk])
    return found


def stops_of_domain(workspace: Workspace, domain: str) -> list[Suppression]:
    """Suppressions of the domain (as A-labels) with all its addresses, the workspace's first."""
    kind = Suppression.Kind.DOMAIN
    found = in_force(workspace) | in_force(None)
    return list(
        found.filter(kind=kind, value=domain)
        .select_related("created_by")
        .order_by(F("workspace").asc(nulls_last=True), "pk")
    )


def stopped_among(workspace: Workspace, addresses: Iterable[str]) -> set[str]:
    """Those of the addresses that are suppressed, in any way."""
    return set(stops_of(workspace, addresses))


class IsStopped(Func):
    """A condition on rows with a column of addresses."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, workspace_id: int, address: str) -> None:
        super().__init__(F(address))
        self.workspace = str(int(workspace_id))
        self.ways = ways.of(workspace_id)

    def as_sql(self, compiler: Any, *_args: Any, **_extra: Any) -> tuple[str, tuple[Any, ...]]:
        address, _none = compiler.compile(self.source_expressions[0])
        found = " OR ".join(
            way.membership(address=address, workspace=self.workspace, keys=("%s", "%s"))
            for way in self.ways.all
        )
        return f"({found})", tuple(self.ways.blocks)


def is_stopped(workspace: Workspace, *, email: str = "email") -> Q:
    """A condition on rows with this column of addresses."""
    return Q(IsStopped(workspace.pk, email))


def code_of(one: Suppression) -> str:
    """The reason that it gives (contacts.queries.ways.Way.code), a code of pages.reasons."""
    if one.kind in {Suppression.Kind.PATTERN, Suppression.Kind.ERASED}:
        return f"suppressed_{one.kind}"
    if one.everywhere:
        return "suppressed_everywhere"
    return f"suppressed_{one.kind if one.kind == Suppression.Kind.DOMAIN else one.reason}"
