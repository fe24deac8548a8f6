"""Looks of the states of relays."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from pages.statuses import Look, register

register(
    {
        "active": Look("good", "circle-check", pgettext_lazy("state", "Active")),
        "inactive": Look("quiet", "circle-minus", pgettext_lazy("state", "Off")),
        "draining": Look("warn", "progress", _("Draining")),
        "paused": Look("warn", "player-pause", _("Paused")),
        "stopped": Look("bad", "hand-stop", pgettext_lazy("state", "Stopped")),
        "waiting": Look("quiet", "clock", _("Waiting")),
        "archived": Look("quiet", "archive", _("Archived")),
    }
)
