"""Pixels of a person's own, in sent mails: whether their hits still count, and what stays of them
when the person withdraws the consent."""

from collections.abc import Collection, Iterable
from typing import Any

from django.db import connection

from contacts.queries import openconsent
from sending import blocks
from sending.queries import answers

# Messages whose opens are counted now. Both are asked: the message's own pixel may have ended when
# the consent was withdrawn, and a consent that was withdrawn while the mail was claimed is only in
# its own table. {m} names the blocks of the messages.
COUNTED = f"""
SELECT m.id
  FROM sending_message m JOIN sending_mailing g ON g.id = m.mailing_id
 WHERE m.id = ANY(%(messages)s) AND m.counts_opens AND {{m}}
   AND {openconsent.allowed_by("g.open_counting", "m.contact_id")}
"""  # noqa: S608 - only constants of ours

# Of all blocks (index message_by_contact), or of the given messages. No indexed column changes.
# Locked in the order of ids, as queries.events does.
CHOSEN = """
SELECT id FROM sending_message m
 WHERE {which} AND (counts_opens OR opened_at IS NOT NULL OR machines <> 0)
 ORDER BY id FOR UPDATE
"""
FORGET = """
WITH known AS (
  SELECT id, mailing_id, opened_at, machines FROM sending_message m
   WHERE id = ANY(%(messages)s) AND {m}),
ended AS (
  UPDATE sending_message m SET counts_opens = false, opened_at = NULL,
         machines = machines & 2
   WHERE id = ANY(%(messages)s) AND {m}),
gone AS (
  DELETE FROM sending_event e
   WHERE message_id = ANY(%(messages)s) AND kind = 'opened' AND {e}),
unnamed AS (
  SELECT mailing_id, count(opened_at) AS people,
         count(*) FILTER (WHERE machines & 1 > 0) AS machines
    FROM known GROUP BY 1)
SELECT mailing_id, people, machines FROM unnamed WHERE people + machines > 0 ORDER BY mailing_id
"""
TALLY = """
UPDATE sending_tally t
   SET opened_unnamed = opened_unnamed + u.people,
       machine_opened_unnamed = machine_opened_unnamed + u.machines
  FROM unnest(%(mailings)s::bigint[], %(people)s::int[], %(machines)s::int[])
       AS u (mailing_id, people, machines)
 WHERE t.mailing_id = u.mailing_id
"""


def counted(message_ids: Collection[int]) -> set[int]:
    """Those of the messages whose opens are counted."""
    among = {blocks.of_message(number) for number in message_ids}
    statement = COUNTED.replace("{m}", blocks.within(among, "m.mailing_id"))
    with connection.cursor() as cursor:
        cursor.execute(statement, {"messages": list(message_ids)})
        return {row[0] for row in cursor.fetchall()}


def forget_of_contacts(contact_ids: Collection[int]) -> None:
    """The contacts' mails count no opens any more, and those counted lose their persons: their
    events and times go, and the counts stay. Needs a transaction."""
    _forget("contact_id = ANY(%(given)s)", contact_ids)


def forget_of_messages(message_ids: Collection[int]) -> None:
    """The same for messages."""
    among = {blocks.of_message(number) for number in message_ids}
    _forget(f"id = ANY(%(given)s) AND {blocks.within(among, 'm.mailing_id')}", message_ids)


def _forget(which: str, given: Iterable[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(CHOSEN.replace("{which}", which), {"given": list(given)})
        messages = [row[0] for row in cursor.fetchall()]
        if not messages:
            return
        among = {blocks.of_message(number) for number in messages}
        statement = FORGET.replace("{m}", blocks.within(among, "m.mailing_id"))
        statement = statement.replace("{e}", blocks.within(among, "e.mailing_id"))
        cursor.execute(statement, {"messages": messages})
        unnamed = cursor.fetchall()
        known: dict[str, Any] = {
            "mailings": [row[0] for row in unnamed],
            "people": [row[1] for row in unnamed],
            "machines": [row[2] for row in unnamed],
        }
        if unnamed:
            cursor.execute(TALLY, known)
    answers.look_again(messages)
