"""Sending in the sidebar."""

from django.utils.translation import gettext_lazy as _

from pages.navigation import Entry, register

register(
    "sending",
    Entry("relays", _("Relays"), "server", "relays", order=10),
    Entry("bounces", _("Bounces"), "mail-x", "bounces", order=30),
    Entry("replies", _("Replies"), "message-question", "replies", order=35),
    Entry("mailboxes", _("Bounce mailboxes"), "mailbox", "mailboxes", order=40),
)
