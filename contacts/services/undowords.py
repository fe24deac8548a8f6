"""What undoing an import says before and afterwards."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.models import Import, Job
from contacts.queries import importundo, overwritten
from contacts.queries.overwritten import Coming, Restored
from contacts.services import jobs
from pages import locales

# Of more people than these, the page doesn't count beforehand who has a mail or is on the list: it
# would take seconds.
COUNTED = 50_000


def before(import_: Import) -> str:
    """What is removed, what comes back and what stays, in numbers."""
    counts = import_.counts
    seen = sum(counts.get(name, 0) for name in ("new", "updated", "unchanged"))
    coming = overwritten.coming(import_.pk) if seen <= COUNTED else None
    return locales.sentences(
        _removes(counts.get("new", 0)),
        _subscriptions(counts.get("subscribed", 0), coming),
        _("Tags that it added are removed.") if counts.get("tagged") else "",
        _mailed(import_),
        _values(counts.get("updated", 0)),
        _again(coming),
        _wishes(
            counts.get("unsubscribed", 0) - (coming.subscribed if coming else 0),
            counts.get("stopped", 0),
        ),
        _("This can't be taken back."),
    )


def _removes(new: int) -> str:
    """The contacts that it made; "": none."""
    text = ngettext(
        "Removes {new} person it added, unless something else knows this person by now.",
        "Removes those of the {new} people it added whom nothing else knows yet.",
        new,
    )
    return text.format(new=locales.number(new)) if new else ""


def _subscriptions(made: int, coming: Coming | None) -> str:
    """The subscriptions that it made; "": none is removed. Many are not counted anew."""
    if coming is None:
        text = _("Of the {made} subscriptions that it made, removes those that nobody has changed.")
        return text.format(made=locales.number(made)) if made else ""
    text = ngettext(
        "Removes {count} subscription that it made.",
        "Removes {count} subscriptions that it made.",
        coming.removed,
    )
    return text.format(count=locales.number(coming.removed)) if coming.removed else ""


def _values(updated: int) -> str:
    """What comes back for contacts that it updated; "": none."""
    text = ngettext(
        "Brings back the values that it changed for {count} person you knew before, except those "
        "that somebody has changed since.",
        "Brings back the values that it changed for {count} people you knew before, except those "
        "that somebody has changed since.",
        updated,
    )
    return text.format(count=locales.number(updated)) if updated else ""


def _again(coming: Coming | None) -> str:
    """The people whom it had unsubscribed; "": nobody."""
    if coming is None:
        return _("Whoever was on the list and was unsubscribed by it is subscribed again.")
    text = ngettext(
        "Subscribes {count} person again, who was on the list and was unsubscribed by it.",
        "Subscribes {count} people again, who were on the list and were unsubscribed by it.",
        coming.subscribed,
    )
    return text.format(count=locales.number(coming.subscribed)) if coming.subscribed else ""


def _mailed(import_: Import) -> str:
    """How many of the people whom it added stay because of a mail; "": nobody."""
    if import_.counts.get("new", 0) > COUNTED:
        return _("People whom a campaign mails or has mailed stay.")
    count = importundo.mailed(import_.pk) if import_.counts.get("new") else 0
    text = ngettext(
        "{count} of these people stays, because a campaign mails or has mailed this person.",
        "{count} of these people stay, because a campaign mails or has mailed them.",
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
    text = _("What the file said of people who want no mail stays: {what}.")
    return text.format(what=locales.listed(said))


def job_of(import_: Import) -> Job | None:
    """The job that is still undoing it."""
    own = Job.objects.filter(workspace_id=import_.workspace_id, kind="undo_import")
    active = own.filter(state__in=jobs.ACTIVE, parameters__import=import_.pk)
    return active.first()


def remaining(import_: Import) -> int | None:
    """How many of the contacts that it made are there after its undo; None: too many to count on a
    page."""
    if import_.counts.get("new", 0) > COUNTED:
        return None
    return overwritten.made_by(import_).count()


def afterwards(contacts: int, *, kept: int, mailed: int, restored: Restored) -> str:
    """`contacts` were removed; `kept` stayed, `mailed` of them because of a mail."""
    text = ngettext(
        "Undone: {count} contact removed.", "Undone: {count} contacts removed.", contacts
    )
    return locales.sentences(
        text.format(count=locales.number(contacts)),
        _mailed_stayed(mailed),
        _used_elsewhere(kept - mailed),
        _values_back(restored.people),
        _subscribed_again(restored.subscribed),
        values_stayed(restored.stayed),
    )


def _values_back(people: int) -> str:
    text = ngettext(
        "{count} contact has its former values again.",
        "{count} contacts have their former values again.",
        people,
    )
    return text.format(count=locales.number(people)) if people else ""


def _subscribed_again(people: int) -> str:
    text = ngettext(
        "{count} person is subscribed again.", "{count} people are subscribed again.", people
    )
    return text.format(count=locales.number(people)) if people else ""


def values_stayed(people: int) -> str:
    text = ngettext(
        "{count} contact keeps values that were changed since the import.",
        "{count} contacts keep values that were changed since the import.",
        people,
    )
    return text.format(count=locales.number(people)) if people else ""


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
