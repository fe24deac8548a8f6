"""What a mailing's tally doesn't hold: replies in groups, domains, links, bounces.

Every query is bounded: by a partial index that accepted messages never enter, by a number of rows,
or by being a part of the page that is loaded by itself and kept for a while.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.cache import cache
from django.db import connection

from campaigns.queries.replies import same
from relays import providers
from sending.models import Event, Mailing
from sending.queries.states import sql

Rows = list[tuple[Any, ...]]

# Groups shown; rows that are read to make them. 20,000 take 50 ms, 250 ms where all are different.
GROUPS = 20
READ = 20_000
DOMAINS = 15
# A pass over so many messages is quick.
QUICK = 50_000
# Seconds that what needs a pass over the whole mailing is kept: while it sends, and afterwards.
KEEP_LIVE = 30
KEEP_SETTLED = 300


@dataclass(frozen=True, slots=True)
class ReplyGroup:
    """Messages about which a server said the same."""

    # A code of pages.reasons, or a kind of sending.models.Event.
    reason: str
    # What is the same in them (campaigns.queries.replies); filters the recipients.
    same: str
    count: int
    # One of the replies, whole.
    sample: str


# First equal replies together, so that the patterns run once for each.
GROUPED = """
SELECT reason, {same} AS same, sum(number), min(reply)
  FROM (SELECT reason, reply, count(*) AS number
          FROM ({rows} LIMIT %(read)s) read GROUP BY 1, 2) equal
 GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT %(groups)s
"""

# By message_not_accepted.
FAILED = sql(
    "SELECT reason, reply FROM sending_message WHERE mailing_id = %(mailing)s AND trouble = $FAILED"
)
# By message_retry, and by their ids those that a worker gave back.
PUT_OFF = sql("""
SELECT reason, reply FROM sending_message
 WHERE mailing_id = %(mailing)s AND retry_at IS NOT NULL AND reason <> ''
UNION ALL
SELECT m.reason, m.reply
  FROM sending_batch b CROSS JOIN unnest(b.ids) AS given (id)
  JOIN sending_message m ON m.id = given.id
 WHERE b.mailing_id = %(mailing)s AND b.holder = '' AND m.state = $WAITING AND m.retry_at IS NULL
   AND m.reason <> ''
""")
# By event_by_kind. A message with two bounces of which the same is said counts once.
BOUNCES = """
SELECT kind AS reason, {same} AS same, count(DISTINCT message_id), min(detail)
  FROM (SELECT kind, detail, message_id FROM sending_event
         WHERE mailing_id = %(mailing)s AND kind IN ('hard_bounced', 'soft_bounced', 'blocked')
         LIMIT %(read)s) read
 GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT %(groups)s
"""


def _grouped(rows: str, mailing: Mailing) -> list[ReplyGroup]:
    return _groups(GROUPED.format(same=same("reply"), rows=rows), mailing)


def _groups(sql: str, mailing: Mailing) -> list[ReplyGroup]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"mailing": mailing.pk, "read": READ, "groups": GROUPS})
        return [ReplyGroup(row[0], row[1], int(row[2]), row[3]) for row in cursor.fetchall()]


def cut(groups: Sequence[ReplyGroup], possible: int) -> bool:
    """Whether the counts of groups are least numbers, since not all of the rows were read.
    `possible`: how many messages there can be in all groups."""
    read = sum(group.count for group in groups)
    return possible > READ and (read >= READ or len(groups) >= GROUPS)


def failures(mailing: Mailing) -> list[ReplyGroup]:
    """Failed messages by what the server said."""
    return _grouped(FAILED, mailing)


@dataclass(frozen=True, slots=True)
class ProviderFailures:
    """Failed messages to one mail provider. `key`: of relays.providers."""

    key: str
    name: str
    count: int


def failed_at(mailing: Mailing) -> list[ProviderFailures]:
    """Failed messages by the mail provider that serves them, the most first. Domains of no known
    mail provider are left out: the table of domains has them. By message_not_accepted."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql(
                "SELECT lane, count(*) FROM sending_message"
                " WHERE mailing_id = %s AND trouble = $FAILED GROUP BY 1 ORDER BY 2 DESC, 1"
            ),
            [mailing.pk],
        )
        counts = cursor.fetchall()
    known = {one.number: one for one in providers.mail_providers()}
    return [
        ProviderFailures(known[lane].key, known[lane].name, count)
        for lane, count in counts
        if lane in known
    ]


def put_off(mailing: Mailing) -> list[ReplyGroup]:
    """Messages that wait because a server asked to come again."""
    return _grouped(PUT_OFF, mailing)


def bounces(mailing: Mailing) -> list[ReplyGroup]:
    """Bounced messages by what the server said."""
    return _groups(BOUNCES.format(same=same("detail")), mailing)


