"""Counts of refusals, and what is known of a relay's word: each statement is bounded by a batch, by
what a mailing was refused in, or by a stated number of rows."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from relays.lanes import WHOLE
from relays.models import Relay
from sending import blocks
from sending.guards import LATEST, LATEST_OF_LANE, Count
from sending.models import Mailing, RefusalCount
from sending.queries.blocks import standing
from sending.queries.states import sql
from sending.queries.streams import LATELY, LATEST_OF_STREAMS

# One statement for all lanes of a batch, always in the same order: two workers that record at once
# wait for each other, and don't lock each other out. Only while the mailing sends: what comes back
# from the wire after a pause is no new run. `accepted` never becomes 0 by growing old.
COUNT = """
INSERT INTO sending_refusalcount AS c
       (mailing_id, relay_id, lane, accepted, refused, blamed, row, began_at)
SELECT %(mailing)s, %(relay)s, g.*, %(began)s
  FROM (SELECT * FROM unnest(%(lanes)s::text[], %(accepted)s::float[], %(refused)s::float[],
                             %(blamed)s::float[], %(rows)s::int[])
                      AS g (lane, accepted, refused, blamed, row)
         ORDER BY lane) g
 WHERE EXISTS (SELECT 1 FROM sending_mailing WHERE id = %(mailing)s AND state = 'sending')
ON CONFLICT (mailing_id, relay_id, lane) DO UPDATE
   SET accepted = c.accepted * k.keep + excluded.accepted,
       refused = c.refused * k.keep + excluded.refused,
       blamed = c.blamed * k.keep + excluded.blamed,
       row = excluded.row + CASE WHEN excluded.accepted > 0 THEN 0 ELSE c.row END
"""
# The share of the old numbers that stays; ON CONFLICT has no FROM.
KEEP = (
    f"greatest(0.001, 1 - (excluded.accepted + excluded.refused)"
    f" / CASE WHEN c.lane = '{WHOLE}' THEN {LATEST} ELSE {LATEST_OF_LANE} END)"
)
COUNT = COUNT.replace("k.keep", KEEP) + "RETURNING lane, accepted, refused, blamed, row"

# Single domains that a mailing remembers over one relay. Those with one refusal make room first: a
# run is of many.
MOST_DOMAINS = 500
MAKE_ROOM = """
DELETE FROM sending_refusalcount
 WHERE id IN (SELECT id FROM sending_refusalcount
               WHERE mailing_id = %(mailing)s AND relay_id = %(relay)s AND lane LIKE '%%.%%'
               ORDER BY refused DESC, id DESC OFFSET %(most)s)
"""


def counted(mailing: Mailing, relay: Relay) -> set[str]:
    """Lanes that are counted: nearly always none, one look into an index."""
    rows = RefusalCount.objects.filter(mailing=mailing, relay=relay)
    return set(rows.values_list("lane", flat=True))


def add(
    mailing: Mailing, relay: Relay, steps: dict[str, Count], began: datetime
) -> dict[str, Count]:
    """{lane: its count now}; {} while the mailing doesn't send."""
    counts = [
        one.within(LATEST if lane == WHOLE else LATEST_OF_LANE) for lane, one in steps.items()
    ]
    known: dict[str, Any] = {
        "mailing": mailing.pk,
        "relay": relay.pk,
        "began": began,
        "most": MOST_DOMAINS,
        "lanes": list(steps),
        "accepted": [float(one.accepted) for one in counts],
        "refused": [float(one.refused) for one in counts],
        "blamed": [float(one.blamed) for one in counts],
        "rows": [one.row for one in counts],
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT, known)
        found = {row[0]: Count(*row[1:]) for row in cursor.fetchall()}
        if len(steps) > 1:
            cursor.execute(MAKE_ROOM, known)
    return found


def forget(*, mailing: Mailing | None = None, relay: Relay | None = None) -> None:
    """A new count begins: somebody resumed the mailing, or started the relay."""
    rows = RefusalCount.objects.all()
    rows = rows.filter(mailing=mailing) if mailing is not None else rows.filter(relay=relay)
    rows.delete()


def _lately(statement: str, mailing: Mailing) -> str:
    """For the block of the mailing, and those of mailings that were opened within the last week: a
    block begins with a month."""
    return blocks.among(statement, [blocks.of_mailing(mailing.pk), *standing()[-2:]])


