"""Designs in the sidebar."""

from django.utils.translation import gettext_lazy as _

from pages.navigation import Entry, register

register("mail", Entry("designs", _("Designs"), "template", "designs", order=10))
