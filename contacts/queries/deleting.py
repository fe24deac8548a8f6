"""Deletes contacts in sets, and keeps their unsubscribes as suppressions."""

from django.db import connection, transaction
from django.db.models import QuerySet

from contacts.models import Contact
from contacts.queries import wishes
from pages import statements
from pages.registry import Registry

# Locks the contacts first, like an unsubscribe: otherwise both could wait for each other.
LOCK = "SELECT FROM contacts_contact c JOIN going ON c.id = going.id ORDER BY c.id FOR UPDATE OF c"
# One statement for each table: Django would first collect a million objects, for minutes.
DELETE = (
    "DELETE FROM contacts_subscription s USING going WHERE contact_id = going.id",
    "DELETE FROM contacts_contacttag USING going WHERE contact_id = going.id",
    "DELETE FROM contacts_openconsent USING going WHERE contact_id = going.id",
    "DELETE FROM contacts_openconsentanswer a USING going WHERE contact_id = going.id",
    "DELETE FROM contacts_formeraddress USING going WHERE contact_id = going.id",
    "DELETE FROM contacts_mailfrequency USING going WHERE contact_id = going.id",
    "DELETE FROM contacts_preferencechoice USING going WHERE contact_id = going.id",
    "DELETE FROM contacts_addresschange USING going WHERE contact_id = going.id",
    "DELETE FROM contacts_importedcontact USING going WHERE contact_id = id",
    "DELETE FROM contacts_contact c USING going WHERE c.id = going.id",
)

# Statements of apps to the right, of the same kind: their rows go with the contact.
others: Registry[str] = Registry()


@transaction.atomic
def delete(people: QuerySet[Contact]) -> int:
    """Deletes them. Returns how many."""
    ids, parameters = statements.sql_of(people.order_by().values("id"))
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE going ON COMMIT DROP AS {ids}", parameters)
        cursor.execute(LOCK)
        wishes.keep_of_deleted("SELECT id FROM going")
        for statement in (*others, *DELETE):
            cursor.execute(statement)
        return int(cursor.rowcount)
