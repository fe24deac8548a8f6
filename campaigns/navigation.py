"""Home and campaigns in the sidebar."""

from django.utils.translation import gettext_lazy as _

from pages.navigation import Entry, register

register("home", Entry("home", _("Home"), "home", "home", order=10))
register("mail", Entry("campaigns", _("Campaigns"), "send", "campaigns", order=20))
