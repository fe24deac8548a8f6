"""The filters of the page of suppressions."""

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils import timezone

from accounts.models import Workspace
from contacts import addresses, erasure
from contacts.models import Suppression
from contacts.provenance import IMPORT, Source
from contacts.queries.people import as_stored
from pages import numbers

ERASED = Q(kind=Suppression.Kind.ERASED)


def _erased(text: str) -> Q:
    """Those of the person with this address: only the whole address finds a digest."""
    try:
        digests = erasure.digests(addresses.normalise(text))
    except addresses.AddressError:
        digests = []
    return ERASED & Q(value__in=digests)


def filtered(workspace: Workspace | None, parameters: QueryDict) -> QuerySet[Suppression]:
    """By q (a part of the value, or the address of an erased person), kind, reason, import (its
    number), and lifted=1 (also those that ended); or by id alone: that one, in force or not."""
    rows = Suppression.objects.filter(workspace=workspace)
    if (number := numbers.whole(parameters.get("id", ""))) is not None:
        return rows.filter(pk=number)
    over = Q(lifted_at__isnull=False) | Q(until__lte=timezone.now())
    rows = rows.filter(over if parameters.get("lifted") == "1" else ~over)
    if text := parameters.get("q", "").strip():
        shown, stored = Q(value__icontains=text), Q(value__icontains=as_stored(text))
        rows = rows.filter(shown & ~ERASED | stored & ~ERASED | _erased(text))
    if (kind := parameters.get("kind", "")) in Suppression.Kind.values:
        rows = rows.filter(kind=kind)
    if (reason := parameters.get("reason", "")) in Suppression.Reason.values:
        rows = rows.filter(reason=reason)
    if (import_id := numbers.whole(parameters.get("import", ""))) is not None:
        rows = rows.filter(**Source(IMPORT, import_id).columns)
    return rows
