"""Finds the suppression, list, segment or campaign because of which people were left out, or
skipped, and its date.

One query finds the suppressions of a page, another one its lists.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Workspace
from campaigns.models import Campaign
from contacts import suppressionwords
from contacts.models import List, Subscription, Suppression
from contacts.queries import copies, mailable
from contacts.segmentmodels import Segment
from sending.models import LeftOut, Mailing, Message

SUPPRESSED, UNSUBSCRIBED, EXCLUDED = "suppressed_", "unsubscribed", "excluded"
IN_SEGMENT, GOT_MAILING, MAILED = "excluded_segment", "excluded_mailing", "mailed_lately"
# Reasons whose suppressions are not of the address or the domain, or not of the workspace.
RARE = frozenset(("suppressed_pattern", "suppressed_erased", "suppressed_everywhere"))


@dataclass(frozen=True, slots=True)
class Cause:
    """`text` names the suppression, list, ...; `url` is its page, "" if it has none any more."""

    text: str
    url: str
    since: datetime | None


def of_suppression(one: Suppression, slug: str, address: str) -> Cause:
    """One of the installation has no page for members: they are told why `address` gets no mail."""
    value = suppressionwords.value(one)
    if one.kind in {Suppression.Kind.DOMAIN, Suppression.Kind.PATTERN}:
        reason = one.get_reason_display()
        text = _("{what}: {reason}").format(what=value, reason=reason)
    else:
        text = _("Suppression of {address}").format(address=value)
    if one.everywhere:
        url = f"{reverse('why_no_mail', args=[slug])}?{urlencode({'q': address})}"
    else:
        url = f"{reverse('suppressions', args=[slug])}?id={one.pk}"
    return Cause(text, url, one.created_at)


def _of_list(one: List, slug: str, since: datetime | None) -> Cause:
    return Cause(one.name, reverse("list", args=[slug, one.pk]), since)


def of_left_out(workspace: Workspace, rows: Sequence[LeftOut]) -> dict[str, Cause]:
    """{address: Cause}"""
    suppressed = {row.cause_id for row in rows if row.reason.startswith(SUPPRESSED)}
    listed = {row.cause_id for row in rows if row.reason in {UNSUBSCRIBED, EXCLUDED}}
    ours = Suppression.objects.filter(Q(workspace=workspace) | Q(workspace=None))
    suppressions = ours.in_bulk(suppressed - {None})
    lists = List.objects.filter(workspace=workspace).in_bulk(listed - {None})
    found = {}
    for row in rows:
        if row.cause_id in suppressions and row.reason.startswith(SUPPRESSED):
            found[row.address] = of_suppression(
                suppressions[row.cause_id], workspace.slug, row.address
            )
        elif row.cause_id in lists and row.reason in {UNSUBSCRIBED, EXCLUDED}:
            found[row.address] = _of_list(lists[row.cause_id], workspace.slug, row.since)
    return found | _of_segments(workspace, rows) | _of_campaigns(workspace, rows)


def _of_segments(workspace: Workspace, rows: Sequence[LeftOut]) -> dict[str, Cause]:
    """Of segments that were deleted since, with the name that they had."""
    asked = {row.cause_id for row in rows if row.reason == IN_SEGMENT and row.cause_id}
    if not asked:
        return {}
    there = Segment.objects.filter(workspace=workspace).in_bulk(asked)
    names = copies.names(workspace.pk, asked) | {pk: one.name for pk, one in there.items()}
    return {
        row.address: Cause(
            _("Segment “{name}”").format(name=names[row.cause_id]),
            reverse("segment", args=[workspace.slug, row.cause_id])
            if row.cause_id in there
            else "",
            row.since,
        )
        for row in rows
        if row.reason == IN_SEGMENT and row.cause_id in names
    }


def _of_campaigns(workspace: Workspace, rows: Sequence[LeftOut]) -> dict[str, Cause]:
    asked = {row.cause_id for row in rows if row.reason in {GOT_MAILING, MAILED} and row.cause_id}
    if not asked:
        return {}
    found = Campaign.objects.filter(workspace=workspace, mailing__in=asked)
    by_mailing = {one.mailing_id: one for one in found}
    return {
        row.address: Cause(
            by_mailing[row.cause_id].name,
            reverse("campaign", args=[workspace.slug, by_mailing[row.cause_id].pk]),
            row.since,
        )
        for row in rows
        if row.reason in {GOT_MAILING, MAILED} and row.cause_id in by_mailing
    }


def of_skipped(mailing: Mailing, rows: Sequence[Message]) -> dict[str, Cause]:
    """{address: Cause} of messages that were skipped because the person left after the start: the
    newest suppression of that time, or the list that was left last."""
    skipped = [row for row in rows if row.state == Message.State.SKIPPED]
    suppressed = [row for row in skipped if row.reason.startswith(SUPPRESSED)]
    left = [row for row in skipped if row.reason == UNSUBSCRIBED]
    return _by_suppression(mailing.workspace, suppressed) | _by_list(mailing, left)


def _by_suppression(workspace: Workspace, rows: Sequence[Message]) -> dict[str, Cause]:
    found = _by_rare(workspace, [row for row in rows if row.reason in RARE])
    rows = [row for row in rows if row.reason not in RARE]
    if not rows:
        return found
    emails = [row.address for row in rows]
    by_address = Q(kind=Suppression.Kind.ADDRESS, value__in=emails)
    by_domain = Q(kind=Suppression.Kind.DOMAIN, value__in={_domain(email) for email in emails})
    known = Suppression.objects.filter(by_address | by_domain, workspace=workspace)
    newest: dict[tuple[str, str], list[Suppression]] = {}
    for one in known.order_by("-created_at")[: 20 * len(emails)]:
        newest.setdefault((one.kind, one.value), []).append(one)
    for row in rows:
        of_domain = row.reason == "suppressed_domain"
        key = ("domain", _domain(row.address)) if of_domain else ("address", row.address)
        for one in newest.get(key, ()):
            if row.settled_at is None or one.created_at <= row.settled_at:
                found[row.address] = of_suppression(one, workspace.slug, row.address)
                break
    return found


def _by_rare(workspace: Workspace, rows: Sequence[Message]) -> dict[str, Cause]:
    """By patterns, digests, or suppressions of the installation: those that are still in force."""
    stops = mailable.stops_of(workspace, [row.address for row in rows])
    found: dict[str, Cause] = {}
    for row in rows:
        for one in stops.get(row.address, ()):
            if row.settled_at is None or one.created_at <= row.settled_at:
                found.setdefault(row.address, of_suppression(one, workspace.slug, row.address))
    return found


def _by_list(mailing: Mailing, rows: Sequence[Message]) -> dict[str, Cause]:
    if not rows:
        return {}
    contacts = {row.contact_id: row.address for row in rows}
    left = Subscription.objects.filter(
        contact__in=contacts, list__in=mailing.list_ids, status=Subscription.Status.UNSUBSCRIBED
    )
    slug = mailing.workspace.slug
    return {
        contacts[one.contact_id]: _of_list(one.list, slug, one.changed_at)
        for one in left.select_related("list").order_by("changed_at")
    }


def _domain(email: str) -> str:
    return email.rpartition("@")[2]
