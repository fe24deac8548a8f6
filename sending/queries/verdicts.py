"""Judges refused addresses: whether to believe that they don't exist. One scan of a mailing's rows,
for all its relays; for a stream, of the rows around the refused ones."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from relays.lanes import WHOLE
from sending import blocks
from sending.models import Mailing
from sending.queries.blocks import of_live
from sending.queries.due import FREEZING, LEFT
from sending.queries.states import sql
from sending.queries.streams import LATELY
from sending.streaks import ACCEPTED, OPEN_RUN, REFUSED, RUN

# Mailings with addresses to judge: those with nothing on its way, so that no accepted mail can
# follow, and those whose first address was refused an hour ago. In an open stream a mail may always
# follow. Uses the index tally_unjudged, mostly empty.
DUE = f"""
SELECT m.id, NOT on_the_way.yes
  FROM sending_tally t JOIN sending_mailing m ON m.id = t.mailing_id
 CROSS JOIN LATERAL (
       SELECT EXISTS (SELECT 1 FROM sending_batch b WHERE b.mailing_id = m.id)
              OR (m.state IN ('sending', 'paused')
                  AND ({LEFT} OR {FREEZING} OR (m.kind = 'stream' AND m.closed_at IS NULL)))
              AS yes) on_the_way
 WHERE t.unjudged_since IS NOT NULL
   AND (NOT on_the_way.yes OR t.unjudged_since < now() - interval '1 hour')
"""  # noqa: S608 - only constants of ours

# One text for both: a lane by its number, a single domain by its name (providers.lane_name).
_LANE = "CASE WHEN m.lane = 0 THEN split_part(m.address, '@', 2) ELSE m.lane::text END"
# The message was refused in a run of refusals that caused a hold (models.Hold).
_HELD = """
EXISTS (SELECT 1 FROM sending_hold h
         WHERE h.mailing_id = %(mailing)s AND h.refused > 0 AND {which}
           AND m.settled_at >= h.since
           AND (h.released_at IS NULL OR m.settled_at <= h.released_at)
           AND (h.kind = 'mailing' OR h.relay_id = m.relay_id)
           AND (h.kind <> 'lane'
                OR (h.lane_number = m.lane
                    AND (m.lane <> 0 OR h.lane = split_part(m.address, '@', 2)))))
"""
_UNDECIDED = _HELD.format(which="h.decision = ''")
# Uses the index message_pending ("trouble + 0" keeps it from the index of all failed ones).
# Messages of an undecided hold wait for the decision.
_PENDING = sql(f"""
m.mailing_id = %(mailing)s AND m.trouble + 0 = $FAILED AND m.reason = 'address_pending'
AND m.settled_at <= %(until)s AND NOT {_UNDECIDED}
""")

# All rows of a one-off mailing stand together: a walk along the primary key.
_RANGE = """
m.id BETWEEN (SELECT min(first_id) FROM sending_mailinglane WHERE mailing_id = %(mailing)s)
         AND (SELECT max(last_id) FROM sending_mailinglane WHERE mailing_id = %(mailing)s)
AND m.mailing_id + 0 = %(mailing)s
"""

# A stream's rows stand among those of other mailings, and never end. For each address in `pending`,
# the messages are read that were appended around its own message, and around the time when it was
# refused (it may have been put off for days): AROUND to each side, and no further than to the next
# such point. Results more than a day before or after say nothing about the relay.
AROUND = 200
_NEARBY = f"""
points AS (
  SELECT DISTINCT at, id
    FROM (SELECT created_at AS at, message_id AS id FROM sending_streamitem
           WHERE message_id = ANY(ARRAY(SELECT id FROM pending))
           UNION ALL
          SELECT at, 0 FROM pending) p),
neighbours AS (
  SELECT at, id, lag(at, 1, '-infinity') OVER by_time AS at_before,
         lag(id, 1, 0) OVER by_time AS id_before, lead(at, 1, 'infinity') OVER by_time AS at_after,
         lead(id, 1, 0) OVER by_time AS id_after
    FROM points WINDOW by_time AS (ORDER BY at, id)),
nearby AS MATERIALIZED (
  SELECT DISTINCT i.message_id AS id
    FROM neighbours n
   CROSS JOIN LATERAL (
         (SELECT message_id FROM sending_streamitem
           WHERE mailing_id = %(mailing)s AND (created_at, message_id) <= (n.at, n.id)
             AND (created_at, message_id) > (n.at_before, n.id_before)
           ORDER BY created_at DESC, message_id DESC LIMIT {AROUND})
          UNION ALL
         (SELECT message_id FROM sending_streamitem
           WHERE mailing_id = %(mailing)s AND (created_at, message_id) > (n.at, n.id)
             AND (created_at, message_id) <= (n.at_after, n.id_after)
           ORDER BY created_at, message_id LIMIT {AROUND})) i),
