"""Looks of the states of campaigns, and of people in relation to a campaign."""

from django.utils.translation import gettext_lazy as _

from pages.statuses import Look, register

register(
    {
        "draft": Look("quiet", "pencil", _("Draft")),
        "scheduled": Look("info", "calendar-time", _("Scheduled")),
        "started": Look("busy", "send", _("Started")),
        # States of people whom somebody searches for.
        "recipient": Look("good", "check", _("Would get it")),
        "outside": Look("quiet", "circle-minus", _("Not in the audience")),
        "no_contact": Look("quiet", "help-circle", _("No such contact")),
    }
)
