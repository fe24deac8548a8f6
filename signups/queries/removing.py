"""Sign-ups go with their contacts: statements for contacts.queries.deleting, contacts that are
merged, and persons who are erased."""

from django.db.models import QuerySet
from django.utils.translation import ngettext

from contacts.erasures import ErasedPerson
from contacts.models import Contact
from pages import locales
from signups.models import Signup

MAILS = """
DELETE FROM signups_confirmationmail m USING signups_signup s, going
 WHERE m.signup_id = s.id AND s.contact_id = going.id
"""
SIGNUPS = "DELETE FROM signups_signup s USING going WHERE s.contact_id = going.id"
OF_CONTACTS = (MAILS, SIGNUPS)


def move(kept: Contact, other: Contact) -> None:
    Signup.objects.filter(contact=other).update(contact=kept)


def _of(person: ErasedPerson) -> QuerySet[Signup]:
    """Also those that were never confirmed."""
    return Signup.objects.filter(workspace=person.workspace_id, address__in=person.addresses)


def count(person: ErasedPerson) -> int:
    return _of(person).count()


def words(count: int) -> str:
    text = ngettext("{count} sign-up by a form", "{count} sign-ups by forms", count)
    return text.format(count=locales.number(count))


def forget(person: ErasedPerson) -> None:
    _of(person).delete()