"""  # noqa: S608 - only constants of ours
_OF_NEARBY = """
m.id = ANY(ARRAY(SELECT id FROM nearby))
AND m.settled_at >= (SELECT min(at) FROM pending) - %(lately)s
AND m.settled_at <= (SELECT max(at) FROM pending) + %(lately)s
"""

# Some relay accepted mails of the mailing; for a stream, within a day.
_ACCEPTED_ANY = """
EXISTS (SELECT 1 FROM sending_tally t WHERE t.mailing_id = %(mailing)s AND t.accepted > 0)
"""
_ACCEPTED_LATELY = """
EXISTS (SELECT 1 FROM sending_tallyminute t
         WHERE t.mailing_id = %(mailing)s AND t.minute > now() - %(lately)s AND t.accepted > 0)
"""

# Placeholders in the statements below: <NEARBY> comes after a table `pending` with `id` and `at`,
# <ROWS> is a condition on `m`, <ACCEPTED> is a condition.
_OF_ONE_OFF = {"<NEARBY>": "", "<ROWS>": _RANGE, "<ACCEPTED>": _ACCEPTED_ANY}
_OF_STREAM = {"<NEARBY>": _NEARBY, "<ROWS>": _OF_NEARBY, "<ACCEPTED>": _ACCEPTED_LATELY}

_ADDRESS = "('address', 'address_pending', 'address_unproven')"
# Another relay of the pool refused it before (services.refusalscope). The second relay gets dead
# addresses, one after the other, and that is no run. Too many of one lane are still doubted.
_SECOND = "(%(pool)s AND m.attempts > 1)"

# Rows are locked in the order of services.retrying.
# A block here is what was recorded at one time (streaks.cuts), for a relay as a whole and for each
# lane in which it refused an address. Consecutive blocks with a positive score are a run. A relay
# or lane with a positive score over everything refused too much for a list. Refusals in a held lane
# have an explanation, and say nothing about the rest.
DOUBT = sql(f"""
WITH pending AS MATERIALIZED (
  SELECT m.id, m.relay_id, {_LANE} AS lane, m.settled_at AS at, {_SECOND} AS second
    FROM sending_message m
   WHERE {_PENDING} ORDER BY m.address FOR UPDATE),
<NEARBY>decided AS MATERIALIZED (
  SELECT m.relay_id, {_LANE} AS lane, m.settled_at AS at, m.state = $ACCEPTED AS accepted,
         m.state <> $ACCEPTED AND {_SECOND} AS second
    FROM sending_message m
   WHERE <ROWS> AND m.relay_id IN (SELECT relay_id FROM pending)
     AND (m.state + 0 = $ACCEPTED
          OR (m.trouble = $FAILED AND m.reason IN {_ADDRESS}
              AND NOT {_HELD.format(which="h.kind = 'lane' AND h.decision <> 'retried'")}))),
blocks AS (
  SELECT relay_id, '{WHOLE}' AS lane, at, count(*) FILTER (WHERE accepted) AS accepted,
         count(*) FILTER (WHERE NOT accepted) AS refused
    FROM decided WHERE NOT second GROUP BY 1, 3
   UNION ALL
  SELECT relay_id, lane, at, count(*) FILTER (WHERE accepted), count(*) FILTER (WHERE NOT accepted)
    FROM decided JOIN (SELECT DISTINCT relay_id, lane FROM pending) p USING (relay_id, lane)
   GROUP BY 1, 2, 3),
parts AS (
  SELECT *, count(*) FILTER (WHERE score <= 0)
              OVER (PARTITION BY relay_id, lane ORDER BY at) AS part
    FROM (SELECT *, {REFUSED} * refused - {ACCEPTED} * accepted AS score FROM blocks) scored),
runs AS (
  SELECT relay_id, lane, at, score, part,
         sum(score) FILTER (WHERE score > 0) OVER (PARTITION BY relay_id, lane, part) AS run,
         max(part) OVER (PARTITION BY relay_id, lane) AS last,
         sum(refused) OVER (PARTITION BY relay_id, lane) AS refused_of_all,
         sum(score) OVER (PARTITION BY relay_id, lane) AS score_of_all
    FROM parts)
UPDATE sending_message m SET reason = 'address_unproven'
  FROM pending p JOIN runs r ON r.relay_id = p.relay_id AND r.at = p.at
                            AND r.lane IN ('{WHOLE}', p.lane)
 WHERE m.id = p.id AND m.trouble = $FAILED
   AND ((NOT p.second AND r.score > 0
         AND (r.run >= {RUN * REFUSED} OR (r.part = r.last AND r.run >= {OPEN_RUN * REFUSED})))
        OR (r.refused_of_all >= {OPEN_RUN} AND r.score_of_all > 0))
""")  # noqa: S608 - only constants of ours

# For relays that accepted nothing of the mailing: the lanes in which they refused an address. One
# walk along the mailing for each relay, which ends at the first accepted mail.
NOTHING_ACCEPTED = sql(f"""
WITH pending AS MATERIALIZED (
  SELECT m.id, m.relay_id, m.lane, m.settled_at AS at,
         CASE WHEN m.lane = 0 THEN split_part(m.address, '@', 2) ELSE '' END AS domain
    FROM sending_message m
   WHERE {_PENDING} AND NOT ({_SECOND} AND <ACCEPTED>)),
