"""SQL conditions for other statements: what is left of a mailing, which relays carry it now, and
what they can claim. Each rule is written only here."""

from relays.queries.able import able
from sending.models import Mailing

# For `l`, a row of sending_mailinglane, and the relay in braces: the lane is held there
# (models.Hold). The rest of a dropped lane can be claimed, to be skipped.
HELD_LANE = """
EXISTS (SELECT 1 FROM sending_hold h
         WHERE h.mailing_id = l.mailing_id AND h.released_at IS NULL AND h.kind = 'lane'
           AND h.relay_id = {relay} AND h.lane_number = l.lane AND h.lane_number <> 0
           AND h.decision <> 'dropped')
"""
# For `m`, a row of sending_mailing: a hold keeps the relay from carrying it.
HELD_ROUTE = """
EXISTS (SELECT 1 FROM sending_hold h
         WHERE h.mailing_id = m.id AND h.released_at IS NULL AND h.kind = 'route'
           AND h.relay_id = {relay})
"""

# For `m`: it has messages that were never claimed, that a worker gave back, or whose retry_at has
# come. Each part is one index lookup.
_PLACES = """
(EXISTS (SELECT 1 FROM sending_mailinglane l
          WHERE l.mailing_id = m.id AND l.next_id <= l.last_id {but})
 OR EXISTS (SELECT 1 FROM sending_batch b WHERE b.mailing_id = m.id AND b.holder = '')
 OR EXISTS (SELECT 1 FROM sending_message t
             WHERE t.mailing_id = m.id /* of t */ AND t.retry_at <= now()))
"""
LEFT = _PLACES.format(but="")
# For `m`: a part of its audience is not frozen yet.
FREEZING = "EXISTS (SELECT 1 FROM sending_freezing f WHERE f.mailing_id = m.id)"
# Like LEFT, for what the relay `r` may carry.
DUE = _PLACES.format(but=f"AND NOT {HELD_LANE}").format(relay="r.id")
DUE = f"(NOT {HELD_ROUTE.format(relay='r.id')} AND {DUE})"

State = Mailing.State
# For `m`: it is being sent, and is no idle stream.
SENT = f"(m.state = '{State.SENDING.value}' AND NOT m.idle)"
# For `m` and `{relay}`, a row of relays_relay: the mailing may go through it, alone or in a pool.
ROUTED = """
({relay}.id = m.relay_id
 OR {relay}.id IN (SELECT relay_id FROM relays_poolmember p WHERE p.pool_id = m.pool_id))
"""
# In a pool a relay of a lower tier comes first while it can work. A relay that is only probed after
# failures does not keep the others from work.
_BETTER = """
EXISTS (SELECT 1 FROM relays_poolmember mine
          JOIN relays_poolmember better
            ON better.pool_id = mine.pool_id AND better.tier < mine.tier
          JOIN relays_relay r2 ON r2.id = better.relay_id
         WHERE mine.pool_id = m.pool_id AND mine.relay_id = {relay}.id
           AND {able} AND r2.failures = 0 AND NOT {held})
"""


def carries(relay: str, now: str = "now()") -> str:
    """SQL: the relay (a row of relays_relay) can carry the mailing `m` now, if something is due."""
    held = HELD_ROUTE.format(relay=f"{relay}.id")
    better = _BETTER.format(
        relay=relay,
        able=able("r2", opened="m.opened_at", now=now),
        held=HELD_ROUTE.format(relay="r2.id"),
    )
    return (
        f"({SENT} AND {ROUTED.format(relay=relay)}"
        f" AND {able(relay, opened='m.opened_at', now=now)} AND NOT {held} AND NOT {better})"
    )
