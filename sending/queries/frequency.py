"""Advertising mails that a person does not want yet: the one before was too short a time ago
(contacts.preferencemodels.MailFrequency)."""

from django.db import connection

from sending.models import Mailing
from sending.purposes import RULES
from sending.queries.states import sql

ANY = "SELECT EXISTS (SELECT FROM contacts_mailfrequency WHERE workspace_id = %s)"
# For `m`, a message of an advertising mailing: its contact has a limit, and another advertising
# mail was accepted within that time, may have been, or goes first. Of two mails that wait at the
# same time the one with the lower id goes first: so exactly one of them is sent, whichever workers
# claim them. (The rows exist since the freeze.) A mail of a paused mailing keeps nobody waiting.
#
# A week is half a day shorter than seven days, and a month half a day shorter than February:
# otherwise a newsletter of each Monday at nine would leave out who got the last one at five past
# nine.
#
# CASE: only contacts with a limit, few, are looked up by the index of each block. OFFSET: the
# planner must begin with the contact's mails.
JOIN = "  LEFT JOIN contacts_mailfrequency frequency ON frequency.contact_id = m.contact_id\n"
TOO_OFTEN = sql("""
CASE WHEN frequency.contact_id IS NULL THEN false ELSE EXISTS (
  SELECT FROM (SELECT o.mailing_id, o.id, o.state, o.settled_at
                 FROM sending_message /* in every block */ o
                WHERE o.contact_id = m.contact_id AND o.id <> m.id OFFSET 0) other
    JOIN sending_mailing g ON g.id = other.mailing_id
   WHERE g.workspace_id = %(workspace)s AND g.purpose = 'advertising'
     AND (other.state = $WAITING AND other.id < m.id AND g.state = 'sending'
          OR other.state IN ($ACCEPTED, $UNKNOWN)
             AND other.settled_at > now() - CASE frequency.most
                   WHEN 'week' THEN interval '6 days 12 hours'
                   ELSE interval '27 days 12 hours' END)) END
""")


def asked(mailing: Mailing) -> bool:
    """Whether the mailing must look: nearly no workspace has such a contact at first, and this is
    all that a claim pays then."""
    if not RULES[mailing.purpose].counts_as_mailed:
        return False
    with connection.cursor() as cursor:
        cursor.execute(ANY, [mailing.workspace_id])
        return bool((cursor.fetchone() or (False,))[0])
