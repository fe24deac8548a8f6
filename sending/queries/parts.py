"""Parts of an audience that the ledger knows: recipients of other mailings, and people who were
mailed lately."""

from contacts.queries.parts import STAYS, PartKind, kinds
from sending.queries.states import sql

MAILING, MAILED_WITHIN = "mailing", "mailed_within"

GOT = sql("state = $ACCEPTED AND contact_id IS NOT NULL")
RECIPIENTS = "FROM sending_message WHERE mailing_id = ANY({ids})"
# Recipients of mailings whose rows were dropped.
PAST = """
SELECT contact_id{more} FROM sending_pastrecipients, unnest(contacts) AS contact_id
 WHERE mailing_id = ANY({ids}) AND contact_id IS NOT NULL
"""
# Contacts who will get a mail, or may have got it, are excluded like those who got it.
GETS = sql("state IN ($WAITING, $ACCEPTED, $UNKNOWN) AND contact_id IS NOT NULL")
# The last mail that the excluded contact `a` got, if any. OFFSET makes the planner begin with the
# contact's mails: of a new mailing it has no statistics, and would read it once for each contact.
LAST = sql(
    "SELECT m.settled_at AS since, m.mailing_id AS cause_id"
    " FROM (SELECT mailing_id, settled_at FROM sending_message"
    " WHERE contact_id = a.contact_id AND state = $ACCEPTED OFFSET 0) m"
    " JOIN sending_mailing g ON g.id = m.mailing_id"
    " WHERE {which} ORDER BY m.settled_at DESC LIMIT 1"
)
kinds.add(
    PartKind(
        MAILING,
        include=f"SELECT contact_id, {STAYS} AS standing {RECIPIENTS} AND {GOT}"
        f" UNION ALL {PAST.replace('{more}', f', {STAYS}')}",
        exclude=f"SELECT contact_id {RECIPIENTS} AND {GETS} UNION ALL {PAST.replace('{more}', '')}",
        reason="excluded_mailing",
        cause=LAST.replace("{which}", "g.id = ANY({ids})"),
    )
)
# {ids} holds one number of hours. Mailings that ended earlier are not read, so that only the blocks
# of recent mailings are: OFFSET keeps the planner from joining all blocks at once.
OF_WORKSPACE = "g.workspace_id = %(workspace)s AND g.purpose = 'advertising'"
RECENT = f"""
SELECT m.contact_id
  FROM sending_mailing g
 CROSS JOIN LATERAL (
       SELECT contact_id, settled_at FROM sending_message
        WHERE mailing_id = g.id AND {GOT} OFFSET 0) m
 WHERE {OF_WORKSPACE}
   AND (g.finished_at IS NULL OR g.finished_at >= now() - make_interval(hours => ({{ids}})[1]))
   AND m.settled_at >= now() - make_interval(hours => ({{ids}})[1])
"""  # noqa: S608 - only constants of ours
kinds.add(
    PartKind(
        MAILED_WITHIN,
        include="",
        exclude=RECENT,
        reason="mailed_lately",
        cause=LAST.replace("{which}", OF_WORKSPACE),
    )
)
