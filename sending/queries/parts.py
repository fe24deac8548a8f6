"""Parts of an audience that the ledger knows: recipients of other mailings, and people who were
mailed lately."""

from contacts.queries.parts import PartKind, kinds
from sending.queries.states import sql

MAILING, MAILED_WITHIN = "mailing", "mailed_within"

GOT = sql("state = $ACCEPTED AND contact_id IS NOT NULL")
RECIPIENTS = "FROM sending_message WHERE mailing_id = ANY({ids})"
# Of mailings whose rows were dropped: whom mails went to, as far as is known.
PAST = """
SELECT contact_id{more} FROM sending_pastrecipients, unnest(contacts) AS contact_id
 WHERE mailing_id = ANY({ids}) AND contact_id IS NOT NULL
"""
# Who will get it, or may have got it, is no less excluded than who got it.
GETS = sql("state IN ($WAITING, $ACCEPTED, $UNKNOWN) AND contact_id IS NOT NULL")
# Of the excluded contact `a`, the mail that it got last, if it has got one by now.
LAST = sql(
    "SELECT m.settled_at AS since, m.mailing_id AS cause_id FROM sending_message m"
    " JOIN sending_mailing g ON g.id = m.mailing_id"
    " WHERE m.contact_id = a.contact_id AND m.state = $ACCEPTED AND {which}"
    " ORDER BY m.settled_at DESC LIMIT 1"
)
kinds.add(
    PartKind(
        MAILING,
        include=f"SELECT contact_id, true AS wants {RECIPIENTS} AND {GOT}"
        f" UNION ALL {PAST.replace('{more}', ', true')}",
        exclude=f"SELECT contact_id {RECIPIENTS} AND {GETS} UNION ALL {PAST.replace('{more}', '')}",
        reason="excluded_mailing",
        cause=LAST.replace("{which}", "g.id = ANY({ids})"),
    )
)
# {ids} is one number of hours. A mailing that ended before that long has nobody of them, so that
# only the messages of recent mailings are read, and only of their blocks: OFFSET keeps the planner
# from joining all blocks at once.
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