# Whether the relay took mails of a lane: the latest rows that were claimed of it, in this mailing
# and perhaps in others of the last days. Walks along the primary key, and along the latest messages
# of streams; at most so many rows of so many mailings are read.
MAILINGS, ROWS = 5, 1000
WEEK = timedelta(days=7)
ACCEPTED_LANES = sql(f"""
WITH claimed AS (
  SELECT r.lane, r.address, r.state, r.relay_id
    FROM (SELECT l.mailing_id, l.lane, l.first_id, l.next_id
            FROM sending_mailinglane l JOIN sending_mailing m ON m.id = l.mailing_id
           WHERE l.lane = ANY(%(numbers)s) AND l.next_id > l.first_id
             AND (l.mailing_id = %(mailing)s
                  OR (%(others)s AND m.workspace_id = %(workspace)s
                      AND m.opened_at > now() - %(within)s))
           ORDER BY (l.mailing_id = %(mailing)s) DESC, l.mailing_id DESC
           LIMIT %(mailings)s * cardinality(%(numbers)s)) l
   CROSS JOIN LATERAL (
         SELECT lane, address, state, relay_id FROM sending_message
          WHERE id BETWEEN l.first_id AND l.next_id - 1 AND mailing_id + 0 = l.mailing_id
                /* of sending_message */
          ORDER BY id DESC LIMIT %(rows)s) r
   UNION ALL
  SELECT lane, address, state, relay_id FROM sending_message
   WHERE id = ANY(ARRAY({LATEST_OF_STREAMS})) AND lane = ANY(%(numbers)s)
     AND settled_at > now() - %(within)s),
names AS (
  SELECT CASE WHEN lane = 0 THEN split_part(address, '@', 2) ELSE lane::text END AS name
    FROM claimed WHERE state = $ACCEPTED AND relay_id = %(relay)s)
SELECT DISTINCT name FROM names WHERE name = ANY(%(names)s)
""")  # noqa: S608 - only constants of ours


def accepted_lanes(
    mailing: Mailing,
    relay: Relay,
    numbers: Collection[int],
    domains: Sequence[str],
    *,
    lately: bool = False,
) -> set[str]:
    """Of lanes by their numbers (as text) and of domains: those of which the relay took mails in
    this mailing (of a stream, within a day); with `lately`, within a week, also in others."""
    known: dict[str, Any] = {
        "mailing": mailing.pk,
        "workspace": mailing.workspace_id,
        "relay": relay.pk,
        "others": lately,
        "within": WEEK if lately else LATELY,
        "numbers": sorted({*numbers, *([0] if domains else [])}),
        "names": [*(str(number) for number in numbers), *domains],
        "mailings": MAILINGS,
        "rows": ROWS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_lately(ACCEPTED_LANES, mailing), known)
        return {row[0] for row in cursor.fetchall()}


# Addresses that the relay refused, in this and other mailings of the last days, since it last took
# a mail: a run may go over many small mailings. Refused ones by message_not_accepted; the last one
# that was accepted stands among the latest rows that were claimed of each. Of streams both stand
# among the latest messages.
LATEST_MAILINGS, LATEST_ROWS = 20, 100
REFUSED_SINCE = sql(f"""
WITH latest AS MATERIALIZED (
  SELECT id FROM sending_mailing
   WHERE workspace_id = %(workspace)s AND opened_at > now() - %(within)s AND kind <> 'stream'
   ORDER BY id DESC LIMIT %(mailings)s),
of_streams AS MATERIALIZED (
  SELECT state, trouble, reason, settled_at FROM sending_message
   WHERE id = ANY(ARRAY({LATEST_OF_STREAMS})) AND relay_id = %(relay)s),
last_accepted AS (
  SELECT max(r.settled_at) AS at
    FROM latest JOIN sending_mailinglane l ON l.mailing_id = latest.id
   CROSS JOIN LATERAL (
         SELECT state, relay_id, settled_at FROM sending_message
          WHERE id BETWEEN l.first_id AND l.next_id - 1 AND mailing_id + 0 = l.mailing_id
                /* of sending_message */
          ORDER BY id DESC LIMIT %(rows)s) r
   WHERE r.state = $ACCEPTED AND r.relay_id = %(relay)s
   UNION ALL
  SELECT max(settled_at) FROM of_streams WHERE state = $ACCEPTED),
refused AS (
  SELECT m.trouble, m.reason, m.settled_at
    FROM latest JOIN sending_message m ON m.mailing_id = latest.id /* of m */
   WHERE m.trouble = $FAILED AND m.relay_id = %(relay)s
   UNION ALL
  SELECT trouble, reason, settled_at FROM of_streams WHERE trouble = $FAILED)
SELECT count(*) FROM (
  SELECT FROM refused
   WHERE reason IN ('address', 'address_pending', 'address_unproven')
     AND settled_at > coalesce((SELECT max(at) FROM last_accepted), '-infinity')
   LIMIT %(enough)s) enough
""")  # noqa: S608 - only constants of ours


def refused_since(mailing: Mailing, relay: Relay, *, enough: int) -> int:
    """How many addresses, up to `enough`, the relay refused after the last mail that it took."""
    known: dict[str, Any] = {
        "mailing": mailing.pk,
        "workspace": mailing.workspace_id,
        "relay": relay.pk,
        "others": True,
        "within": WEEK,
        "mailings": LATEST_MAILINGS,
        "rows": LATEST_ROWS,
        "enough": enough,
    }
    with connection.cursor() as cursor:
        cursor.execute(_lately(REFUSED_SINCE, mailing), known)
        return int((cursor.fetchone() or (0,))[0])
