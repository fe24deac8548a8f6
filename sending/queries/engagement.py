"""What the export of contacts knows of their mails: when the last one was accepted, opened, and
clicked. Of each mail the first opening and the first click count (sending.models.Message)."""

from contacts.queries.consent import Engagement, engagement
from sending.queries.states import sql

NAMES = ("last_sent_at", "last_opened_at", "last_clicked_at")
# By message_by_contact.
SQL = sql("""
SELECT max(settled_at) FILTER (WHERE state = $ACCEPTED) AS last_sent_at,
       max(opened_at) AS last_opened_at, max(clicked_at) AS last_clicked_at
  FROM sending_message m WHERE m.contact_id = c.id""")

engagement.add(Engagement(NAMES, SQL))
