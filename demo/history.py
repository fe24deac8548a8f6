"""Writes the history of past mailings: outcomes, opens, clicks and bounces.

The product's services can't write past events, so only this module writes tables of other apps. It
works in sets, and a hash of the address makes it deterministic. It keeps the same sums as the
services (Tally, TallyMinute), so all pages and checks work as with real mail.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from sending.machines import Actor
from sending.models import Mailing


@dataclass(frozen=True, slots=True)
class Course:
    """The results of a mailing, as shares of its messages from 0 to 1. `pace`: messages/s."""

    started_at: datetime
    pace: float = 12.0
    failed: float = 0.008
    hard_bounced: float = 0.011
    soft_bounced: float = 0.009
    complained: float = 0.0006
    unsubscribed: float = 0.004
    opened: float = 0.38
    clicked: float = 0.09


# A random number for each message and purpose: uniform over [0, 1), the same in each run.
DRAW = "((hashtext(m.address || {salt} || m.mailing_id) & 2147483647) / 2147483648.0)"


def _draw(salt: str) -> str:
    return DRAW.format(salt=f"'{salt}'")


# Reason and reply match as smtp.replies would classify them.
SETTLE = f"""
UPDATE sending_message m
   SET state = CASE WHEN {_draw("fail")} < %(failed)s THEN 3 ELSE 2 END,
       attempts = 1,
       relay_id = %(relay)s,
       reason = CASE WHEN {_draw("fail")} >= %(failed)s THEN ''
                     WHEN {_draw("why")} < 0.7 THEN 'address' ELSE 'policy' END,
       reply = CASE WHEN {_draw("fail")} >= %(failed)s THEN '250 2.0.0 Ok: queued'
                    WHEN {_draw("why")} < 0.7 THEN '550 5.1.1 User unknown in local recipient table'
                    ELSE '554 5.7.1 Message rejected as spam by content scanning' END,
       settled_at = %(start)s + make_interval(secs => n.place / %(pace)s::float)
  FROM (SELECT id, row_number() OVER (ORDER BY id) AS place
          FROM sending_message WHERE mailing_id = %(mailing)s) n
 WHERE m.id = n.id
"""  # noqa: S608 - only constants of this module

# Delays are exponentially distributed: most people open within hours, some within days.
EVENTS = """
INSERT INTO sending_event (mailing_id, message_id, contact_id, kind, at, link, actor, detail)
SELECT m.mailing_id, m.id, m.contact_id, %(kind)s,
       least(m.settled_at + make_interval(secs => 20 - %(delay)s * ln(1 - {when})), now()),
       {link}, %(actor)s, %(detail)s
  FROM sending_message m
 WHERE m.mailing_id = %(mailing)s AND m.state = 2 AND {chance} < %(share)s
   AND (m.counts_opens OR %(kind)s <> 'opened')
"""

FIRST_TIMES = """
UPDATE sending_message m
   SET opened_at = e.opened, clicked_at = e.clicked, bounced_at = e.bounced,
       machines = CASE WHEN e.hidden THEN 5 ELSE 0 END
  FROM (SELECT message_id,
               min(at) FILTER (WHERE kind = 'opened' AND actor <= 0) AS opened,
               min(at) FILTER (WHERE kind = 'clicked') AS clicked,
               bool_or(kind = 'opened' AND actor > 0) AS hidden,
               min(at) FILTER (WHERE kind IN ('hard_bounced', 'soft_bounced', 'blocked')) AS bounced
          FROM sending_event WHERE mailing_id = %(mailing)s GROUP BY 1) e
 WHERE m.id = e.message_id
"""

TALLY = """
UPDATE sending_tally t
   SET waiting = 0, in_flight = 0, accepted = s.accepted, with_pixel = s.with_pixel,
       failed = s.failed, targeted = s.targeted,
       bounced = s.bounced, hard_bounced = s.hard, soft_bounced = s.soft, complained = s.complained,
       unsubscribed = s.unsubscribed, opened = s.opened, clicked = s.clicked,
       machine_opened = s.machine_opened
  FROM (SELECT count(*) AS targeted,
               count(*) FILTER (WHERE m.state = 2) AS accepted,
               count(*) FILTER (WHERE m.state = 2 AND m.counts_opens) AS with_pixel,
               count(*) FILTER (WHERE m.state = 3) AS failed,
               count(*) FILTER (WHERE m.opened_at IS NOT NULL) AS opened,
               count(*) FILTER (WHERE m.clicked_at IS NOT NULL) AS clicked,
               count(*) FILTER (WHERE m.machines > 0) AS machine_opened,
               count(*) FILTER (WHERE m.bounced_at IS NOT NULL) AS bounced,
               count(*) FILTER (WHERE 'hard_bounced' = ANY (e.kinds)) AS hard,
               count(*) FILTER (WHERE 'soft_bounced' = ANY (e.kinds)) AS soft,
               count(*) FILTER (WHERE 'complained' = ANY (e.kinds)) AS complained,
               count(*) FILTER (WHERE 'unsubscribed' = ANY (e.kinds)) AS unsubscribed
          FROM sending_message m
          LEFT JOIN (SELECT message_id, array_agg(DISTINCT kind::text) AS kinds
                       FROM sending_event WHERE mailing_id = %(mailing)s GROUP BY 1) e
                 ON e.message_id = m.id
         WHERE m.mailing_id = %(mailing)s) s
 WHERE t.mailing_id = %(mailing)s
