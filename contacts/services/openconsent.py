"""The consent of contacts that opens of mails are counted for each person.

Forms, imports, pages and the public page call `give` and `withdraw`. Both take any number of
contacts and are safe to do twice: an answer that is known already changes nothing and leaves no
trace. A withdrawal also holds for mails that were sent already: apps to the right register in
`contacts.queries.openconsent.on_withdrawn` what they have to forget.
"""

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address

from django.db import transaction

from accounts.models import User
from contacts.models import Contact
from contacts.openconsentmodels import LONGEST_TEXT, OpenConsent, OpenConsentAnswer
from contacts.provenance import Source
from contacts.queries import openconsent as query
from contacts.queries.openconsent import OpenAnswer
from environment import logs

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class ContactConsent:
    """`given`: None if the contact has given no answer. `answers`: the newest first."""

    given: bool | None
    answers: list[OpenConsentAnswer]


def give(
    contact_ids: Collection[int],
    source: Source,
    *,
    text: str = "",
    ip: str | None = None,
    by: User | None = None,
) -> int:
    """The contacts agree. Returns for how many that is new. `text`: what they read; `ip`: from
    where they answered; `by`: the colleague who records it. Contacts that are gone are ignored; the
    caller checks that the others are of its workspace."""
    return len(_write(contact_ids, _answer(source, text, ip, by, given=True)))


@transaction.atomic
def withdraw(
    contact_ids: Collection[int],
    source: Source,
    *,
    text: str = "",
    ip: str | None = None,
    by: User | None = None,
) -> int:
    """The contacts withdraw their consent, or refuse. Returns for how many that is new. Their
    earlier opens stay in the totals of reports, without the persons."""
    changed = _write(contact_ids, _answer(source, text, ip, by, given=False))
    if changed:
        for forget in query.on_withdrawn:
            forget(changed)
    return len(changed)


def _answer(
    source: Source, text: str, ip: str | None, by: User | None, *, given: bool
) -> OpenAnswer:
    text = text.replace("\x00", "")[:LONGEST_TEXT]
    return OpenAnswer(given, source, text, _address(ip), by.pk if by else None)


@transaction.atomic
def _write(contact_ids: Collection[int], answer: OpenAnswer) -> list[int]:
    if not contact_ids:
        return []
    changed = query.write(contact_ids, answer)
    if changed:
        known = {"contacts": len(changed), "source": answer.source}
        log.committed.info("consent for opens answered", given=answer.given, **known)
    return changed


def _address(text: str | None) -> str | None:
    """None for what is no address: a proxy may pass anything on."""
    try:
        return str(ip_address(text.partition("%")[0])) if text else None
    except ValueError:
        return None


def of(contact: Contact) -> ContactConsent:
    """The answer of a contact with its trail."""
    now = OpenConsent.objects.filter(contact=contact).first()
    answers = OpenConsentAnswer.objects.filter(contact=contact).select_related("by")
    return ContactConsent(now.given if now else None, list(answers.order_by("-pk")))


def answers_of(contact_ids: Collection[int]) -> set[bool]:
    """The different answers of these contacts."""
    rows = OpenConsent.objects.filter(contact__in=contact_ids)
    return set(rows.values_list("given", flat=True))
