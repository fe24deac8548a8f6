"""A contact's timeline, newest first. Apps to the right register contributors in their module
`timeline`:

    @timeline.contributors.add
    def mails(contact): return [TimelineEntry(at, _("Accepted"), icon="check", words=reply)]

A contributor runs one quick query over an index on the contact and returns its newest entries.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from contacts import addresses
from contacts.models import Contact, ImportedContact, Subscription, Suppression
from contacts.openconsentmodels import OpenConsentAnswer
from contacts.preferencemodels import MailFrequency, PreferenceChoice
from contacts.provenance import IMPORT, UNKNOWN, Source
from pages import locales
from pages.registry import Registry

Text = str | Promise


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    at: datetime
    title: Text
    icon: str = "point"
    detail: Text = ""
    # The words of the server or the person.
    words: str = ""
    url: str = ""
    # Its source, shown as a link if it has a page, and contacts.models.Afterwards.
    source: Source = UNKNOWN
    afterwards: str = ""


Contributor = Callable[[Contact], Iterable[TimelineEntry]]
contributors: Registry[Contributor] = Registry()
LIMIT = 100


def entries(contact: Contact) -> list[TimelineEntry]:
    """The newest entries of all contributors."""
    found = [entry for known in contributors for entry in known(contact)]
    return sorted(found, key=lambda entry: entry.at, reverse=True)[:LIMIT]


@contributors.add
def _added(contact: Contact) -> Iterable[TimelineEntry]:
    return [
        TimelineEntry(
            contact.created_at, pgettext("event", "Added"), "user-plus", source=contact.source
        )
    ]


@contributors.add
def _subscriptions(contact: Contact) -> Iterable[TimelineEntry]:
    for row in contact.subscriptions.select_related("list"):
        if row.status == Subscription.Status.SUBSCRIBED:
            title = _("On the list {list}").format(list=row.list.name)
            yield TimelineEntry(
                row.changed_at,
                title,
                "list-check",
                detail=_("Consent: {consent}").format(consent=row.get_consent_display()),
                source=row.source,
                afterwards=row.afterwards,
            )
        else:
            title = _("Left the list {list}").format(list=row.list.name)
            yield TimelineEntry(
                row.changed_at,
                title,
                "user-minus",
                source=row.source,
                afterwards=row.afterwards,
            )


@contributors.add
def _tags(contact: Contact) -> Iterable[TimelineEntry]:
    """One entry for all tags of one time and source."""
    rows = contact.tagged.select_related("tag").order_by("-created_at", "tag__key")[:LIMIT]
    together: dict[tuple[datetime, Source], list[str]] = {}
    for row in rows:
        together.setdefault((row.created_at, row.source), []).append(row.tag.name)
    for (at, source), names in together.items():
        title = ngettext("Got the tag {tags}", "Got the tags {tags}", len(names))
        yield TimelineEntry(at, title.format(tags=locales.listed(names)), "tag", source=source)


@contributors.add
def _open_answers(contact: Contact) -> Iterable[TimelineEntry]:
    for one in OpenConsentAnswer.objects.filter(contact=contact).order_by("-pk"):
        title = _("Refused the counting of opens, or withdrew the consent")
        if one.given:
            title = _("Agreed to the counting of opens")
        icon = "check" if one.given else "x"
        yield TimelineEntry(one.at, title, icon, words=one.text, source=one.source)


OUTCOMES = {
    "new": lambda: _("Created by an import"),
    "updated": lambda: _("Updated by an import"),
    "unchanged": lambda: _("In an import, nothing new"),
}


@contributors.add
def _imports(contact: Contact) -> Iterable[TimelineEntry]:
    """With the text that the people of the file agreed to, as whoever imported it said."""
    rows = ImportedContact.objects.filter(contact_id=contact.pk).select_related("of_import")
    for row in rows.order_by("-of_import_id")[:20]:
        at = row.of_import.finished_at or row.of_import.created_at
        title = OUTCOMES[row.outcome]()
        yield TimelineEntry(
            at,
            title,
            "file-import",
            row.of_import.filename,
            words=row.of_import.consent_text,
            source=Source(IMPORT, row.of_import_id),
        )


CHOSEN = {
    PreferenceChoice.Kind.SUBSCRIBED: lambda: _("Chose to get mail about {value}"),
    PreferenceChoice.Kind.LEFT: lambda: _("Chose no more mail about {value}"),
    PreferenceChoice.Kind.AGAIN: lambda: _("Asked for mail again after unsubscribing"),
    PreferenceChoice.Kind.PAUSED: lambda: _("Paused advertising until {value}"),
    PreferenceChoice.Kind.RESUMED: lambda: _("Ended the pause"),
    PreferenceChoice.Kind.FREQUENCY: lambda: _("Chose how often: {value}"),
    PreferenceChoice.Kind.LANGUAGE: lambda: _("Chose the language {value}"),
    PreferenceChoice.Kind.ADDRESS: lambda: _("Confirmed the new address {value}"),
    PreferenceChoice.Kind.BECAUSE: lambda: _("Said why they left: {value}"),
}


@contributors.add
def _choices(contact: Contact) -> Iterable[TimelineEntry]:
    """What the person chose on the page of their preferences. Index: choice_by_contact."""
    for row in contact.choices.order_by("-pk")[:LIMIT]:
        yield TimelineEntry(
            row.created_at,
            choice(row),
            "adjustments",
            words=row.words,
            source=row.source,
        )


def choice(row: PreferenceChoice) -> str:
    """What the person chose, in words."""
    return CHOSEN[PreferenceChoice.Kind(row.kind)]().format(value=_chosen(row))


def _chosen(row: PreferenceChoice) -> str:
    kinds = PreferenceChoice.Kind
    if row.kind == kinds.PAUSED:
        return locales.day(date.fromisoformat(row.value))
    if row.kind == kinds.BECAUSE:
        return str(dict(PreferenceChoice.Because.choices).get(row.value, row.value))
    if row.kind == kinds.FREQUENCY:
        return str(dict(MailFrequency.Most.choices).get(row.value, _("every mail")))
    return row.value


@contributors.add
def _addresses(contact: Contact) -> Iterable[TimelineEntry]:
    for row in contact.former_addresses.order_by("-until")[:LIMIT]:
        title = _("Had another address until then")
        if row.other_id:
            title = _("Another contact was merged into this one")
        yield TimelineEntry(row.until, title, "users", detail=addresses.display(row.address))


@contributors.add
def _suppressions(contact: Contact) -> Iterable[TimelineEntry]:
    merged = contact.former_addresses.exclude(other_id=None).values_list("address", flat=True)
    values = [contact.email, *merged[:LIMIT]]
    rows = Suppression.objects.filter(
        workspace_id=contact.workspace_id, kind=Suppression.Kind.ADDRESS, value__in=values
    )
    for row in rows:
        title = _("Suppressed: {reason}").format(reason=row.get_reason_display())
        yield TimelineEntry(
            row.created_at,
            title,
            "ban",
            words=row.detail,
            source=row.source,
            afterwards=row.afterwards,
        )
        if row.lifted_at:
            yield TimelineEntry(row.lifted_at, _("Suppression lifted"), "arrow-back-up")
