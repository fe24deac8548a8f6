"""Erases a person who asks for it (GDPR, article 17; PIPL, article 47).

What stays is a keyed digest of each address on the list of suppressions (contacts.erasure), so that
no file brings the person back, and rows of the ledger without a name."""

from dataclasses import dataclass, field, replace

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User, Workspace
from contacts import addresses, provenance
from contacts.erasures import ErasedPerson, Trace, traces
from contacts.models import Contact, FormerAddress, Subscription
from contacts.preferencemodels import AddressChange
from contacts.queries import erasing as query
from contacts.queries import importing
from contacts.services import contacts, suppressions
from environment import logs
from pages import locales

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """Whom an erasure would be about. `proven`: the addresses that are surely the person's, which
    stay on the list of suppressions as digests. `traces`: what is known, in words with numbers."""

    address: str
    person: ErasedPerson
    proven: tuple[str, ...] = ()
    contact: Contact | None = None
    traces: list[str] = field(default_factory=list)


def find(workspace: Workspace, typed: str) -> Found:
    """Raises addresses.AddressError."""
    found = _person(workspace, addresses.normalise(typed))
    counted = [(one, one.count(found.person)) for one in traces]
    words = [one.words(count) for one, count in counted if count]
    return replace(found, traces=words)


def _person(workspace: Workspace, address: str) -> Found:
    contact = Contact.objects.filter(workspace=workspace, email=address).first()
    if contact is None:
        return Found(address, ErasedPerson(workspace.pk, (address,)), (address,))
    former = FormerAddress.objects.filter(contact=contact).values_list("address", flat=True)
    asked = AddressChange.objects.filter(contact=contact).values_list("address", flat=True)
    known = {address, *former, *asked}
    # An address that somebody else has now is not this person's any more.
    others = Contact.objects.filter(workspace=workspace, email__in=known).exclude(pk=contact.pk)
    known -= set(others.values_list("email", flat=True))
    # One that was only asked for may be a stranger's, by a slip of the keyboard.
    proven = known & {address, *former}
    person = ErasedPerson(workspace.pk, tuple(sorted(known)), contact.pk)
    return Found(address, person, tuple(sorted(proven)), contact)


@transaction.atomic
def erase(workspace: Workspace, address: str, *, by: User | None) -> None:
    """`address`: normalised. Safe to do twice."""
    # No import writes the person anew meanwhile.
    importing.wait_for_turn(workspace.pk)
    Contact.objects.select_for_update().filter(workspace=workspace, email=address).first()
    found = _person(workspace, address)
    for trace in traces:
        trace.forget(found.person)
    if found.contact is not None:
        contacts.delete(Contact.objects.filter(pk=found.contact.pk))
    # After the deletion, which suppresses the address of who left a list.
    for one in found.proven:
        suppressions.add_erased(workspace, one, source=provenance.one_action(), by=by)
    log.committed.info(
        "person erased", contact=found.person.contact_id, workspace=workspace.pk, user=by and by.pk
    )


def _contacts(person: ErasedPerson) -> int:
    return 1 if person.contact_id else 0


def _contact_words(_count: int) -> str:
    return _("the contact with all that is known about it")


def _subscriptions(person: ErasedPerson) -> int:
    return Subscription.objects.filter(contact=person.contact_id).count()


def _subscription_words(count: int) -> str:
    text = ngettext("{count} subscription to a list", "{count} subscriptions to lists", count)
    return text.format(count=locales.number(count))


def _line_words(count: int) -> str:
    text = ngettext(
        "the text of {count} line that an import rejected",
        "the texts of {count} lines that imports rejected",
        count,
    )
    return text.format(count=locales.number(count))


def _goes_with_the_contact(_person: ErasedPerson) -> None:
    """contacts.queries.deleting does it."""


traces.add(
    Trace("contact", _contact_words, _contacts, _goes_with_the_contact), key="contact", order=80
)
traces.add(
    Trace("subscriptions", _subscription_words, _subscriptions, _goes_with_the_contact),
    key="subscriptions",
    order=81,
)
traces.add(
    Trace("lines", _line_words, query.count_lines, query.forget_lines), key="lines", order=90
)
