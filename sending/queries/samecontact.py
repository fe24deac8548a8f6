"""The ledger of a contact that becomes a part of another one."""

from django.db import connection

from contacts.models import Contact
from sending.models import Message
from sending.queries import answers
from sending.queries.due import FREEZING
from sending.queries.states import sql

# Mailings that could still mail one of both after the other one was mailed, or mail `other`. They
# are few: only mailings that go on are looked at, by the index message_by_contact.
OPEN = sql(f"""
WITH theirs AS MATERIALIZED (
    SELECT mailing_id, contact_id, state FROM sending_message
     WHERE contact_id IN (%(kept)s, %(other)s))
SELECT m.source_kind, m.source_id
  FROM sending_mailing m
 WHERE m.workspace_id = %(workspace)s AND m.state IN ('sending', 'paused')
   AND ({FREEZING}
        OR EXISTS (SELECT FROM theirs t WHERE t.mailing_id = m.id AND t.state = $WAITING
                    AND (t.contact_id = %(other)s
                         OR EXISTS (SELECT FROM theirs o WHERE o.mailing_id = m.id
                                     AND o.contact_id = %(other)s))))
 ORDER BY m.id LIMIT 1
""")  # noqa: S608 - only constants of ours
# Waiting messages of a mailing that is over can't be sent.
MOVE = (
    """
UPDATE sending_event e SET contact_id = %(kept)s FROM sending_message m
 WHERE m.contact_id = %(other)s AND e.message_id = m.id AND e.mailing_id = m.mailing_id
""",
    "UPDATE sending_message SET contact_id = %(kept)s WHERE contact_id = %(other)s",
    "UPDATE sending_leftout SET contact_id = %(kept)s WHERE contact_id = %(other)s",
)
OF_CONTACT = "SELECT id FROM sending_message WHERE contact_id = %(kept)s"


def open_mailing_of(kept: Contact, other: Contact) -> tuple[str, int] | None:
    """The source (kind, number) of a mailing that may still mail one of both."""
    given = {"kept": kept.pk, "other": other.pk, "workspace": kept.workspace_id}
    with connection.cursor() as cursor:
        cursor.execute(OPEN, given)
        row: tuple[str, int] | None = cursor.fetchone()
        return row


def move(kept: Contact, other: Contact) -> None:
    """The messages of `other` are of `kept`; their addresses stay."""
    with connection.cursor() as cursor:
        for statement in MOVE:
            cursor.execute(statement, {"kept": kept.pk, "other": other.pk})
        cursor.execute(OF_CONTACT, {"kept": kept.pk})
        messages = [row[0] for row in cursor.fetchall()]
    answers.look_again(messages)


def count(contact: Contact) -> int:
    return Message.objects.filter(contact_id=contact.pk).count()
