"""The states and kinds of collected mails."""

from django.utils.translation import gettext_lazy as _

from pages.statuses import Look, register

register(
    {
        "stored": Look("quiet", "clock", _("Stored")),
        "processed": Look("quiet", "check", _("Processed")),
        "unproven": Look("warn", "help-circle", _("Unproven")),
        "dismissed": Look("quiet", "x", _("Dismissed")),
        "not_ours": Look("quiet", "circle-minus", _("Not ours")),
        # Kinds of mails that no event has (bounces.reading).
        "challenged": Look("quiet", "message-question", _("Asks to confirm")),
        "other": Look("quiet", "circle-minus", _("Not a bounce")),
    }
)
