"""The mail sandbox in the sidebar, if it is on."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from pages.navigation import NavigationEntry, register

if settings.SANDBOX:
    register("sending", NavigationEntry("sandbox", _("Sandbox"), "box", "sandbox", order=90))
