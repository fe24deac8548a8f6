"""Sets failed messages back to waiting, and takes back what their refusals had counted."""

from typing import Any

from django.db import connection
from django.db.models import QuerySet

from pages.statements import named
from sending import blocks
from sending.models import Mailing, Message
from sending.queries.answers import FORGOTTEN
from sending.queries.states import sql

# One statement, so that rows, events and counts move together. Locks are taken in the order used
# everywhere (queries.record, queries.events): messages by address, the tally, its minutes. The only
# hard bounce of a message that a server refused is that refusal. A soft bounce or block that a mail
# reported stays, and the message still counts as bounced.
RETRY = sql(f"""
WITH {FORGOTTEN},
chosen AS MATERIALIZED (
  SELECT id, address, settled_at FROM sending_message
   WHERE mailing_id = %(mailing)s AND trouble = $FAILED AND id IN ({{rows}})
   ORDER BY address LIMIT %(limit)s FOR UPDATE),
kept AS (
  SELECT e.message_id, min(e.at) AS at FROM sending_event e JOIN chosen ON chosen.id = e.message_id
   WHERE e.kind IN ('soft_bounced', 'blocked') GROUP BY 1),
again AS (
  UPDATE sending_message m
     SET state = $WAITING, reason = %(reason)s, retry_at = now(), settled_at = NULL,
         bounced_at = (SELECT at FROM kept WHERE kept.message_id = m.id)
    FROM chosen WHERE m.id = chosen.id),
unbounced AS (
  DELETE FROM sending_event e USING chosen
   WHERE e.message_id = chosen.id AND e.kind = 'hard_bounced'
  RETURNING e.message_id, e.at),
bounced AS (
  SELECT message_id, min(at) AS at FROM unbounced GROUP BY 1),
clear AS (
  SELECT at FROM bounced WHERE message_id NOT IN (SELECT message_id FROM kept)),
tallied AS (
  UPDATE sending_tally
     SET failed = failed - (SELECT count(*) FROM chosen),
         waiting = waiting + (SELECT count(*) FROM chosen),
         hard_bounced = hard_bounced - (SELECT count(*) FROM bounced),
         bounced = bounced - (SELECT count(*) FROM clear)
   WHERE mailing_id = %(mailing)s RETURNING mailing_id),
gone AS (
  SELECT minute, sum(failed) AS failed, sum(bounced) AS bounced
    FROM (SELECT date_trunc('minute', settled_at) AS minute, 1 AS failed, 0 AS bounced FROM chosen
           UNION ALL
          SELECT date_trunc('minute', at), 0, 1 FROM clear) counted
   GROUP BY 1),
minutes AS (
  UPDATE sending_tallyminute t
     SET failed = t.failed - gone.failed, bounced = t.bounced - gone.bounced
    FROM gone JOIN tallied ON true
   WHERE t.mailing_id = tallied.mailing_id AND t.minute = gone.minute)
SELECT (SELECT count(*) FROM chosen), (SELECT count(*) FROM bounced),
       ARRAY(SELECT address FROM chosen JOIN bounced ON bounced.message_id = chosen.id)
""")  # noqa: S608 - only constants of ours


# After a merge, two messages of a mailing may be of one contact, who has the mail at the other
# address, may have it, or will have it: it isn't sent to this one, too. The refusal's bounce and
# suppression stay, since nothing is tried again. Messages of a stream are different mails.
# Index: message_by_contact. Locks: see RETRY.
SAME_PERSON = sql("""
WITH chosen AS MATERIALIZED (
  SELECT id, settled_at FROM sending_message f
   WHERE mailing_id = %(mailing)s AND trouble = $FAILED AND id IN ({rows}) AND NOT repeats
     AND contact_id IS NOT NULL
     AND EXISTS (SELECT FROM sending_message o
                  WHERE o.contact_id = f.contact_id AND o.mailing_id = %(mailing)s AND o.id <> f.id
                    AND o.state IN ($WAITING, $ACCEPTED, $UNKNOWN))
   ORDER BY address LIMIT %(limit)s FOR UPDATE),
refused AS (
  UPDATE sending_message m SET state = $SKIPPED, reason = %(same)s, settled_at = now()
    FROM chosen WHERE m.id = chosen.id),
tallied AS (
  UPDATE sending_tally
     SET failed = failed - (SELECT count(*) FROM chosen),
         skipped = skipped + (SELECT count(*) FROM chosen)
   WHERE mailing_id = %(mailing)s AND EXISTS (SELECT FROM chosen) RETURNING mailing_id),
minutes AS (
  UPDATE sending_tallyminute t SET failed = t.failed - gone.failed
    FROM (SELECT date_trunc('minute', settled_at) AS minute, count(*) AS failed
            FROM chosen GROUP BY 1) gone JOIN tallied ON true
   WHERE t.mailing_id = tallied.mailing_id AND t.minute = gone.minute)
SELECT count(*) FROM chosen
""")
# A code of pages.reasons.
SAME = "same_person"


def refuse_same_person(mailing: Mailing, rows: QuerySet[Message], *, limit: int) -> int:
    """Skips up to `limit` failed messages of `rows` whose contact got the mailing at another
    address. Returns how many. Needs a transaction that has locked the mailing."""
    return int(_run(SAME_PERSON, mailing, rows, {"limit": limit, "same": SAME})[0])


def put_back(
    mailing: Mailing, rows: QuerySet[Message], *, reason: str, limit: int
) -> tuple[int, int, list[str]]:
    """Sets up to `limit` failed messages of `rows` back to waiting: (how many, how many of them had
    bounced, addresses of the bounced). Needs a transaction that has locked the mailing."""
    found: tuple[int, int, list[str]] = _run(
        RETRY, mailing, rows, {"reason": reason, "limit": limit}
    )
    return found


def _run(statement: str, mailing: Mailing, rows: QuerySet[Message], given: dict[str, Any]) -> Any:
    ids, parameters = named(rows.order_by().values("pk"))
    known = parameters | given | {"mailing": mailing.pk}
    with connection.cursor() as cursor:
        cursor.execute(blocks.named(statement.replace("{rows}", ids), mailing.pk), known)
        return cursor.fetchone()
