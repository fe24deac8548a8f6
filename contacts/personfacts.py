"""The sections of this app in the file about a person (contacts.personfile)."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Workspace
from contacts import addresses, attributevalues, sources, suppressionwords, timeline
from contacts.erasures import ErasedPerson
from contacts.models import (
    Attribute,
    Contact,
    ContactTag,
    FormerAddress,
    ImportedContact,
    Subscription,
    Suppression,
)
from contacts.openconsentmodels import OpenConsentAnswer
from contacts.personfile import Fact, Section
from contacts.preferencemodels import AddressChange, MailFrequency, PreferenceChoice
from contacts.provenance import IMPORT
from contacts.queries import mailable
from contacts.sourced import Sourced
from pages import locales

NAMES = ("first_name", "last_name", "full_name")


def source_of(row: Sourced, say: sources.Say) -> dict[str, Any]:
    """For `Fact.data`. `name`: in the language of the file."""
    said = say(row.source, "") if row.source else ""
    return {"kind": row.source_kind, "number": row.source_id, "name": said}


def comes_from(row: Sourced, say: sources.Say, afterwards: str = "") -> list[str]:
    """For `Fact.lines`."""
    if not row.source:
        return [_("It is not known where this came from.")]
    return [_("From: {source}").format(source=say(row.source, afterwards))]


def say_for(person: ErasedPerson, rows: list[Any]) -> sources.Say:
    """Names of the sources of these rows, by one query for each kind."""
    workspace = Workspace.objects.get(pk=person.workspace_id)
    return sources.in_words(sources.names(workspace, [row.source for row in rows]))


def _contact(person: ErasedPerson) -> Iterator[Fact]:
    for row in Contact.objects.filter(pk=person.contact_id):
        say = say_for(person, [row])
        names = {name: getattr(row, name) for name in NAMES}
        data = {"address": row.email, **names, "added_at": row.created_at}
        data |= {"changed_at": row.updated_at, "source": source_of(row, say)}
        labels = (_("First name"), _("Last name"), _("Full name"))
        lines = [
            f"{label}: {value}"
            for label, value in zip(labels, names.values(), strict=True)
            if value
        ]
        for most in MailFrequency.objects.filter(contact=row):
            data["at_most_one_a"] = most.most
            lines.append(_("Advertising: {most}").format(most=most.get_most_display()))
        yield Fact(
            data, addresses.display(row.email), row.created_at, [*lines, *comes_from(row, say)]
        )


def _addresses(person: ErasedPerson) -> Iterator[Fact]:
    former = FormerAddress.objects.filter(contact=person.contact_id, address__in=person.addresses)
    for row in former.order_by("-until"):
        data = {"address": row.address, "since": row.since, "until": row.until}
        kind = "of_merged_contact" if row.other_id else "former"
        said = _("Until then the address of a second contact of the same person")
        line = said if row.other_id else _("The address until then")
        yield Fact(data | {"kind": kind}, addresses.display(row.address), row.until, [line])
    for asked in AddressChange.objects.filter(contact=person.contact_id).order_by("-pk"):
        data = {"address": asked.address, "kind": "asked_for", "since": asked.created_at}
        data["until"] = asked.confirmed_at
        line = _("Asked for as a new address")
        yield Fact(data, addresses.display(asked.address), asked.created_at, [line])


def _attributes(person: ErasedPerson) -> Iterator[Fact]:
    for contact in Contact.objects.filter(pk=person.contact_id):
        known = {one.key: one for one in Attribute.objects.filter(workspace=person.workspace_id)}
        for key in sorted(contact.attributes, key=lambda one: (one not in known, one)):
            value, of = contact.attributes[key], known.get(key)
            label, type_ = (of.label, of.type) if of else (key, "")
            shown = attributevalues.shown(type_, value)
            data = {"key": key, "name": label, "type": type_, "value": value}
            yield Fact(data, f"{label}: {shown}")


def _tags(person: ErasedPerson) -> Iterator[Fact]:
    rows = list(ContactTag.objects.filter(contact=person.contact_id).select_related("tag"))
    say = say_for(person, rows)
    for row in sorted(rows, key=lambda one: one.created_at, reverse=True):
        data = {"tag": row.tag.name, "at": row.created_at, "source": source_of(row, say)}
        yield Fact(data, row.tag.name, row.created_at, comes_from(row, say))


def _subscriptions(person: ErasedPerson) -> Iterator[Fact]:
    found = Subscription.objects.filter(contact=person.contact_id).select_related("list")
    rows = list(found.order_by("-changed_at"))
    say = say_for(person, rows)
    for row in rows:
        data: dict[str, Any] = {"list": row.list.name, "status": row.status, "consent": row.consent}
        data |= {"since": row.created_at, "changed_at": row.changed_at}
        data |= {"source": source_of(row, say), "afterwards": row.afterwards}
        lines = [f"{row.get_status_display()}"]
        lines.append(_("Consent: {consent}").format(consent=row.get_consent_display()))
        yield Fact(
            data, row.list.name, row.changed_at, [*lines, *comes_from(row, say, row.afterwards)]
        )


def _open_answers(person: ErasedPerson) -> Iterator[Fact]:
    rows = list(OpenConsentAnswer.objects.filter(contact=person.contact_id).order_by("-pk"))
    say = say_for(person, rows)
    for row in rows:
        data = {"given": row.given, "at": row.at, "text": row.text, "ip": row.ip}
        data["source"] = source_of(row, say)
        title = _("Refused the counting of opens, or withdrew the consent")
        if row.given:
            title = _("Agreed to the counting of opens")
        yield Fact(data, title, row.at, _evidence(row.text, row.ip) + comes_from(row, say))


def _evidence(text: str, ip: str | None) -> list[str]:
    lines = [_("The text that was shown: “{text}”").format(text=text)] if text else []
    return lines + ([_("From the network address {ip}").format(ip=ip)] if ip else [])


def _choices(person: ErasedPerson) -> Iterator[Fact]:
    rows = list(PreferenceChoice.objects.filter(contact=person.contact_id).order_by("-pk"))
    say = say_for(person, rows)
    for row in rows:
        data = {"kind": row.kind, "value": row.value, "text": row.words, "at": row.created_at}
        data["source"] = source_of(row, say)
        lines = [_("Text: “{text}”").format(text=row.words)] if row.words else []
        yield Fact(data, timeline.choice(row), row.created_at, lines + comes_from(row, say))


def _imports(person: ErasedPerson) -> Iterator[Fact]:
    rows = ImportedContact.objects.filter(contact_id=person.contact_id).select_related("of_import")
    for row in rows.order_by("-of_import_id"):
        at = row.of_import.finished_at or row.of_import.created_at
        data = {"file": row.of_import.filename, "outcome": row.outcome, "at": at}
        data["source"] = {
            "kind": IMPORT,
            "number": row.of_import_id,
            "name": row.of_import.filename,
        }
        title = timeline.OUTCOMES[row.outcome]()
        yield Fact(data, title, at, [_("File: {file}").format(file=row.of_import.filename)])


def _suppressions(person: ErasedPerson) -> Iterator[Fact]:
    """Those in force, and lifted ones of the person's addresses."""
    workspace = Workspace.objects.get(pk=person.workspace_id)
    found = mailable.stops_of(workspace, person.addresses)
    rows = {one.pk: (address, one) for address, stops in found.items() for one in stops}
    own = Suppression.objects.filter(
        workspace=workspace, kind=Suppression.Kind.ADDRESS, value__in=person.addresses
    )
    rows = {one.pk: (one.value, one) for one in own} | rows
    say = say_for(person, [one for _address, one in rows.values()])
    for address, one in sorted(rows.values(), key=lambda row: row[1].created_at, reverse=True):
        yield _suppression(address, one, say)


