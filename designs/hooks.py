"""Hooks of designs: an attribute may be deleted or merged."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from contacts import attributeuses
from contacts.attributeuses import Use, Wanted, named_in
from designs.models import Design

# Designs that are read, the newest first, and how many are in memory at a time.
MOST = 1_000
AT_ONCE = 20
PARTS = ("subject", "preheader", "html", "text")


@attributeuses.finders.add
def designs_with(wanted: Wanted) -> Iterable[tuple[str, Use]]:
    """Designs, but the archived ones, whose merge fields are among these."""
    own = Design.objects.filter(workspace=wanted.workspace_id, archived_at=None).order_by("-pk")
    rows = own.values_list("pk", "name", *PARTS)[:MOST]
    for pk, name, *parts in rows.iterator(AT_ONCE):
        for key in named_in(wanted.keys, *parts):
            yield key, (_("Design “{name}”").format(name=name), "design", pk)
