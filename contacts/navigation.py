"""Contacts in the sidebar."""

from django.utils.translation import gettext_lazy as _

from pages.navigation import NavigationEntry, register

register(
    "contacts",
    NavigationEntry("people", _("Contacts"), "users", "contacts", order=10),
    NavigationEntry("lists", _("Lists"), "list", "lists", order=20),
    NavigationEntry("segments", _("Segments"), "filter", "segments", order=25),
    NavigationEntry("imports", _("Imports"), "file-import", "imports", order=30),
    NavigationEntry("suppressions", _("Suppressions"), "ban", "suppressions", order=40),
    NavigationEntry("attributes", _("Attributes"), "forms", "attributes", order=50),
    NavigationEntry("tags", _("Tags"), "tags", "tags", order=60),
)
