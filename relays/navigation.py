"""Entries of the sidebar's section for sending."""

from django.utils.translation import gettext_lazy as _

from pages.navigation import NavigationEntry, register

register(
    "sending",
    NavigationEntry("relays", _("Relays"), "server", "relays", order=10),
    NavigationEntry("bounces", _("Bounces"), "mail-x", "bounces", order=30),
    NavigationEntry("replies", _("Replies"), "message-question", "replies", order=35),
    NavigationEntry("mailboxes", _("Bounce mailboxes"), "mailbox", "mailboxes", order=40),
)
