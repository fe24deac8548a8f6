"""Registers with apps on its left: when workspaces are deleted, when relays are paused or resumed,
for cards on their pages, and for the evidence of suppressions."""

from collections.abc import Collection, Mapping

from accounts.models import Workspace
from accounts.services import workspaces
from contacts import evidence
from contacts.evidence import Evidence
from contacts.queries import openconsent
from designs import previews
from relays.services import usage
from sending.compose.publicurls import MessageUrls
from sending.compose.tokens import NOBODY
from sending.models import Event
from sending.queries import openpixels
from sending.queries.blocks import of_messages
from sending.services import mailings, relaymailings
from sending.views.relaymailings import CARDS

workspaces.on_deleted.add(mailings.stop_all)
openconsent.on_withdrawn.add(openpixels.forget_of_contacts)
usage.uses.add(relaymailings.USE)
usage.panels.add(CARDS)


@previews.urls.add
def preview_urls() -> MessageUrls:
    """Links of previews lead to pages that change nothing."""
    return MessageUrls(NOBODY)


# What may suppress an address.
GRAVE = (Event.Kind.HARD_BOUNCED, Event.Kind.SOFT_BOUNCED, Event.Kind.COMPLAINED)


@evidence.contributors.add
def events(workspace: Workspace, message_ids: Collection[int]) -> Mapping[int, list[Evidence]]:
    """Bounces and complaints of these messages, with the server's words."""
    rows = Event.objects.filter(
        of_messages(message_ids),
        message__in=message_ids,
        mailing__workspace=workspace,
        kind__in=GRAVE,
    )
    found: dict[int, list[Evidence]] = {}
    for row in rows.order_by("at")[: 5 * len(message_ids)]:
        one = Evidence(row.at, row.get_kind_display(), row.detail)
        found.setdefault(row.message_id, []).append(one)
    return found
