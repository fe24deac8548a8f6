"""What of a mailing can be claimed now, as a condition for other statements."""

# Of `m`, a row of sending_mailing: somebody who was not claimed yet, messages that a worker gave
# back, or one whose time to be tried again has come. Each is one look into an index.
DUE = """
(EXISTS (SELECT 1 FROM sending_mailinglane l WHERE l.mailing_id = m.id AND l.next_id <= l.last_id)
 OR EXISTS (SELECT 1 FROM sending_batch b WHERE b.mailing_id = m.id AND b.holder = '')
 OR EXISTS (SELECT 1 FROM sending_message r WHERE r.mailing_id = m.id AND r.retry_at <= now()))
"""
