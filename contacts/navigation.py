"""Contacts in the sidebar."""

from django.utils.translation import gettext_lazy as _

from pages.navigation import Entry, register

register(
    "contacts",
    Entry("people", _("Contacts"), "users", "contacts", order=10),
    Entry("lists", _("Lists"), "list", "lists", order=20),
    Entry("imports", _("Imports"), "file-import", "imports", order=30),
    Entry("suppressions", _("Suppressions"), "ban", "suppressions", order=40),
    Entry("attributes", _("Attributes"), "forms", "attributes", order=50),
)
