"""The texts of the scripts, in the reader's language. Scripts read them from <script
id="words">."""

from django.utils.translation import gettext as _


def words() -> dict[str, str]:
    return {
        "undo": _("Undo"),
        "close": _("Close"),
        "discard": _("Discard"),
        "restored": _("Your unsaved text was restored."),
        "leave": _("Your changes are not saved."),
        "nothing": _("Nothing found."),
        "offline": _("The server can't be reached. Check the connection and try again."),
        "failed": _("That did not work. Reference: {reference}"),
        "forbidden": _("Your role does not allow this."),
        "gone": _("This no longer exists."),
        "time": _("Time"),
        "name": _("Name"),
        "as_table": _("Show as a table"),
        "selected": _("{n} selected"),
        "all_selected": _("All {n} in this result are selected"),
        "copied": _("Copied"),
        "moved": _("{name} is at place {place} of {count}."),
        "no_data": _("No figures yet."),
    }
