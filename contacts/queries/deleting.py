"""Contacts are deleted in sets, and what they said no to is kept."""

from django.db import connection, transaction
from django.db.models import QuerySet

from contacts.models import Contact
from contacts.queries import wishes
from pages import statements

# The contact first, as an unsubscribe does it: else each could wait for the other.
LOCK = "SELECT FROM contacts_contact c JOIN going ON c.id = going.id ORDER BY c.id FOR UPDATE OF c"
# One statement a table: collecting a million objects in Python first would take minutes.
DELETE = (
    "DELETE FROM contacts_subscription s USING going WHERE contact_id = going.id",
    "DELETE FROM contacts_importedcontact USING going WHERE contact_id = id",
    "DELETE FROM contacts_contact c USING going WHERE c.id = going.id",
)


@transaction.atomic
def delete(people: QuerySet[Contact]) -> int:
    """How many."""
    ids, parameters = statements.sql_of(people.order_by().values("id"))
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE going ON COMMIT DROP AS {ids}", parameters)
        cursor.execute(LOCK)
        wishes.keep_of_deleted("SELECT id FROM going")
        for statement in DELETE:
            cursor.execute(statement)
        return int(cursor.rowcount)
