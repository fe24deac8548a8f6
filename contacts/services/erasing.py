"""Erases a person who asks for it (GDPR, article 17; PIPL, article 47).

What stays is a keyed digest of each address on the list of suppressions (contacts.erasure), so that
no file brings the person back, and rows of the ledger without a name."""

from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User, Workspace
from contacts import addresses, provenance
from contacts.erasures import ErasedPerson, Trace, traces
from contacts.models import Contact, Subscription
from contacts.queries import erasing as query
from contacts.queries import importing
from contacts.services import contacts, knownaddresses, suppressions
from contacts.services.knownaddresses import KnownAddress
from environment import logs
from pages import locales

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """Whom an erasure would be about. `traces`: what is known, in words with numbers."""

    known: KnownAddress
    traces: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return self.known.address


def find(workspace: Workspace, typed: str) -> Found:
    """Raises addresses.AddressError."""
    known = knownaddresses.find(workspace, addresses.normalise(typed))
    counted = [(one, one.count(known.everything)) for one in traces]
    return Found(known, [one.words(count) for one, count in counted if count])


@transaction.atomic
def erase(workspace: Workspace, address: str, *, by: User | None) -> None:
    """`address`: normalised. Safe to do twice."""
    # No import writes the person anew meanwhile.
    importing.wait_for_turn(workspace.pk)
    Contact.objects.select_for_update().filter(workspace=workspace, email=address).first()
    known = knownaddresses.find(workspace, address)
    person = known.everything
    for trace in traces:
        trace.forget(person)
    if known.contact is not None:
        contacts.delete(Contact.objects.filter(pk=known.contact.pk))
    # After the deletion, which suppresses the address of who left a list.
    for one in known.proven:
        suppressions.add_erased(workspace, one, source=provenance.one_action(), by=by)
    log.committed.info(
        "person erased", contact=person.contact_id, workspace=workspace.pk, user=by and by.pk
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