def _suppression(address: str, one: Suppression, say: sources.Say) -> Fact:
    data = {
        "address": address,
        "kind": one.kind,
        "value": "" if one.kind == Suppression.Kind.ERASED else one.value,
        "everywhere": one.everywhere,
        "reason": one.reason,
        "at": one.created_at,
        "until": one.until,
        "lifted_at": one.lifted_at,
        "words": one.detail,
        "source": {} if one.everywhere else source_of(one, say),
    }
    title = f"{addresses.display(address)}: {suppressionwords.reason(one)}"
    lines = [suppressionwords.sentence(one)]
    if one.kind == Suppression.Kind.ERASED:
        lines = [ERASED.format(when=locales.absolute(one.created_at))]
    if one.detail:
        lines.append(_("Words: “{words}”").format(words=one.detail))
    if one.lifted_at:
        lines.append(_("Lifted: {when}").format(when=locales.absolute(one.lifted_at)))
    if not one.everywhere and one.source:
        lines += comes_from(one, say, one.afterwards)
    return Fact(data, title, one.created_at, lines)


ERASED = gettext_lazy(
    "The data of this person was erased {when}. A keyed digest of the address is kept, which nobody"
    " can read, so that no file brings the person back. Mails from before are kept without the"
    " address, for the counts, and can't be found by it any more."
)

SECTIONS = (
    Section("contact", gettext_lazy("Contact"), _contact),
    Section("addresses", gettext_lazy("Other addresses"), _addresses),
    Section("attributes", gettext_lazy("Attributes"), _attributes),
    Section("tags", gettext_lazy("Tags"), _tags),
    Section("subscriptions", gettext_lazy("Subscriptions"), _subscriptions),
    Section("open_consents", gettext_lazy("Answers about the counting of opens"), _open_answers),
    Section("choices", gettext_lazy("Choices on the page of preferences"), _choices),
    Section("imports", gettext_lazy("Imports"), _imports),
    Section("suppressions", gettext_lazy("Suppressions"), _suppressions),
)
