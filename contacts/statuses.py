"""The states of subscriptions, suppressions, imports and jobs."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from pages.statuses import Look, register

register(
    {
        "subscribed": Look("good", "check", _("Subscribed")),
        "unsubscribed": Look("quiet", "user-minus", _("Unsubscribed")),
        "not_subscribed": Look("quiet", "circle-minus", _("On no list")),
        # Why an address is suppressed.
        "suppressed": Look("bad", "ban", _("Suppressed")),
        "hard_bounced": Look("bad", "mail-x", _("Hard bounce")),
        "complained": Look("bad", "message-report", _("Complaint")),
        "erased": Look("quiet", "user-off", _("Asked to be erased")),
        "manual": Look("quiet", "hand-stop", _("Added by hand")),
        "imported": Look("quiet", "file-import", _("Imported")),
        # Imports and jobs.
        "uploading": Look("busy", "upload", _("Uploading")),
        "reading": Look("busy", "file-import", _("Being read")),
        "ready": Look("info", "columns", _("To be checked")),
        "ended": Look("good", "circle-check", pgettext_lazy("a file", "Read")),
        "queued": Look("quiet", "clock", _("Queued")),
        "finished": Look("good", "circle-check", _("Finished")),
        "cancelled": Look("quiet", "circle-x", _("Cancelled")),
        "failed": Look("bad", "alert-circle", _("Failed")),
        # Imports from an address, and their runs.
        "setup": Look("info", "columns", _("To be confirmed")),
        "fetching": Look("busy", "download", _("Being fetched")),
        "in_line": Look("quiet", "clock", _("Waits until another file is fetched")),
        "importing": Look("busy", "file-import", _("Being imported")),
        "judging": Look("busy", "file-import", _("Being checked")),
        "taken": Look("good", "circle-check", pgettext_lazy("a file that was fetched", "Imported")),
        "asking": Look("warn", "user-question", _("Waits for a person")),
        "same_file": Look("quiet", "circle-check", _("File unchanged")),
        "undone": Look("quiet", "arrow-back-up", _("Undone")),
    }
)
