"""Suppressions: addresses, domains and patterns that must not be mailed, with the reason. At most
one row for each that lasts, and one that ends, is in force."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from contacts import addresses, erasure, patterns
from contacts.exceptions import ContactsError
from contacts.models import Afterwards, Contact, Suppression
from contacts.provenance import Source
from contacts.queries import mailable, suppressing
from contacts.suppressionlines import Entry

# How long a suppression because of soft bounces lasts, if nobody says otherwise.
SOFT_FOR = dt.timedelta(days=90)


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
    """Suppress an address or domain; one that is already suppressed stays unchanged.

    `value` is normalised here; raises addresses.AddressError if it is invalid.
    """
    clean = addresses.normalise_domain if kind == Suppression.Kind.DOMAIN else addresses.normalise
    suppression, _made = Suppression.objects.get_or_create(
        workspace=workspace,
        kind=kind,
        value=clean(value),
        lifted_at=None,
        until=None,
        defaults={"reason": reason, "detail": detail, "created_by": by, **source.columns},
    )
    return suppression


def suppress_addresses(  # noqa: PLR0913 - each says something else about the rows
    workspace: Workspace,
    rows: Iterable[tuple[str, str]],
    *,
    reason: str,
    source: Source,
    by: User | None = None,
    messages: Mapping[str, int] | None = None,
    until: dt.datetime | None = None,
) -> int:
    """Suppress many (normalised address, detail) in one statement; returns how many are new.
    `messages`: {address: id of the message whose bounce or complaint it is}. `until`: when they
    end; None: never.

    Bounces arrive in batches, from several workers at once: the unique index decides, and the first
    reason stays. If a person says "no" once more, by another mail or a complaint, the row is marked
    (`afterwards`): then the first mail's link can't undo it (tracking.services.leaving).
    """
    pairs = sorted(dict(rows).items())  # one order for all writers: no deadlock
    if not pairs:
        return 0
    given: dict[str, Any] = {
        "workspace": workspace.pk,
        "reason": reason,
        **source.columns,
        "by": by.pk if by else None,
        "values": [value for value, _detail in pairs],
        "details": [detail for _value, detail in pairs],
        "messages": [(messages or {}).get(value) for value, _detail in pairs],
        "until": until,
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
    """Lift suppressions of these addresses that have this source and reason; returns how many were
    active. Those with another source or reason stay, and those that the person confirmed later."""
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
    """Restore suppressions that were lifted at that moment; returns how many."""
    return in_force_again(
        workspace, Suppression.objects.filter(workspace=workspace, lifted_at=moment)
    )


def in_force_again(workspace: Workspace, lifted: QuerySet[Suppression]) -> int:
    """Restore these, unless the same value has been suppressed again; returns how many."""
    anew = Suppression.objects.filter(
        workspace=workspace, kind=OuterRef("kind"), value=OuterRef("value"), lifted_at=None
    )
    return sum(
        lifted.filter(until__isnull=lasts)
        .exclude(Exists(anew.filter(until__isnull=lasts)))
        .update(lifted_at=None, lifted_by=None)
        for lasts in (True, False)
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """A suppression that a person asks for, by hand or in a file. `until`: when it ends; None:
    never, but see SOFT_FOR."""

    entry: Entry
    reason: str = Suppression.Reason.MANUAL
    until: dt.datetime | None = None
    note: str = ""


class TooManyPatternsError(ContactsError):
    """The workspace (or the installation) would have too many patterns."""


@transaction.atomic
def add(
    workspace: Workspace | None,
    wanted: Iterable[Wanted],
    *,
    source: Source,
    detail: str = "",
    by: User | None,
) -> int:
    """Suppress these, in the workspace or (None) in the whole installation; returns how many are
    new. One that ends is prolonged. Raises TooManyPatternsError."""
    each = {one.entry: one for one in wanted}
    ordered = sorted(each.values(), key=lambda one: (one.entry.kind, one.entry.value))
    _check_patterns(workspace, ordered)
    given: dict[str, Any] = {
        "workspace": workspace.pk if workspace else None,
        **source.columns,
        "detail": detail,
        "by": by.pk if by else None,
        "kinds": [one.entry.kind for one in ordered],
        "values": [one.entry.value for one in ordered],
        "likes": [one.entry.like_text for one in ordered],
        "reasons": [str(one.reason) for one in ordered],
        "untils": [end_of(one.reason, one.until) for one in ordered],
        "notes": [one.note for one in ordered],
    }
    return suppressing.add(given)


def end_of(reason: str, until: dt.datetime | None) -> dt.datetime | None:
    """When a suppression ends. Soft bounces are no proof that an address is gone, so that one
    because of them always ends; others never, unless a person says so."""
    if until is None and reason == Suppression.Reason.SOFT_BOUNCED:
        return timezone.now() + SOFT_FOR
    return until


def _check_patterns(workspace: Workspace | None, wanted: Iterable[Wanted]) -> None:
    values = {one.entry.value for one in wanted if one.entry.kind == Suppression.Kind.PATTERN}
    if not values:
        return
    there = mailable.in_force(workspace).filter(kind=Suppression.Kind.PATTERN)
    if there.exclude(value__in=values).count() + len(values) > patterns.MOST:
        raise TooManyPatternsError(
            _(
                "There can be 100 patterns at most, because each recipient is compared with all. "
                "Lift some, or suppress domains and addresses instead."
            )
        )


def set_until(one: Suppression, until: dt.datetime | None) -> bool:
    """Let it end at this time, or (None) never. False if it was lifted meanwhile, or if the value
    has another one in force that is like this."""
    try:
        with transaction.atomic():
            rows = Suppression.objects.filter(pk=one.pk, lifted_at=None)
            return bool(rows.update(until=until))
    except IntegrityError:
        return False


def write_note(one: Suppression, note: str) -> None:
    Suppression.objects.filter(pk=one.pk).update(note=note)


def add_erased(workspace: Workspace, address: str, *, source: Source, by: User | None) -> int:
    """Remember, without the address, that its person asked to be erased: the suppressions of the
    address, lifted ones too, become one keyed digest. Returns how many are new. Raises
    addresses.AddressError."""
    normal = addresses.normalise(address)
    one = Wanted(Entry(Suppression.Kind.ERASED, erasure.digest(normal)), Suppression.Reason.ERASED)
    with transaction.atomic():
        made = add(workspace, [one], source=source, by=by)
        Suppression.objects.filter(
            workspace=workspace, kind=Suppression.Kind.ADDRESS, value=normal
        ).delete()
    return made


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


def undo_suppress(workspace: Workspace | None, source: Source) -> int:
    """Undo one action by its source, as if it had not happened; returns how many."""
    removed, _rows = Suppression.objects.filter(
        workspace=workspace, lifted_at=None, **source.columns
    ).delete()
    return removed
