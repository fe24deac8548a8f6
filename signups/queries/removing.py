"""Sign-ups go with their contacts: statements for contacts.queries.deleting, and contacts that are
merged."""

from contacts.models import Contact
from signups.models import Signup

MAILS = """
DELETE FROM signups_confirmationmail m USING signups_signup s, going
 WHERE m.signup_id = s.id AND s.contact_id = going.id
"""
SIGNUPS = "DELETE FROM signups_signup s USING going WHERE s.contact_id = going.id"
OF_CONTACTS = (MAILS, SIGNUPS)


def move(kept: Contact, other: Contact) -> None:
    Signup.objects.filter(contact=other).update(contact=kept)
