"""The workspace's own pages in the sidebar."""

from django.utils.translation import gettext_lazy as _

from pages.navigation import Entry, register

register(
    "settings",
    Entry("workspace", _("Settings"), "settings", "workspace_settings", order=10),
    Entry("members", _("Members"), "users-group", "members", order=20),
)
