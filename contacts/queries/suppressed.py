"""The filters of the page of suppressions."""

from django.db.models import Q, QuerySet
from django.http import QueryDict

from accounts.models import Workspace
from contacts.models import Suppression
from contacts.provenance import IMPORT, Source
from contacts.queries.people import as_stored
from pages import numbers


def filtered(workspace: Workspace, parameters: QueryDict) -> QuerySet[Suppression]:
    """By q (a part of the address or domain), reason, import (its number), and lifted=1; or by id
    alone: that one, lifted or not."""
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
