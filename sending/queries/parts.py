"""Parts of an audience that the ledger knows: recipients of other mailings, and people who were
mailed lately."""

from contacts.queries.parts import Kind, kinds

MAILING, MAILED_WITHIN = "mailing", "mailed_within"

kinds.add(
    Kind(
        MAILING,
        include="SELECT contact_id, true AS wants FROM sending_message"
        " WHERE mailing_id = ANY({ids}) AND state = 2 AND contact_id IS NOT NULL",
        exclude="SELECT contact_id FROM sending_message"
        " WHERE mailing_id = ANY({ids}) AND state = 2 AND contact_id IS NOT NULL",
        reason="excluded_mailing",
        cause="SELECT m.settled_at AS since, m.mailing_id AS cause_id FROM sending_message m"
        " WHERE m.contact_id = a.contact_id AND m.mailing_id = ANY({ids}) AND m.state = 2"
        " ORDER BY m.settled_at DESC LIMIT 1",
    )
)
# {ids} is one number of hours. A mailing that ended before that long has nobody of them, so that
# only the messages of recent mailings are read.
RECENT = (
    "SELECT m.contact_id FROM sending_mailing g JOIN sending_message m ON m.mailing_id = g.id"
    " WHERE g.workspace_id = %(workspace)s AND g.purpose = 'advertising'"
    " AND (g.finished_at IS NULL OR g.finished_at >= now() - make_interval(hours => ({ids})[1]))"
    " AND m.state = 2 AND m.contact_id IS NOT NULL"
    " AND m.settled_at >= now() - make_interval(hours => ({ids})[1])"
)
kinds.add(
    Kind(
        MAILED_WITHIN,
        include="",
        exclude=RECENT,
        reason="mailed_lately",
        cause="SELECT m.settled_at AS since, m.mailing_id AS cause_id FROM sending_message m"
        " JOIN sending_mailing g ON g.id = m.mailing_id AND g.workspace_id = %(workspace)s"
        " AND g.purpose = 'advertising'"
        " WHERE m.contact_id = a.contact_id AND m.state = 2 ORDER BY m.settled_at DESC LIMIT 1",
    )
)
