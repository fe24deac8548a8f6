"""Suppressions as their page filters them."""

from django.db.models import Q, QuerySet
from django.http import QueryDict

from accounts.models import Workspace
from contacts.models import Suppression
from contacts.provenance import IMPORT, Source
from contacts.queries.people import as_stored
from pages import numbers


def filtered(workspace: Workspace, parameters: QueryDict) -> QuerySet[Suppression]:
    """By q (the beginning of the address or domain, or part of it), reason, import (its number),
    and lifted=1; or by id: that one, whether it is lifted or not."""
    rows = Suppression.objects.filter(workspace=workspace)
    if (number := numbers.whole(parameters.get("id", ""))) is not None:
        return rows.filter(pk=number)
    rows = rows.filter(lifted_at__isnull=parameters.get("lifted") != "1")
    if text := parameters.get("q", "").strip():
        shown, stored = Q(value__icontains=text), Q(value__icontains=as_stored(text))
        rows = rows.filter(shown | stored)
    if (reason := parameters.get("reason", "")) in Suppression.Reason.values:
        rows = rows.filter(reason=reason)
    if (import_id := numbers.whole(parameters.get("import", ""))) is not None:
        rows = rows.filter(**Source(IMPORT, import_id).columns)
    return rows
