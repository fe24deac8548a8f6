"""Columns of the contacts export: when the last mail to a contact was accepted, opened, and
clicked. Only the first opening and the first click of each mail count (sending.models.Message)."""

from django.utils.translation import gettext_lazy as _

from contacts.queries.consent import Engagement, engagement
from sending.queries.states import sql

NAMES = ("last_sent_at", "last_opened_at", "last_clicked_at")
LABELS = (_("Last mail"), _("Last open"), _("Last click"))
# Uses the index message_by_contact.
SQL = sql("""
SELECT max(settled_at) FILTER (WHERE state = $ACCEPTED) AS last_sent_at,
       max(opened_at) AS last_opened_at, max(clicked_at) AS last_clicked_at
  FROM sending_message m WHERE m.contact_id = c.id""")

engagement.add(Engagement(NAMES, SQL, LABELS))
