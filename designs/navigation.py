"""Designs in the sidebar."""

from django.utils.translation import gettext_lazy as _

from pages.navigation import NavigationEntry, register

register("mail", NavigationEntry("designs", _("Designs"), "template", "designs", order=10))
