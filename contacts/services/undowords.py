"""What undoing an import says before and afterwards."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.models import Import
from contacts.queries import importing
from pages import locales

# Of more people than these, the page doesn't count beforehand who has a mail: it would take
# seconds.
COUNTED = 50_000


def before(import_: Import) -> str:
    """What is removed and what stays, in numbers."""
    counts = import_.counts
    removes = _(
        "Removes {subscribed} subscriptions that it made, and those of the {new} people it added "
        "whom nothing else knows yet."
    ).format(
        subscribed=locales.number(counts.get("subscribed", 0)),
        new=locales.number(counts.get("new", 0)),
    )
    return locales.sentences(
        removes,
        _("Tags that it added are removed.") if counts.get("tagged") else "",
        _mailed(import_),
        _("Values that it filled in for people you knew before stay."),
        _wishes(counts.get("unsubscribed", 0), counts.get("stopped", 0)),
        _("This can't be taken back."),
    )


def _mailed(import_: Import) -> str:
    """How many of the people whom it added stay because of a mail; "": nobody."""
    if import_.counts.get("new", 0) > COUNTED:
        return _("Those of them whom a campaign mails or has mailed stay.")
    count = importing.mailed(import_.pk) if import_.counts.get("new") else 0
    text = ngettext(
        "{count} of them stays, because a campaign mails or has mailed this person.",
        "{count} of them stay, because a campaign mails or has mailed these people.",
        count,
    )
    return text.format(count=locales.number(count)) if count else ""


def _wishes(unsubscribed: int, stopped: int) -> str:
    """What stays of the file's words about people who want no mail; "": it had none."""
    said = []
    if unsubscribed:
        text = _("{count} recorded as unsubscribed")
        said.append(text.format(count=locales.number(unsubscribed)))
    if stopped:
        text = ngettext(
            "{count} suppressed (the suppression can be lifted)",
            "{count} suppressed (the suppressions can be lifted together)",
            stopped,
        )
        said.append(text.format(count=locales.number(stopped)))
    if not said:
        return ""
    text = _("So does what the file said of people who want no mail: {what}.")
    return text.format(what=locales.listed(said))


def afterwards(contacts: int, *, kept: int, mailed: int) -> str:
    """`contacts` were removed; `kept` stayed, `mailed` of them because of a mail."""
    text = ngettext(
        "Undone: {count} contact removed.", "Undone: {count} contacts removed.", contacts
    )
    return locales.sentences(
        text.format(count=locales.number(contacts)),
        _mailed_stayed(mailed),
        _used_elsewhere(kept - mailed),
    )


def _mailed_stayed(count: int) -> str:
    text = ngettext(
        "{count} stayed, because a campaign mails or has mailed this person.",
        "{count} stayed, because a campaign mails or has mailed these people.",
        count,
    )
    return text.format(count=locales.number(count)) if count else ""


def _used_elsewhere(count: int) -> str:
    text = ngettext(
        "{count} stayed, because it is used elsewhere.",
        "{count} stayed, because they are used elsewhere.",
        count,
    )
    return text.format(count=locales.number(count)) if count else ""
