"""The states of mailings and messages, and events."""

from django.utils.translation import gettext_lazy as _

from pages.statuses import Look, register

register(
    {
        "sending": Look("busy", "send", _("Sending")),
        # Messages; those that wait look like a relay that waits.
        "in_flight": Look("busy", "plane-departure", _("In flight")),
        "accepted": Look("good", "check", _("Accepted")),
        "skipped": Look("warn", "player-skip-forward", _("Skipped")),
        "unknown": Look("warn", "help-circle", _("Unknown")),
        "left_out": Look("warn", "user-minus", _("Left out")),
        # Events; those that suppress an address are in contacts.statuses.
        "soft_bounced": Look("warn", "mail-exclamation", _("Soft bounce")),
        "blocked": Look("bad", "ban", _("Blocked")),
        "delayed": Look("warn", "clock-pause", _("Delayed")),
        "auto_replied": Look("quiet", "message-2", _("Automatic reply")),
        "opened": Look("info", "mail-opened", _("Opened")),
        "clicked": Look("info", "hand-click", _("Clicked")),
    }
)
