"""Indexes the values of attributes that segments ask for: wanted when a rule is saved, filled by a
tick in the background. Until then the rule reads the rows of contacts, with the same result."""

import time

from accounts.models import Workspace
from contacts.models import Attribute, Indexing
from contacts.queries import indexing as query
from contacts.segments import indexed, rules
from contacts.segments.rules import Group
from environment import logs
from pages.queries.alone import alone

log = logs.get(__name__)

# The kind of conditions about attributes.
KIND = "attribute"
# How long a tick works; the next one goes on. How long it waits for transactions that began before
# the attribute was marked.
SECONDS = 20.0
PAUSE = 0.05


def want(workspace: Workspace, rule: Group) -> None:
    """Mark the attributes of the rule, so that a tick indexes their values."""
    keys = rules.subjects(rule).get(KIND, ())
    Attribute.objects.filter(
        workspace=workspace, key__in=keys, type__in=indexed.TYPES, indexing=Indexing.NO
    ).update(indexing=Indexing.FILLING)


def fill(seconds: float = SECONDS) -> bool:
    """Go on with the attributes that are marked, for some seconds. Whether all are ready."""
    until = time.monotonic() + seconds
    with alone("contacts_indexing") as we:
        if not we:
            return False
        marked = Attribute.objects.filter(indexing=Indexing.FILLING).order_by("pk")
        # Each of them, also after one that can't go on.
        done = [_fill(attribute, until) for attribute in marked[:20]]
        return all(done)


def _fill(attribute: Attribute, until: float) -> bool:
    if not attribute.indexed_to and not _others_ended(until):
        return False
    while True:
        last, whole = query.fill(attribute, attribute.indexed_to)
        if last is None:
            break
        if whole:
            attribute.indexed_to = last
            attribute.save(update_fields=["indexed_to"])
        if time.monotonic() > until:
            return False
        if not whole:
            time.sleep(PAUSE)
    Attribute.objects.filter(pk=attribute.pk).update(indexing=Indexing.READY)
    log.info("values are indexed", attribute=attribute.pk, workspace=attribute.workspace_id)
    return True


def _others_ended(until: float) -> bool:
    """Wait for the end of transactions that may have written contacts before they could see that
    the attribute is marked: what they write would be missed."""
    _oldest, following = query.snapshot()
    while query.snapshot()[0] < following:
        if time.monotonic() > until:
            return False
        time.sleep(PAUSE)
    return True
