"""Claims due messages for one worker, in one short transaction. Any number can run at once.

Due messages are in three places, and a claim looks there in this order. Messages that another
worker gave back are a batch without a holder. Messages to be tried again have `retry_at`, which the
claim clears. Messages that were never claimed are a range of ids for each lane; the claim moves its
beginning and touches no row of them, except those that it skips.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple

from django.db import connection, transaction

from contacts.queries import openconsent, ways
from contacts.queries.ways import Ways
from environment import logs
from relays.models import Relay
from sending import blocks
from sending.models import Mailing
from sending.queries import frequency
from sending.queries.states import sql

log = logs.get(__name__)
# Longer than any pause of a healthy worker, which renews its leases each second.
LEASE = timedelta(seconds=60)
# How long a message that one relay refused is reserved for the other relays of its pool.
OTHERS_FIRST = timedelta(seconds=20)


class Claimed(NamedTuple):
    """One message of a claim."""

    id: int
    # None: the recipient is no contact.
    contact_id: int | None
    address: str
    attempts: int
    lane: int = 0
    variant: int = 0
    # Its mail has a pixel of its own.
    counts_opens: bool = False
    # As in the ledger.
    markets: int = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """A claimed batch. Its results are recorded only if holder and epoch still match."""

    batch_id: int
    epoch: int
    holder: str
    messages: tuple[Claimed, ...]
    # The messages are tried again (retry_at had come).
    again: bool = False


# One batch that was given back, up to the limit; the rest of a larger one stays.
BACK = """
WITH one AS (
  SELECT id, ids FROM sending_batch
   WHERE mailing_id = %(mailing)s AND holder = ''
   ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED),
cut AS (
  UPDATE sending_batch b SET ids = one.ids[%(limit)s + 1:]
    FROM one WHERE b.id = one.id AND cardinality(one.ids) > %(limit)s),
whole AS (
  DELETE FROM sending_batch b
   USING one WHERE b.id = one.id AND cardinality(one.ids) <= %(limit)s)
