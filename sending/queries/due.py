"""What of a mailing is left, which relays carry it now, and what of it they can claim: conditions
for other statements, each the one text of its rule."""

from relays.queries.able import able
from sending.models import Mailing

# Of `l`, a row of sending_mailinglane, and the relay that the braces name: its mail provider is
# held there (models.Hold). Of a dropped lane the rest is claimed, to be skipped.
HELD_LANE = """
EXISTS (SELECT 1 FROM sending_hold h
         WHERE h.mailing_id = l.mailing_id AND h.released_at IS NULL AND h.kind = 'lane'
           AND h.relay_id = {relay} AND h.lane_number = l.lane AND h.lane_number <> 0
           AND h.decision <> 'dropped')
"""
# Of `m`, a row of sending_mailing: the relay carries nothing of it, because of a hold.
HELD_ROUTE = """
EXISTS (SELECT 1 FROM sending_hold h
         WHERE h.mailing_id = m.id AND h.released_at IS NULL AND h.kind = 'route'
           AND h.relay_id = {relay})
"""

# Of `m`: somebody who was not claimed yet, messages that a worker gave back, or one whose time to
# be tried again has come. Each is one look into an index.
_PLACES = """
(EXISTS (SELECT 1 FROM sending_mailinglane l
          WHERE l.mailing_id = m.id AND l.next_id <= l.last_id {but})
 OR EXISTS (SELECT 1 FROM sending_batch b WHERE b.mailing_id = m.id AND b.holder = '')
 OR EXISTS (SELECT 1 FROM sending_message t
             WHERE t.mailing_id = m.id /* of t */ AND t.retry_at <= now()))
"""
LEFT = _PLACES.format(but="")
# Of `m`: a part of its audience is not frozen yet.
FREEZING = "EXISTS (SELECT 1 FROM sending_freezing f WHERE f.mailing_id = m.id)"
# The same of what the relay `r` may carry.
DUE = _PLACES.format(but=f"AND NOT {HELD_LANE}").format(relay="r.id")
DUE = f"(NOT {HELD_ROUTE.format(relay='r.id')} AND {DUE})"

State = Mailing.State
# Of `m`: it is sent, and not a stream that has nothing to do.
SENT = f"(m.state = '{State.SENDING.value}' AND NOT m.idle)"
# Of `m` and `{relay}`, a row of relays_relay: the mailing may go through it, alone or in a pool.
ROUTED = """
({relay}.id = m.relay_id
 OR {relay}.id IN (SELECT relay_id FROM relays_poolmember p WHERE p.pool_id = m.pool_id))
"""
# In a pool a relay of a lower tier comes first, while it can work. One that only tries whether it
# can again keeps nobody from work.
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
