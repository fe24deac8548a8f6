"""The states of sign-ups."""

from django.utils.translation import gettext_lazy as _

from pages.statuses import Look, register

register(
    {
        "unconfirmed": Look("info", "mail", _("Waiting for confirmation")),
        "confirmed": Look("good", "circle-check", _("Confirmed")),
        "expired": Look("quiet", "clock-x", _("Not confirmed in time")),
        "form_on": Look("good", "circle-check", _("On")),
        "form_off": Look("quiet", "power", _("Off")),
        "refused": Look("bad", "ban", _("Refused")),
    }
)
