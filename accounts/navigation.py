"""The workspace's own pages in the sidebar."""

from django.utils.translation import gettext_lazy as _

from pages.navigation import NavigationEntry, register

register(
    "settings",
    NavigationEntry("workspace", _("Settings"), "settings", "workspace_settings", order=10),
    NavigationEntry("members", _("Members"), "users-group", "members", order=20),
)
