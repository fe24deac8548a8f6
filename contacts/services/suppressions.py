"""Suppressions: who must not be mailed, and why. One active row an address or domain."""

from collections.abc import Iterable, Sequence

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User, Workspace
from contacts import addresses
from contacts.models import Suppression


def suppress(  # noqa: PLR0913 - each says something else about the one row
    workspace: Workspace,
    *,
    value: str,
    kind: str,
    reason: str,
    source: str,
    detail: str = "",
    by: User | None = None,
) -> Suppression:
    """Suppress an address or domain; one that is already suppressed stays as it was.

    `value` is normalised here; raises addresses.AddressError if it is neither.
    """
    clean = addresses.normalise_domain if kind == Suppression.Kind.DOMAIN else addresses.normalise
    suppression, _ = Suppression.objects.get_or_create(
        workspace=workspace,
        kind=kind,
        value=clean(value),
        lifted_at=None,
        defaults={"reason": reason, "source": source, "detail": detail, "created_by": by},
    )
    return suppression


def suppress_addresses(
    workspace: Workspace,
    rows: Iterable[tuple[str, str]],
    *,
    reason: str,
    source: str,
    by: User | None = None,
) -> int:
    """Suppress many (normalised address, detail) in one statement; returns how many are new.

    Bounces arrive in batches, from several workers at once: the unique index decides, and the first
    reason stays.
    """
    pairs = sorted(dict(rows).items())  # one order for all writers: no deadlock
    if not pairs:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO contacts_suppression
                (workspace_id, kind, value, reason, source, detail, created_by_id, created_at)
            SELECT %s, 'address', value, %s, %s, detail, %s, now()
            FROM unnest(%s::text[], %s::text[]) AS given (value, detail)
            ON CONFLICT (workspace_id, kind, value) WHERE lifted_at IS NULL DO NOTHING
            """,
            [
                workspace.pk,
                reason,
                source,
                by.pk if by else None,
                [value for value, _ in pairs],
                [detail for _, detail in pairs],
            ],
        )
        return cursor.rowcount


def lift(suppression: Suppression, by: User | None) -> bool:
    """Allow mail again. The row stays as history; False if it was lifted before."""
    return bool(
        Suppression.objects.filter(pk=suppression.pk, lifted_at=None).update(
            lifted_at=timezone.now(), lifted_by=by
        )
    )


@transaction.atomic
def lift_many(workspace: Workspace, ids: Sequence[int], by: User | None) -> int:
    """Lift these suppressions of the workspace; returns how many were active."""
    return Suppression.objects.filter(workspace=workspace, pk__in=ids, lifted_at=None).update(
        lifted_at=timezone.now(), lifted_by=by
    )