"""

MINUTES = """
INSERT INTO sending_tallyminute
       (mailing_id, minute, accepted, failed, bounced, opened, clicked, unsubscribed,
        machine_opened)
SELECT %(mailing)s, date_trunc('minute', at),
       count(*) FILTER (WHERE what = 'accepted'), count(*) FILTER (WHERE what = 'failed'),
       count(*) FILTER (WHERE what = 'first bounced'),
       count(*) FILTER (WHERE what = 'first opened'),
       count(*) FILTER (WHERE what = 'first clicked'),
       count(*) FILTER (WHERE what = 'unsubscribed'),
       count(*) FILTER (WHERE what = 'by a machine')
  FROM (SELECT settled_at AS at, CASE state WHEN 2 THEN 'accepted' ELSE 'failed' END AS what
          FROM sending_message WHERE mailing_id = %(mailing)s
        UNION ALL
        SELECT opened_at, 'first opened' FROM sending_message
         WHERE mailing_id = %(mailing)s AND opened_at IS NOT NULL
        UNION ALL
        SELECT clicked_at, 'first clicked' FROM sending_message
         WHERE mailing_id = %(mailing)s AND clicked_at IS NOT NULL
        UNION ALL
        SELECT bounced_at, 'first bounced' FROM sending_message
         WHERE mailing_id = %(mailing)s AND bounced_at IS NOT NULL
        UNION ALL
        SELECT min(at), 'by a machine' FROM sending_event
         WHERE mailing_id = %(mailing)s AND kind = 'opened' AND actor > 0 GROUP BY message_id
        UNION ALL
        SELECT at, kind FROM sending_event
         WHERE mailing_id = %(mailing)s AND kind = 'unsubscribed') x
 GROUP BY 2
"""

# The suppressions that the mailing's bounces and unsubscribes would have caused.
SUPPRESS = """
INSERT INTO contacts_suppression
       (workspace_id, kind, value, reason, source_kind, source_id, detail, created_at)
SELECT DISTINCT ON (m.address) %(workspace)s, 'address', m.address,
       e.kind, %(source_kind)s, %(source_id)s, e.detail, e.at
  FROM sending_event e JOIN sending_message m ON m.id = e.message_id
 WHERE e.mailing_id = %(mailing)s AND e.kind IN ('hard_bounced', 'complained', 'unsubscribed')
 ORDER BY m.address, e.at
ON CONFLICT DO NOTHING
"""

# Marks all messages as claimed.
LANES = """
UPDATE sending_mailinglane SET next_id = last_id + 1 WHERE mailing_id = %(mailing)s
"""

FINISH = """
UPDATE sending_mailing
   SET state = 'finished', opened_at = %(start)s, wait_reason = '', wait_until = NULL,
       finished_at = (SELECT max(settled_at) FROM sending_message WHERE mailing_id = %(mailing)s)
 WHERE id = %(mailing)s
"""


def live_through(mailing: Mailing, course: Course) -> None:
    """Gives a new mailing the results that `course` describes, and finishes it."""
    known: dict[str, Any] = {"mailing": mailing.pk, "start": course.started_at}
    links = max(len(mailing.content.links), 1)
    with connection.cursor() as cursor:
        # Else the planner may know nothing of the rows that the freeze has just written.
        cursor.execute("ANALYZE sending_message")
        cursor.execute(
            SETTLE,
            known | {"failed": course.failed, "relay": mailing.relay_id, "pace": course.pace},
        )
        for kind, share, delay, detail, actor in _events(course):
            link = f"(hashtext(m.address) & 2147483647) %% {links}" if kind == "clicked" else "NULL"
            # Everybody who clicks has opened, so both use the same random number.
            purpose = "interest" if kind in {"opened", "clicked"} else kind
            purpose = "program" if actor > 0 else purpose
            sql = EVENTS.format(
                when=_draw("when" + kind), link=f"{link}::smallint", chance=_draw(purpose)
            )
            cursor.execute(
                sql,
                known
                | {"kind": kind, "share": share, "delay": delay, "detail": detail, "actor": actor},
            )
        for sql in (FIRST_TIMES, TALLY, MINUTES, LANES, FINISH):
            cursor.execute(sql, known)
        cursor.execute(
            SUPPRESS, known | {"workspace": mailing.workspace_id} | mailing.source.columns
        )
    mailing.refresh_from_db()


def _events(course: Course) -> list[tuple[str, float, int, str, int]]:
    """[(kind, share, mean delay in seconds, detail, actor)]."""
    hours = 3600
    return [
        ("hard_bounced", course.hard_bounced, 60, "550 5.1.1 The email account that you tried", 0),
        ("soft_bounced", course.soft_bounced, 90, "452 4.2.2 The recipient's inbox is full", 0),
        ("complained", course.complained, 20 * hours, "abuse", 0),
        ("unsubscribed", course.unsubscribed, 9 * hours, "", 0),
        ("opened", course.opened, 12 * hours, "", Actor.BROWSER),
        ("clicked", course.clicked, 14 * hours, "", Actor.BROWSER),
        # A part of the people reads with Apple Mail.
        ("opened", course.opened / 2, 300, "", Actor.PRIVACY_PROXY),
    ]
