"""Registers with apps on its left: when workspaces are deleted, when relays are paused or resumed,
and for cards on their pages."""

from accounts.services import workspaces
from designs import previews
from relays.services import usage
from sending.compose.publicurls import MessageUrls
from sending.compose.tokens import NOBODY
from sending.services import mailings, relaymailings
from sending.views.relaymailings import CARDS

workspaces.on_deleted.add(mailings.stop_all)
usage.uses.add(relaymailings.USE)
usage.panels.add(CARDS)


@previews.urls.add
def preview_urls() -> MessageUrls:
    """Links of previews lead to pages that change nothing."""
    return MessageUrls(NOBODY, track_opens=False)
