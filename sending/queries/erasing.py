"""What the ledger knows of an erased person.

The rows stay, so that the ledger closes. Their address, the texts of the server and the person's
own data go. A message that still waits keeps its address: a worker may be sending it now. The next
claim skips it, because its contact is gone or its address suppressed; it is noted, and a tick
forgets it then (`forget_waiting`)."""

from typing import Any

from django.db import connection

from contacts.erasures import DOMAIN, ErasedPerson
from sending.queries.states import sql

MAILINGS = "SELECT id FROM sending_mailing WHERE workspace_id = %(workspace)s"
# By the contact; and by the address if the row is nobody else's. Two parts for the address, each
# with an index of its own.
FOUND = f"""
SELECT id FROM sending_message WHERE contact_id = %(contact)s
UNION
SELECT id FROM (
    SELECT id, contact_id FROM sending_message
     WHERE NOT repeats AND mailing_id = ANY(ARRAY({MAILINGS})) AND address = ANY(%(addresses)s)
    UNION ALL
    SELECT id, contact_id FROM sending_message
     WHERE repeats AND mailing_id = ANY(ARRAY({MAILINGS})) AND address = ANY(%(addresses)s)) m
 WHERE NOT EXISTS (SELECT FROM contacts_contact c
                    WHERE c.id = m.contact_id AND c.id <> %(contact)s)
"""  # noqa: S608 - only constants of ours
LEFT_OUT = f"""
SELECT l.id FROM sending_leftout l
 WHERE l.contact_id = %(contact)s
    OR l.mailing_id = ANY(ARRAY({MAILINGS})) AND l.address = ANY(%(addresses)s)
       AND NOT EXISTS (SELECT FROM contacts_contact c WHERE c.id = l.contact_id)
"""  # noqa: S608 - only constants of ours
# Only the codes of the server's words: the rest often repeats the address.
CODES = "^[245][0-9]{2}(?:[ -][245][.][0-9]{1,3}[.][0-9]{1,3})?"
# Contact 0 is nobody: such a message is never sent again (queries.claim).
FORGET = (
    sql("""
UPDATE sending_message
   SET address = 'erased-' || id || '@' || %(domain)s, contact_id = coalesce(contact_id, 0),
       reply = coalesce(substring(reply from %(codes)s), '')
 WHERE id = ANY(%(ids)s) AND state <> $WAITING
"""),
    "UPDATE sending_event SET detail = '' WHERE message_id = ANY(%(ids)s) AND detail <> ''",
    sql("""
UPDATE sending_streamitem i SET key = 'erased-' || message_id, data = '{}'
  FROM sending_message m
 WHERE i.message_id = ANY(%(ids)s) AND m.id = i.message_id AND m.state <> $WAITING
"""),
)
# Streams of confirmation mails ignore that somebody was erased (signups.services.mails). A mail
# that waits was asked for before.
NOBODY = sql("""
UPDATE sending_message SET contact_id = 0
 WHERE id = ANY(%(ids)s) AND state = $WAITING AND contact_id IS NULL
""")
WAITING = sql("""
INSERT INTO sending_waitingerasure (message_id, mailing_id)
SELECT id, mailing_id FROM sending_message WHERE id = ANY(%(ids)s) AND state = $WAITING
ON CONFLICT DO NOTHING
""")
LEFT_OUT_FORGET = """
UPDATE sending_leftout SET address = 'erased-' || id || '@' || %(domain)s WHERE id = ANY(%(ids)s)
"""
# Recipients of dropped messages whose address was not the contact's.
PAST = f"""
UPDATE sending_pastrecipients
   SET addresses = ARRAY(SELECT CASE WHEN a <> ALL(%(addresses)s) THEN a END
                           FROM unnest(addresses) WITH ORDINALITY AS u (a, place) ORDER BY place)
 WHERE mailing_id IN ({MAILINGS}) AND addresses && %(addresses)s::varchar[]
"""  # noqa: S608 - only constants of ours
DUE = sql("""
SELECT w.message_id, m.state IS NULL FROM sending_waitingerasure w
  LEFT JOIN sending_message m ON m.id = w.message_id
 WHERE m.state IS DISTINCT FROM $WAITING ORDER BY 1 LIMIT %(most)s
""")
DONE = "DELETE FROM sending_waitingerasure WHERE message_id = ANY(%(ids)s)"
MOST = 10_000


def _given(person: ErasedPerson) -> dict[str, Any]:
    return {
        "workspace": person.workspace_id,
        "contact": person.contact_id,
        "addresses": list(person.addresses),
    }


def messages_of(person: ErasedPerson) -> list[int]:
    """Ids of the messages to the person."""
    return _ids(FOUND, person)


def _ids(statement: str, person: ErasedPerson) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, _given(person))
        return [row[0] for row in cursor.fetchall()]


def count(person: ErasedPerson) -> int:
    return len(messages_of(person))


def forget(person: ErasedPerson) -> None:
    """Needs a transaction."""
    messages, left_out = messages_of(person), _ids(LEFT_OUT, person)
    with connection.cursor() as cursor:
        _forget(cursor, messages)
        cursor.execute(NOBODY, {"ids": messages})
        cursor.execute(WAITING, {"ids": messages})
        cursor.execute(LEFT_OUT_FORGET, {"ids": left_out, "domain": DOMAIN})
        cursor.execute(PAST, _given(person))


def _forget(cursor: Any, ids: list[int]) -> None:
    for statement in FORGET:
        cursor.execute(statement, {"ids": ids, "domain": DOMAIN, "codes": CODES})


def forget_waiting() -> int:
    """Forgets messages that waited when their persons were erased, and wait no more. Returns how
    many. Needs a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(DUE, {"most": MOST})
        ids = [row[0] for row in cursor.fetchall()]
        _forget(cursor, ids)
        cursor.execute(DONE, {"ids": ids})
    return len(ids)
