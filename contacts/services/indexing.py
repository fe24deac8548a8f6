"""Indexes the values of attributes that segments ask for: wanted when a rule is saved, filled by a
tick in the background. Until then the rule reads the rows of contacts, with the same result.

The same tick ends the indexing of attributes that no segment names any more, and deletes their rows
an hour later: a query that was made before may still read them.
"""

import datetime as dt
import time

from django.db import transaction

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
# Longer than any query that was made while the attribute was indexed.
GRACE = dt.timedelta(hours=1)


def want(workspace: Workspace, rule: Group) -> None:
    """Mark the attributes of the rule, so that a tick indexes their values."""
    keys = rules.subjects(rule).get(KIND, ())
    Attribute.objects.filter(
        workspace=workspace, key__in=keys, type__in=indexed.TYPES, indexing=Indexing.NO
    ).update(indexing=Indexing.FILLING, indexed_to=0, unindexed_at=None)


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
    if not attribute.indexed_to and not (_others_ended(until) and _emptied(attribute, until)):
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


def drop(seconds: float = SECONDS) -> bool:
    """End the indexing of attributes that no segment names, and go on with deleting rows, for some
    seconds. Whether none is left to delete by now."""
    until = time.monotonic() + seconds
    with alone("contacts_indexing") as we:
        if not we:
            return False
        for workspace in query.workspaces_with_unnamed(KIND):
            _end(workspace)
        while query.delete_of_free(GRACE) is not None:
            if time.monotonic() > until:
                return False
            time.sleep(PAUSE)
        return True


@transaction.atomic
def _end(workspace: int) -> None:
    """Locks the workspace, as whoever saves a segment does: what is saved meanwhile is seen."""
    Workspace.objects.select_for_update().filter(pk=workspace).first()
    for attribute in query.end_unnamed(workspace, KIND):
        log.committed.info("values are no longer indexed", attribute=attribute, workspace=workspace)


def _emptied(attribute: Attribute, until: float) -> bool:
    """Delete rows from an earlier time: nothing kept them since, and filling leaves rows that are
    there. Rows of contacts that were changed just now are written again by the filling."""
    while query.empty(attribute):
        if time.monotonic() > until:
            return False
    return True


def _others_ended(until: float) -> bool:
    """Wait for the end of transactions that may have written contacts before they could see that
    the attribute is marked: what they write would be missed."""
    earlier = query.writers()
    while earlier & query.writers():
        if time.monotonic() > until:
            return False
        time.sleep(PAUSE)
    return True