SELECT unnest(ids[:%(limit)s]) FROM one
"""

# SKIP LOCKED: two workers never wait for each other and never take the same row.
AGAIN = """
UPDATE sending_message SET retry_at = NULL
 WHERE id IN (SELECT id FROM sending_message
               WHERE mailing_id = %(mailing)s AND retry_at <= now()
                 AND (relay_id IS DISTINCT FROM %(avoid)s OR retry_at <= now() - %(grace)s)
               ORDER BY retry_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING id
"""

# `candidates` for the statement below: ids found by one of the statements above, or the next ids of
# each lane, as many as its quota (of a lane with several ranges, from its first one). Two workers
# wait for each other on a range for the milliseconds of a claim: the second one sees where the
# first one ended.
#
# "mailing_id + 0" leaves the planner only the primary key. Otherwise, for a mailing newer than its
# statistics, the planner assumes one row, and reads and sorts the whole mailing for each claim.
#
# "state": messages that services.fence counted as sent stay in their range and are passed over.
FOUND = sql("""
candidates AS MATERIALIZED (
  SELECT id, contact_id, address, attempts, lane, variant, counts_opens, markets,
         state
    FROM sending_message WHERE id = ANY(%(ids)s) AND state + 0 = $WAITING)
""")
FRESH = sql("""
open AS (
  SELECT l.id, l.lane, l.next_id, l.last_id, q.quota
    FROM sending_mailinglane l
    JOIN unnest(%(lanes)s::smallint[], %(quotas)s::int[]) AS q (lane, quota) ON q.lane = l.lane
   WHERE l.id = ANY(ARRAY(SELECT DISTINCT ON (lane) id FROM sending_mailinglane
                           WHERE mailing_id = %(mailing)s AND next_id <= last_id
                           ORDER BY lane, id))
     AND l.next_id <= l.last_id
   ORDER BY l.id FOR UPDATE OF l),
candidates AS MATERIALIZED (
  SELECT m.*
    FROM open
   CROSS JOIN LATERAL (
         SELECT id, contact_id, address, attempts, lane, variant, counts_opens, markets,
         state
           FROM sending_message
          WHERE id BETWEEN open.next_id AND open.last_id AND mailing_id + 0 = %(mailing)s
            AND state + 0 = $WAITING
          ORDER BY id LIMIT open.quota) m),
ended AS (
  SELECT open.id, open.quota, max(candidates.id) AS last, count(candidates.id) AS number
    FROM open LEFT JOIN candidates ON candidates.lane = open.lane
   GROUP BY open.id, open.quota),
moved AS (
  UPDATE sending_mailinglane l
     SET next_id = CASE WHEN e.number < e.quota THEN l.last_id + 1 ELSE e.last + 1 END
    FROM ended e WHERE l.id = e.id)
""")

# Messages of `m` whose recipients may not be mailed any more, and why. Asked by the claim, and
# again while claimed messages wait. ("state + 0": see queries.record.OPEN.)
LEFT_SINCE = sql("""
SELECT m.id,
       CASE WHEN c.id IS NULL AND m.contact_id IS NOT NULL THEN 'gone'
            WHEN {same_person} THEN 'same_person'
            WHEN {too_often} AND NOT {stopped} THEN 'too_often'
            ELSE coalesce({reason}, CASE WHEN EXISTS (
                            SELECT 1 FROM contacts_subscription s
                             WHERE s.contact_id = m.contact_id AND s.list_id = ANY(%(lists)s))
                          THEN 'unsubscribed'
                          WHEN %(of_segments)s THEN 'no_list' ELSE 'off_list' END) END AS reason
  FROM {messages} m
  LEFT JOIN contacts_contact c ON c.id = m.contact_id AND c.workspace_id = %(workspace)s
{joins}
 WHERE m.state + 0 = $WAITING
   AND ((c.id IS NULL AND m.contact_id IS NOT NULL) OR {stopped} OR {too_often} OR {same_person}
        OR (cardinality(%(lists)s::bigint[]) > 0
            AND NOT EXISTS (
              SELECT 1 FROM contacts_subscription s
               WHERE s.contact_id = m.contact_id AND s.list_id = ANY(%(lists)s)
                 AND s.status = 'subscribed')
            AND (%(only_lists)s OR EXISTS (
              SELECT 1 FROM contacts_subscription s
               WHERE s.contact_id = m.contact_id AND s.list_id = ANY(%(lists)s))))
        OR (%(of_segments)s
            AND NOT EXISTS (
              SELECT 1 FROM contacts_subscription s
               WHERE s.contact_id = m.contact_id AND s.status = 'subscribed')))
""")

# One statement for the rest, to send no list of ids to the database and back. It skips recipients
# who left, claims the others as a batch, counts both, and returns the claimed messages. A consent
# for counting opens may have been withdrawn while the audience was frozen, when its message could
# not be seen yet: such a message loses its pixel here.
CLAIM = sql("""
WITH {candidates},
gone AS MATERIALIZED ({left_since}),
skipped AS (
  UPDATE sending_message m SET state = $SKIPPED, reason = gone.reason, settled_at = now()
    FROM gone WHERE m.id = gone.id),
kept AS MATERIALIZED (
  SELECT t.id, t.contact_id, t.address, t.attempts, t.lane, t.variant, {counts_opens}, t.markets,
         t.counts_opens AS counted
    FROM candidates t
   WHERE t.id NOT IN (SELECT id FROM gone)),
unasked AS (
  UPDATE sending_message m SET counts_opens = false
    FROM kept WHERE m.id = kept.id AND kept.counted AND NOT kept.counts_opens),
batch AS (
  INSERT INTO sending_batch (mailing_id, relay_id, ids, holder, epoch, leased_until, claimed_at)
  SELECT %(mailing)s, %(relay)s, array_agg(id ORDER BY id), %(holder)s, 1, now() + %(lease)s, now()
    FROM kept HAVING count(*) > 0
  RETURNING id),
counted AS (
  UPDATE sending_tally
     SET waiting = waiting - (SELECT count(*) FROM candidates),
         in_flight = in_flight + (SELECT count(*) FROM kept),
         skipped = skipped + (SELECT count(*) FROM gone)
   WHERE mailing_id = %(mailing)s AND EXISTS (SELECT 1 FROM candidates))
SELECT batch.id, kept.id, contact_id, address, attempts, lane, variant, counts_opens, markets
  FROM kept CROSS JOIN batch ORDER BY kept.id
""")
# After a merge of contacts, two messages of a mailing may be of one contact (queries.samecontact).
# Somebody has then put back one of them, or both: of two that wait, the first one is sent. Fresh
# messages need no look: no contact is merged while a mailing could still mail it. Messages of a
# stream are different mails. Index: message_by_contact.
SAME_PERSON = sql("""(m.contact_id IS NOT NULL AND EXISTS (
              SELECT FROM sending_message o
               WHERE o.contact_id = m.contact_id AND o.mailing_id = %(mailing)s AND o.id <> m.id
                 AND NOT o.repeats
                 AND (o.state + 0 IN ($ACCEPTED, $UNKNOWN)
                      OR o.state + 0 = $WAITING AND o.id < m.id)))
""")
BY_IDS = "(SELECT * FROM sending_message WHERE id = ANY(%(ids)s))"


@cache
def _left_since(stops: Ways, messages: str, *, often: bool, again: bool = False) -> str:
    joins = stops.joins("m.address", ignoring=True) + (frequency.JOIN if often else "")
    return (
        LEFT_SINCE.replace("{messages}", messages)
        .replace("{reason}", stops.reason)
        .replace("{stopped}", stops.stopped)
        .replace("{too_often}", frequency.TOO_OFTEN if often else "false")
        .replace("{same_person}", SAME_PERSON if again else "false")
        .replace("{joins}", joins)
    )


# Cached, like the statements of blocks: there are few ways.
@cache
def _statement(candidates: str, stops: Ways, counting: str, *, often: bool) -> str:
    allowed, again = openconsent.allowed(counting, "t.contact_id"), candidates == FOUND
    return (
        CLAIM.replace("{candidates}", candidates)
        .replace("{left_since}", _left_since(stops, "candidates", often=often, again=again))
        .replace("{counts_opens}", f"t.counts_opens AND {allowed} AS counts_opens")
    )


def claim(  # noqa: PLR0913 - what limits a claim
    mailing: Mailing,
    relay: Relay,
    *,
    holder: str,
    limit: int,
    quotas: Mapping[int, int] | None = None,
    others: bool = False,
) -> Claim | None:
    """Up to `limit` due messages; None when there are none.

    `quotas`: the most messages of each lane; absent lanes are closed. None: no limit. `others`: the
    mailing has other relays, which try first the messages that this one refused lately. Recipients
    who were suppressed or unsubscribed since the freeze are skipped with the reason.
    """
    known: dict[str, Any] = {
        "mailing": mailing.pk,
        "relay": relay.pk,
        "holder": holder,
        "lease": LEASE,
        "limit": limit,
        **_wishes(mailing),
        "avoid": relay.pk if others else -1,
        "grace": OTHERS_FIRST,
    }
    while (found := _claim(mailing, known, quotas)) is not None:
        rows, again = found
        # No rows: all candidates were skipped.
        if rows:
            # Not for INFO: the line of `record` has the same fields, and the counts.
            log.committed.debug(
                "batch claimed",
                workspace=mailing.workspace_id,
                mailing=mailing.pk,
                relay=relay.pk,
                batch=rows[0][0],
                messages=len(rows),
                again=again,
            )
            return Claim(rows[0][0], 1, holder, tuple(Claimed(*row[1:]) for row in rows), again)
    return None


@transaction.atomic
def _claim(
    mailing: Mailing, known: dict[str, Any], quotas: Mapping[int, int] | None
) -> tuple[list[tuple[Any, ...]], bool] | None:
    """(rows of claimed messages, whether they are tried again); None when nothing was due."""
    with connection.cursor() as cursor:
        # A shared lock: pausing or cancelling waits for this short transaction, and no claim begins
        # after it.
        cursor.execute(
            "SELECT 1 FROM sending_mailing WHERE id = %(mailing)s AND state = 'sending' FOR SHARE",
            known,
        )
        if not cursor.fetchone():
            return None
        # One look-up for a batch of up to a thousand messages.
        stops, often = ways.of(mailing.workspace_id), frequency.asked(mailing)
        known |= ways.parameters()
        for sql in (BACK, AGAIN):
            cursor.execute(blocks.named(sql, mailing.pk), known)
            if ids := [row[0] for row in cursor.fetchall()]:
                found = _statement(FOUND, stops, mailing.open_counting, often=often)
                found = blocks.named(found, mailing.pk)
                cursor.execute(found, known | {"ids": ids})
                return cursor.fetchall(), sql is AGAIN
        shares = _shares(cursor, known, quotas)
        if not shares:
            return None
        lanes = {"lanes": list(shares), "quotas": list(shares.values())}
        fresh = _statement(FRESH, stops, mailing.open_counting, often=often)
        fresh = blocks.named(fresh, mailing.pk)
        cursor.execute(fresh, known | lanes)
        return cursor.fetchall(), False


def _shares(cursor: Any, known: dict[str, Any], quotas: Mapping[int, int] | None) -> dict[int, int]:
    cursor.execute(
        "SELECT DISTINCT ON (lane) lane, last_id - next_id + 1 FROM sending_mailinglane"
        " WHERE mailing_id = %(mailing)s AND next_id <= last_id ORDER BY lane, id",
        known,
    )
    return share(known["limit"], dict(cursor.fetchall()), quotas)


def share(limit: int, left: Mapping[int, int], quotas: Mapping[int, int] | None) -> dict[int, int]:
    """{lane: how many to claim}: in proportion to the messages left in each, so that all lanes end
    together, and at most its quota."""
    open_ = {
        lane: min(number, number if quotas is None else quotas.get(lane, 0))
        for lane, number in left.items()
    }
    open_ = {lane: number for lane, number in open_.items() if number > 0}
    total = sum(open_.values())
    if total <= limit:
        return open_
    shares = {lane: number * limit // total for lane, number in open_.items()}
    # The remainder of rounding goes to the smallest shares first, so that each open lane
    # progresses.
    over = limit - sum(shares.values())
    for lane in sorted(open_, key=lambda lane: (shares[lane], -open_[lane]))[:over]:
        shares[lane] += 1
    return {lane: number for lane, number in shares.items() if number}


def _wishes(mailing: Mailing) -> dict[str, Any]:
    """The parameters of LEFT_SINCE. In an audience of lists only, a recipient on none of its lists
    any more has left. With other parts in the audience, a recipient who never was on one of the
    lists stays; one who was, and is subscribed to none now, has left. With segments in it, so has
    one who is subscribed to no list of the workspace any more."""
    people = mailing.people
    return {
        "workspace": mailing.workspace_id,
        "lists": list(people.list_ids),
        "only_lists": people.only_lists,
        "of_segments": people.of_segments,
        "ignored": list(people.ignored),
    }


def left_since(mailing: Mailing, ids: Sequence[int]) -> dict[int, str]:
    """{message id: code of pages.reasons} for messages whose recipients may not be mailed any
    more."""
    stops, often = ways.of(mailing.workspace_id), frequency.asked(mailing)
    known: dict[str, Any] = {"ids": list(ids), **_wishes(mailing), **ways.parameters()}
    with connection.cursor() as cursor:
        statement = _left_since(stops, BY_IDS, often=often)
        cursor.execute(blocks.named(statement, mailing.pk), known)
        return dict(cursor.fetchall())


def renew(claims: Sequence[tuple[int, str]]) -> None:
    """Renews the leases of batches: (batch id, holder)."""
    known: list[Any] = [LEASE, [number for number, _ in claims], [holder for _, holder in claims]]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE sending_batch b SET leased_until = now() + %s"
            "  FROM unnest(%s::bigint[], %s::text[]) AS h (id, holder)"
            " WHERE b.id = h.id AND b.holder = h.holder",
            known,
        )
