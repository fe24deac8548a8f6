"""Entries of the sidebar for home and campaigns."""

from django.utils.translation import gettext_lazy as _

from pages.navigation import NavigationEntry, register

register("home", NavigationEntry("home", _("Home"), "home", "home", order=10))
register("mail", NavigationEntry("campaigns", _("Campaigns"), "send", "campaigns", order=20))
