"""How a state looks everywhere: colour role, icon, word. Colour alone never says it."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


@dataclass(frozen=True, slots=True)
class Look:
    # good, bad, warn, busy, info, quiet: the CSS class is status-<role>.
    role: str
    icon: str
    label: str | Promise


LOOKS: dict[str, Look] = {
    # Campaigns and mailings
    "draft": Look("quiet", "pencil", _("Draft")),
    "scheduled": Look("info", "calendar-time", _("Scheduled")),
    "started": Look("busy", "send", _("Started")),
    "sending": Look("busy", "send", _("Sending")),
    "paused": Look("warn", "player-pause", _("Paused")),
    "cancelled": Look("quiet", "circle-x", _("Cancelled")),
    "finished": Look("good", "circle-check", _("Finished")),
    # The ledger
    "waiting": Look("quiet", "clock", _("Waiting")),
    "in_flight": Look("busy", "plane-departure", _("In flight")),
    "accepted": Look("good", "check", _("Accepted")),
    "failed": Look("bad", "alert-circle", _("Failed")),
    "skipped": Look("warn", "player-skip-forward", _("Skipped")),
    "unknown": Look("warn", "help-circle", _("Unknown")),
    # People who are no recipients
    "recipient": Look("good", "check", _("Would get it")),
    "left_out": Look("warn", "user-minus", _("Left out")),
    "outside": Look("quiet", "circle-minus", _("Not in the audience")),
    "no_contact": Look("quiet", "help-circle", _("No such contact")),
    # Events, and what became of a mail in the sandbox
    "delivered": Look("good", "check", _("Delivered")),
    "hard": Look("bad", "mail-x", _("Hard bounce")),
    "hard_bounce": Look("bad", "mail-x", _("Hard bounce")),
    "soft": Look("warn", "mail-exclamation", _("Soft bounce")),
    "blocked": Look("bad", "ban", _("Blocked")),
    "delayed": Look("warn", "clock-pause", _("Delayed")),
    "complained": Look("bad", "message-report", _("Complaint")),
    "complaint": Look("bad", "message-report", _("Complaint")),
    "auto_reply": Look("quiet", "message-2", _("Automatic reply")),
    "unproven": Look("warn", "help-circle", _("Unproven")),
    "dismissed": Look("quiet", "x", _("Dismissed")),
    "opened": Look("info", "mail-opened", _("Opened")),
    "clicked": Look("info", "hand-click", _("Clicked")),
    # Subscriptions and suppressions
    "subscribed": Look("good", "check", _("Subscribed")),
    "unsubscribed": Look("quiet", "user-minus", _("Unsubscribed")),
    "suppressed": Look("bad", "ban", _("Suppressed")),
    "lifted": Look("quiet", "arrow-back-up", _("Lifted")),
    "manual": Look("quiet", "hand-stop", _("Added by hand")),
    "imported": Look("quiet", "file-import", _("Imported")),
    # Imports and other work
    "uploading": Look("busy", "upload", _("Uploading")),
    "mapping": Look("info", "columns", _("Choose columns")),
    "checking": Look("busy", "search", _("Checking")),
    "checked": Look("info", "checks", _("Checked")),
    "queued": Look("quiet", "clock", _("Queued")),
    "running": Look("busy", "loader-2", _("Running")),
    "done": Look("good", "circle-check", _("Done")),
    "undone": Look("quiet", "arrow-back-up", _("Undone")),
    # Relays, mailboxes, checks
    "active": Look("good", "circle-check", pgettext_lazy("state", "Active")),
    "inactive": Look("quiet", "circle-minus", pgettext_lazy("state", "Off")),
    "stopped": Look("bad", "hand-stop", pgettext_lazy("state", "Stopped")),
    "draining": Look("warn", "progress", _("Draining")),
    "ok": Look("good", "circle-check", _("Works")),
    "error": Look("bad", "alert-triangle", _("Error")),
    "warning": Look("warn", "alert-triangle", _("Warning")),
    "info": Look("info", "info-circle", _("Note")),
    "archived": Look("quiet", "archive", _("Archived")),
}


def look(code: object) -> Look:
    """The look of a state's code; one that isn't listed is shown as it is, quietly."""
    text = str(code)
    return LOOKS.get(text) or Look("quiet", "point", text.replace("_", " ").capitalize())
