"""How mailings end: what waits of a cancelled one is skipped, and one whose ledger closes is
finished."""

from django.db import connection

from sending import blocks
from sending.queries.blocks import of_live
from sending.queries.due import FREEZING, LEFT, SENT
from sending.queries.states import sql

# One statement: rows and tally move together. What waits stands in three places (queries.claim);
# of each a piece is taken, so that nobody waits for it long. ("mailing_id + 0": see queries.claim.)
DROP = sql("""
WITH open AS (
  SELECT id, next_id, least(last_id, next_id + %(limit)s - 1) AS upto FROM sending_mailinglane
   WHERE %(lanes)s AND mailing_id = %(mailing)s AND next_id <= last_id
   ORDER BY id LIMIT 1 FOR UPDATE),
shut AS (
  UPDATE sending_mailinglane l SET next_id = open.upto + 1 FROM open WHERE l.id = open.id),
back AS (
  DELETE FROM sending_batch
   WHERE id = (SELECT id FROM sending_batch WHERE mailing_id = %(mailing)s AND holder = ''
                ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
  RETURNING ids),
again AS (
  SELECT id FROM sending_message WHERE mailing_id = %(mailing)s AND retry_at IS NOT NULL
   ORDER BY retry_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED),
waiting AS MATERIALIZED (
  SELECT m.id FROM open
    JOIN sending_message m
      ON m.id BETWEEN open.next_id AND open.upto AND m.mailing_id + 0 = %(mailing)s
  UNION ALL
  SELECT unnest(ids) FROM back
  UNION ALL
  SELECT id FROM again),
dropped AS (
  UPDATE sending_message m
     SET state = $SKIPPED, reason = 'cancelled', settled_at = now(), retry_at = NULL
   WHERE m.id = ANY(ARRAY(SELECT id FROM waiting)) AND m.state + 0 = $WAITING RETURNING 1),
counted AS (SELECT count(*) AS n FROM dropped),
tallied AS (
  UPDATE sending_tally SET waiting = waiting - n, skipped = skipped + n
    FROM counted WHERE mailing_id = %(mailing)s AND n > 0)
SELECT n, EXISTS (SELECT 1 FROM open) OR EXISTS (SELECT 1 FROM waiting) FROM counted
""")

# By the rest of its audience, the three places where a message can wait, the batches that workers
# hold, and the runs of refusals about which nobody has decided yet: what was refused may have to go
# out again.
DONE = f"""
SELECT m.id FROM sending_mailing m
 WHERE {SENT} AND (m.kind <> 'stream' OR m.closed_at IS NOT NULL)
   AND NOT {LEFT} AND NOT {FREEZING}
   AND NOT EXISTS (SELECT 1 FROM sending_batch b WHERE b.mailing_id = m.id)
   AND NOT EXISTS (SELECT 1 FROM sending_message r
                    WHERE r.mailing_id = m.id /* of r */ AND r.retry_at IS NOT NULL)
   AND NOT EXISTS (SELECT 1 FROM sending_hold h
                    WHERE h.mailing_id = m.id AND h.released_at IS NULL AND h.decision = ''
                      AND (h.kind NOT IN ('route', 'relay')
                           OR (h.refused > 0 AND EXISTS (
                                 SELECT 1 FROM sending_tally t
                                  WHERE t.mailing_id = m.id AND t.failed > 0))))
"""  # noqa: S608 - only constants of ours

# Counted from the rows, not from the tally: finished means that the ledger closes. One look over
# the mailing's rows, once. There never is one; if there were, it would go out now.
FORGOTTEN = sql("""
UPDATE sending_message SET retry_at = now()
 WHERE id BETWEEN (SELECT min(first_id) FROM sending_mailinglane WHERE mailing_id = %(mailing)s)
              AND (SELECT max(last_id) FROM sending_mailinglane WHERE mailing_id = %(mailing)s)
   AND mailing_id = %(mailing)s AND state = $WAITING
""")
# The same of a stream. The rows of years are looked over only where the tally says that some wait:
# nobody can claim or pause meanwhile.
FORGOTTEN_OF_STREAM = sql("""
UPDATE sending_message SET retry_at = now()
 WHERE mailing_id = %(mailing)s AND repeats AND state + 0 = $WAITING
   AND (SELECT waiting + in_flight FROM sending_tally WHERE mailing_id = %(mailing)s) > 0
""")

FINISH = """
UPDATE sending_mailing
   SET state = 'finished', finished_at = now(), wait_reason = '', wait_until = NULL
 WHERE id = %(mailing)s
"""


def drop(mailing_id: int, limit: int, *, lanes: bool) -> tuple[int, bool]:
    """(how many were skipped, whether there may be more)"""
    with connection.cursor() as cursor:
        cursor.execute(
            blocks.named(DROP, mailing_id),
            {"mailing": mailing_id, "limit": limit, "lanes": lanes},
        )
        dropped, more = cursor.fetchone() or (0, False)
    return int(dropped), bool(more)


def done() -> list[int]:
    """Ids of the mailings of which nothing is left to do."""
    with connection.cursor() as cursor:
        cursor.execute(of_live(DONE))
        return [row[0] for row in cursor.fetchall()]


def lock_done(mailing_id: int) -> bool:
    """Whether it is still done, now that nobody can claim of it; within a transaction."""
    with connection.cursor() as cursor:
        # From here on nobody claims; and what was claimed meanwhile is seen.
        cursor.execute("SELECT 1 FROM sending_mailing WHERE id = %s FOR UPDATE", [mailing_id])
        cursor.execute(
            blocks.named(f"{DONE} AND m.id = %(mailing)s", mailing_id), {"mailing": mailing_id}
        )
        return cursor.fetchone() is not None


def find_forgotten(mailing_id: int) -> int:
    """Makes waiting messages due that are in none of the places where they wait; how many."""
    with connection.cursor() as cursor:
        found = 0
        for statement in (FORGOTTEN, FORGOTTEN_OF_STREAM):
            cursor.execute(blocks.named(statement, mailing_id), {"mailing": mailing_id})
            found += int(cursor.rowcount)
        return found


def finish(mailing_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(FINISH, {"mailing": mailing_id})
