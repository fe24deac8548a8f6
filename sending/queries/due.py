"""What of a mailing is left, and what of it can be claimed now: conditions for other statements."""

# Of `l`, a row of sending_mailinglane, and the relay that the braces name: its provider is held
# there (models.Hold). Of a dropped lane the rest is claimed, to be skipped.
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
 OR EXISTS (SELECT 1 FROM sending_message t WHERE t.mailing_id = m.id AND t.retry_at <= now()))
"""
LEFT = _PLACES.format(but="")
# The same of what the relay `r` may carry.
DUE = _PLACES.format(but=f"AND NOT {HELD_LANE}").format(relay="r.id")
DUE = f"(NOT {HELD_ROUTE.format(relay='r.id')} AND {DUE})"
