"""Forms in the sidebar."""

from django.utils.translation import gettext_lazy as _

from pages.navigation import NavigationEntry, register

register(
    "contacts",
    NavigationEntry("forms", _("Forms"), "clipboard-list", "signup_forms", order=27),
)