<NEARBY>strangers AS (
  SELECT relay_id FROM (SELECT DISTINCT relay_id FROM pending) r
   WHERE NOT EXISTS (SELECT 1 FROM sending_message m
                      WHERE <ROWS> AND m.state + 0 = $ACCEPTED AND m.relay_id = r.relay_id))
SELECT DISTINCT relay_id, lane, domain FROM pending JOIN strangers USING (relay_id)
""")  # noqa: S608 - only constants of ours

DOUBT_LANE = sql(f"""
UPDATE sending_message m SET reason = 'address_unproven'
 WHERE {_PENDING} AND m.relay_id = %(relay)s AND m.lane = %(lane)s
   AND (m.lane <> 0 OR split_part(m.address, '@', 2) = %(domain)s)
""")  # noqa: S608 - only constants of ours

# Nobody can decide about a cancelled mailing any more.
DOUBT_HELD = sql(f"""
UPDATE sending_message m SET reason = 'address_unproven'
 WHERE m.mailing_id = %(mailing)s AND m.trouble + 0 = $FAILED AND m.reason = 'address_pending'
   AND {_UNDECIDED}
""")  # noqa: S608 - only constants of ours

AT_ONCE = 5000
BELIEVE = f"""
UPDATE sending_message SET reason = 'address'
 WHERE id IN (SELECT m.id FROM sending_message m WHERE {_PENDING}
               ORDER BY m.address LIMIT {AT_ONCE} FOR UPDATE)
RETURNING id, address, reply, settled_at
"""  # noqa: S608 - only constants of ours

# The tally's row is locked first, so that a worker that records another refusal writes it
# afterwards.
LEFT_TO_JUDGE = f"""
UPDATE sending_tally
   SET unjudged_since = (SELECT min(m.settled_at) FROM sending_message m WHERE {_PENDING})
 WHERE mailing_id = %(mailing)s
"""  # noqa: S608 - only constants of ours
LOCK = "SELECT 1 FROM sending_tally WHERE mailing_id = %(mailing)s FOR UPDATE"


def due() -> list[tuple[int, bool]]:
    """(mailing id, whether nothing of it is on its way) for mailings with addresses to judge."""
    with connection.cursor() as cursor:
        cursor.execute(of_live(DUE))
        return list(cursor.fetchall())


def doubt_held(mailing: Mailing) -> None:
    """Marks addresses that were refused in an undecided hold as unproven."""
    with connection.cursor() as cursor:
        cursor.execute(blocks.named(DOUBT_HELD, mailing.pk), {"mailing": mailing.pk})


def doubt_runs(mailing: Mailing, until: datetime) -> None:
    """Marks addresses as unproven that were refused in a run, or by a relay or lane that refused
    too much."""
    with connection.cursor() as cursor:
        cursor.execute(blocks.named(_for(mailing, DOUBT), mailing.pk), _known(mailing, until))


def nothing_accepted(mailing: Mailing, until: datetime) -> list[tuple[int, int, str]]:
    """(relay id, number of a lane, domain) where relays refused addresses and accepted nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            blocks.named(_for(mailing, NOTHING_ACCEPTED), mailing.pk), _known(mailing, until)
        )
        return list(cursor.fetchall())


def _for(mailing: Mailing, statement: str) -> str:
    parts = _OF_STREAM if mailing.kind == Mailing.Kind.STREAM else _OF_ONE_OFF
    for word, part in parts.items():
        statement = statement.replace(word, part)
    return statement


def _known(mailing: Mailing, until: datetime) -> dict[str, Any]:
    # After a retry by a person, messages may come to the same relay again, so `attempts` tells
    # nothing. For a stream that ends when the retried messages' time is up.
    again = mailing.retried_at
    if again and mailing.kind == Mailing.Kind.STREAM and again < until - mailing.retry_for:
        again = None
    pool = mailing.pool_id is not None and again is None
    return {"mailing": mailing.pk, "until": until, "pool": pool, "lately": LATELY}


def doubt_lane(mailing: Mailing, until: datetime, place: tuple[int, int, str]) -> None:
    relay, lane, domain = place
    known: dict[str, Any] = {"mailing": mailing.pk, "until": until}
    with connection.cursor() as cursor:
        cursor.execute(
            blocks.named(DOUBT_LANE, mailing.pk),
            known | {"relay": relay, "lane": lane, "domain": domain},
        )


def believe(mailing: Mailing, until: datetime) -> Collection[tuple[int, str, str, datetime]]:
    """(message id, address, reply, when) for some that are not doubted: their addresses are taken
    as non-existent."""
    with connection.cursor() as cursor:
        cursor.execute(blocks.named(BELIEVE, mailing.pk), {"mailing": mailing.pk, "until": until})
        return list(cursor.fetchall())


def done(mailing: Mailing) -> None:
    """Ends a judgement. Addresses refused meanwhile are judged later. Within a transaction."""
    known: dict[str, Any] = {"mailing": mailing.pk, "until": datetime.max.replace(tzinfo=UTC)}
    with connection.cursor() as cursor:
        cursor.execute(LOCK, known)
        cursor.execute(blocks.named(LEFT_TO_JUDGE, mailing.pk), known)