# Kinds that are rare and of no tally: counted from their rows (event_by_kind).
COUNTED = (Event.Kind.DELAYED, Event.Kind.AUTO_REPLIED)


def returns(mailing: Mailing) -> dict[str, int]:
    """{kind of event: number of messages} of what came back by mail."""
    tally = mailing.tally
    tallied = {
        Event.Kind.HARD_BOUNCED: tally.hard_bounced,
        Event.Kind.SOFT_BOUNCED: tally.soft_bounced,
        Event.Kind.BLOCKED: tally.blocked,
        Event.Kind.COMPLAINED: tally.complained,
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, count(DISTINCT message_id) FROM sending_event"
            " WHERE mailing_id = %s AND kind = ANY(%s) GROUP BY 1",
            [mailing.pk, [str(kind) for kind in COUNTED]],
        )
        found = tallied | dict(cursor.fetchall())
    return {str(kind): found.get(kind, 0) for kind in (*tallied, *COUNTED)}


def skipped(mailing: Mailing) -> list[tuple[str, int]]:
    """[(code of pages.reasons, number)] of those skipped, by message_not_accepted."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql(
                "SELECT reason, count(*) FROM sending_message"
                " WHERE mailing_id = %s AND trouble = $SKIPPED GROUP BY 1 ORDER BY 2 DESC, 1"
            ),
            [mailing.pk],
        )
        return [(reason, count) for reason, count in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class DomainFigures:
    name: str
    targeted: int
    accepted: int
    failed: int
    bounced: int
    opened: int
    clicked: int


# One pass over the mailing: 0.5 s for half a million.
DOMAIN_ROWS = sql("""
SELECT split_part(address, '@', 2), count(*),
       count(*) FILTER (WHERE state = $ACCEPTED), count(*) FILTER (WHERE state = $FAILED),
       count(bounced_at), count(opened_at), count(clicked_at)
  FROM sending_message WHERE mailing_id = %s
 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s
""")


def domains(mailing: Mailing) -> list[DomainFigures]:
    """The domains that most of the recipients are at."""

    def read() -> Rows:
        with connection.cursor() as cursor:
            cursor.execute(DOMAIN_ROWS, [mailing.pk, DOMAINS])
            return list(cursor.fetchall())

    return [DomainFigures(*row) for row in _kept("domains", mailing, read)]


@dataclass(frozen=True, slots=True)
class Link:
    """`number` is its place in the links of its content; `url` is a template. `variant`: the
    content's number among the mailing's, `name` what it is called where there are several."""

    variant: int
    name: str
    number: int
    url: str
    clicks: int
    people: int

    @property
    def query(self) -> str:
        """Names it in the addresses of pages."""
        known = {"link": self.number} | ({"variant": self.variant} if self.name else {})
        return urlencode(known)


# By event_by_kind. Links have numbers of their own in each variant.
CLICKS = """
SELECT 0, link, count(*), count(DISTINCT message_id) FROM sending_event
 WHERE mailing_id = %s AND kind = 'clicked' AND link IS NOT NULL GROUP BY 2
"""
CLICKS_BY_VARIANT = """
SELECT m.variant, e.link, count(*), count(DISTINCT e.message_id)
  FROM sending_event e JOIN sending_message m ON m.id = e.message_id
 WHERE e.mailing_id = %s AND e.kind = 'clicked' AND e.link IS NOT NULL GROUP BY 1, 2
"""


def links(mailing: Mailing) -> list[Link]:
    """Every link of the mail, the most clicked first; of several variants, those of each."""
    variants = list(mailing.variants.select_related("content").order_by("number"))
    several = len(variants) > 1

    def read() -> Rows:
        with connection.cursor() as cursor:
            cursor.execute(CLICKS_BY_VARIANT if several else CLICKS, [mailing.pk])
            return list(cursor.fetchall())

    counts = {(row[0], row[1]): (row[2], row[3]) for row in _kept("links", mailing, read)}
    found = [
        Link(
            one.number,
            one.label if several else "",
            number,
            url,
            *counts.get((one.number if several else 0, number), (0, 0)),
        )
        for one in variants
        for number, url in enumerate(one.content.links)
    ]
    return sorted(found, key=lambda link: (-link.people, link.variant, link.number))


def _kept(name: str, mailing: Mailing, read: Callable[[], Rows]) -> Rows:
    """What `read` gives, kept for a while; of small mailings not at all: there it is quick."""
    if mailing.tally.targeted < QUICK:
        return read()
    live = mailing.state in {Mailing.State.SENDING, Mailing.State.PAUSED}
    key = f"report-{name}-{mailing.pk}-{mailing.state}"
    return cache.get_or_set(key, read, KEEP_LIVE if live else KEEP_SETTLED) or []
