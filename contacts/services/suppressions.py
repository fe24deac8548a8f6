"""Suppressions: who must not be mailed, and why. One active row an address or domain."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import User, Workspace
from contacts import addresses
from contacts.models import Afterwards, Contact, Suppression
from contacts.provenance import BY_HAND, Source
from contacts.queries import suppressing


def suppress(  # noqa: PLR0913 - each says something else about the one row
    workspace: Workspace,
    *,
    value: str,
    kind: str,
    reason: str,
    source: Source,
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
        defaults={"reason": reason, "detail": detail, "created_by": by, **source.columns},
    )
    return suppression


def suppress_addresses(
    workspace: Workspace,
    rows: Iterable[tuple[str, str]],
    *,
    reason: str,
    source: Source,
    by: User | None = None,
) -> int:
    """Suppress many (normalised address, detail) in one statement; returns how many are new.

    Bounces arrive in batches, from several workers at once: the unique index decides, and the first
    reason stays. A "no" that a person says once more, by another mail or by a complaint, is marked
    (`afterwards`): then the first mail's link can't take it back (tracking.services.leaving).
    """
    pairs = sorted(dict(rows).items())  # one order for all writers: no deadlock
    if not pairs:
        return 0
    given: dict[str, Any] = {
        "workspace": workspace.pk,
        "reason": reason,
        **source.columns,
        "by": by.pk if by else None,
        "values": [value for value, _ in pairs],
        "details": [detail for _, detail in pairs],
    }
    return suppressing.addresses(given)


def lift(suppression: Suppression, by: User | None) -> bool:
    """Allow mail again. The row stays as history; False if it was lifted before."""
    return bool(
        Suppression.objects.filter(pk=suppression.pk, lifted_at=None).update(
            lifted_at=timezone.now(), lifted_by=by
        )
    )


def lift_addresses(
    workspace: Workspace,
    values: Sequence[str],
    *,
    reason: str,
    source: Source,
    by: User | None,
) -> int:
    """Lift what one source did to these addresses for that reason; returns how many were active.
    A suppression with another source or reason stays, and one that was said again."""
    rows = Suppression.objects.filter(
        workspace=workspace,
        kind=Suppression.Kind.ADDRESS,
        value__in=values,
        reason=reason,
        afterwards=Afterwards.NOTHING,
        **source.columns,
    )
    return lift_many(rows, by, timezone.now())


def lift_many(rows: QuerySet[Suppression], by: User | None, moment: dt.datetime) -> int:
    """Lift these suppressions, all at the same `moment`; returns how many were active."""
    return rows.filter(lifted_at=None).update(lifted_at=moment, lifted_by=by)


def undo_lift(workspace: Workspace, moment: dt.datetime) -> int:
    """Put back in force what was lifted at that moment; how many."""
    return in_force_again(
        workspace, Suppression.objects.filter(workspace=workspace, lifted_at=moment)
    )


def in_force_again(workspace: Workspace, lifted: QuerySet[Suppression]) -> int:
    """Put these back in force, unless the same is suppressed anew; how many."""
    anew = Suppression.objects.filter(
        workspace=workspace, kind=OuterRef("kind"), value=OuterRef("value"), lifted_at=None
    )
    return lifted.exclude(Exists(anew)).update(lifted_at=None, lifted_by=None)


def suppress_values(
    workspace: Workspace, values: Iterable[tuple[str, str]], *, detail: str, by: User | None
) -> int:
    """Suppress (kind, normalised value) pairs that a person typed; returns how many are new."""
    rows = [
        Suppression(
            workspace=workspace,
            kind=kind,
            value=value,
            reason=Suppression.Reason.MANUAL,
            detail=detail,
            created_by=by,
            **BY_HAND.columns,
        )
        for kind, value in values
    ]
    before = Suppression.objects.filter(workspace=workspace).count()
    Suppression.objects.bulk_create(rows, ignore_conflicts=True)
    return Suppression.objects.filter(workspace=workspace).count() - before


def suppress_people(  # noqa: PLR0913 - each says something else about the rows
    workspace: Workspace,
    people: QuerySet[Contact],
    *,
    reason: str,
    source: Source,
    detail: str = "",
    by: User | None = None,
) -> int:
    """Suppress the addresses of these contacts in one statement; returns how many are new."""
    given = {"reason": reason, **source.columns, "detail": detail, "by": by.pk if by else None}
    return suppressing.people(workspace, people, given)


def undo_suppress(workspace: Workspace, source: Source) -> int:
    """Take back one action by its source, as if it had not happened; returns how many."""
    removed, _ = Suppression.objects.filter(
        workspace=workspace, lifted_at=None, **source.columns
    ).delete()
    return removed
