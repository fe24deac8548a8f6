"""Figures of a report that the tally lacks: groups of replies, domains, links, bounces.

Every query is bounded: by a partial index without accepted messages, or by a number of rows. Where
a pass over the mailing is needed, its part of the page is loaded separately and cached.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.core.cache import cache
from django.db import connection

from campaigns.models import KeptReport
from campaigns.queries.replygroups import same
from relays import providers
from sending.models import Event, Mailing
from sending.queries.states import sql

Rows = list[tuple[Any, ...]]

# Groups shown, and rows read to make them. 20,000 rows take 50 ms, or 250 ms if all are different.
GROUPS = 20
READ = 20_000
DOMAINS = 15
# A pass over this many messages is quick enough without a cache.
QUICK = 50_000
# Seconds for which results of a pass over the whole mailing are cached: while it sends, and
# afterwards.
KEEP_LIVE = 30
KEEP_SETTLED = 300


@dataclass(frozen=True, slots=True)
class ReplyGroup:
    """Messages with equal replies (see campaigns.queries.replygroups)."""

    # A code of pages.reasons, or a kind of sending.models.Event.
    reason: str
    # The reply without its details (campaigns.queries.replygroups); a filter of the recipients.
    same: str
    count: int
    # One of the replies in full.
    sample: str


# Identical replies are grouped first, so that the patterns run once for each.
GROUPED = """
SELECT reason, {same} AS same, sum(number), min(reply)
  FROM (SELECT reason, reply, count(*) AS number
          FROM ({rows} LIMIT %(read)s) read GROUP BY 1, 2) equal
 GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT %(groups)s
"""

# Index: message_not_accepted.
FAILED = sql(
    "SELECT reason, reply FROM sending_message WHERE mailing_id = %(mailing)s AND trouble = $FAILED"
)
FAILED_AT = sql(
    "SELECT lane, count(*) FROM sending_message"
    " WHERE mailing_id = %s AND trouble = $FAILED GROUP BY 1 ORDER BY 2 DESC, 1"
)
SKIPPED = sql(
    "SELECT reason, count(*) FROM sending_message"
    " WHERE mailing_id = %s AND trouble = $SKIPPED GROUP BY 1 ORDER BY 2 DESC, 1"
)
# Index: event_by_kind.
RETURNED = """
SELECT kind, count(DISTINCT message_id) FROM sending_event
 WHERE mailing_id = %s AND kind = ANY(%s) GROUP BY 1
"""
# Indexes: message_retry, and the primary key for messages that a worker gave back.
PUT_OFF = sql("""
SELECT reason, reply FROM sending_message
 WHERE mailing_id = %(mailing)s AND retry_at IS NOT NULL AND reason <> ''
UNION ALL
SELECT m.reason, m.reply
  FROM sending_batch b CROSS JOIN unnest(b.ids) AS given (id)
  JOIN sending_message m ON m.id = given.id
 WHERE b.mailing_id = %(mailing)s AND m.mailing_id = %(mailing)s AND b.holder = ''
   AND m.state = $WAITING AND m.retry_at IS NULL AND m.reason <> ''
""")
# Index: event_by_kind. A message with two bounces of the same words counts once.
BOUNCES = """
SELECT kind AS reason, {same} AS same, count(DISTINCT message_id), min(detail)
  FROM (SELECT kind, detail, message_id FROM sending_event
         WHERE mailing_id = %(mailing)s AND kind IN ('hard_bounced', 'soft_bounced', 'blocked')
         LIMIT %(read)s) read
 GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT %(groups)s
"""


def _grouped(rows: str, mailing: Mailing) -> Rows:
    return _groups(GROUPED.format(same=same("reply"), rows=rows), mailing)


def _groups(sql: str, mailing: Mailing) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"mailing": mailing.pk, "read": READ, "groups": GROUPS})
        return [(row[0], row[1], int(row[2]), row[3]) for row in cursor.fetchall()]


def _counted(statement: str, *parameters: Any) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def cut(groups: Sequence[ReplyGroup], possible: int) -> bool:
    """Whether the groups' counts are lower bounds, because not all rows were read. `possible`: the
    number of messages that all groups could have."""
    read = sum(group.count for group in groups)
    return possible > READ and (read >= READ or len(groups) >= GROUPS)


def failures(mailing: Mailing) -> list[ReplyGroup]:
    """Failed messages, grouped by the server's reply."""
    return [ReplyGroup(*row) for row in _part("failures", mailing)]


@dataclass(frozen=True, slots=True)
class ProviderFailures:
    """Failed messages to one mail provider. `key`: its key in relays.providers."""

    key: str
    name: str
    count: int


def failed_at(mailing: Mailing) -> list[ProviderFailures]:
    """Failed messages by mail provider, the most frequent first. Domains without a known provider
    are left out: the table of domains has them. Index: message_not_accepted."""
    counts = _part("failed_at", mailing)
    known = {one.number: one for one in providers.mail_providers()}
    return [
        ProviderFailures(known[lane].key, known[lane].name, count)
        for lane, count in counts
        if lane in known
    ]


def put_off(mailing: Mailing) -> list[ReplyGroup]:
    """Messages that wait because a server deferred them."""
    return [ReplyGroup(*row) for row in _part("put_off", mailing)]


def bounces(mailing: Mailing) -> list[ReplyGroup]:
    """Bounced messages, grouped by the server's words."""
    return [ReplyGroup(*row) for row in _part("bounces", mailing)]


# Rare kinds without a tally: counted from their rows (index event_by_kind).
COUNTED = (Event.Kind.DELAYED, Event.Kind.AUTO_REPLIED)


def returns(mailing: Mailing) -> dict[str, int]:
    """{kind of event: number of messages} for bounces, delays and automatic replies."""
    tally = mailing.tally
    tallied = {
        Event.Kind.HARD_BOUNCED: tally.hard_bounced,
        Event.Kind.SOFT_BOUNCED: tally.soft_bounced,
        Event.Kind.BLOCKED: tally.blocked,
        Event.Kind.COMPLAINED: tally.complained,
    }
    found = tallied | dict(_part("returns", mailing))
    return {str(kind): found.get(kind, 0) for kind in (*tallied, *COUNTED)}


def skipped(mailing: Mailing) -> list[tuple[str, int]]:
    """[(code of pages.reasons, number)] of skipped messages. Index: message_not_accepted."""
    return [(reason, count) for reason, count in _part("skipped", mailing)]


@dataclass(frozen=True, slots=True)
class DomainFigures:
    name: str
    targeted: int
    accepted: int
    failed: int
    bounced: int
    opened: int
    clicked: int
    # Accepted messages whose opens are counted.
    with_pixel: int


# One pass over the mailing: 0.5 s for half a million.
DOMAIN_ROWS = sql("""
SELECT split_part(address, '@', 2), count(*),
       count(*) FILTER (WHERE state = $ACCEPTED), count(*) FILTER (WHERE state = $FAILED),
       count(bounced_at), count(opened_at), count(clicked_at),
       count(*) FILTER (WHERE state = $ACCEPTED AND counts_opens)
  FROM sending_message WHERE mailing_id = %s
 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s
""")


def domains(mailing: Mailing) -> list[DomainFigures]:
    """The domains with the most recipients."""
    return [DomainFigures(*row) for row in _kept("domains", mailing)]


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a content. `number`: its place among the content's links. `url`: a template.
    `variant`: the content's number in the mailing; `name`: its name if there are several."""

    variant: int
    name: str
    number: int
    url: str
    clicks: int
    people: int

    @property
    def query(self) -> str:
        """The parameters that name the link in URLs of pages."""
        known = {"link": self.number} | ({"variant": self.variant} if self.name else {})
        return urlencode(known)


# Index: event_by_kind. Each variant numbers its own links. Clicks of people (sending.machines).
CLICKS = """
SELECT 0, link, count(*), count(DISTINCT message_id) FROM sending_event
 WHERE mailing_id = %s AND kind = 'clicked' AND link IS NOT NULL AND actor <= 0 GROUP BY 2
"""
CLICKS_BY_VARIANT = """
SELECT m.variant, e.link, count(*), count(DISTINCT e.message_id)
  FROM sending_event e JOIN sending_message m ON m.id = e.message_id
 WHERE e.mailing_id = %s AND e.kind = 'clicked' AND e.link IS NOT NULL AND e.actor <= 0
 GROUP BY 1, 2
"""


def links(mailing: Mailing) -> list[Link]:
    """Every link of the mail, the most clicked first; with several variants, the links of each."""
    variants = list(mailing.variants.select_related("content").order_by("number"))
    several = len(variants) > 1
    counts = {(row[0], row[1]): (row[2], row[3]) for row in _kept("links", mailing)}
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


def _clicks(mailing: Mailing) -> Rows:
    several = mailing.variants.count() > 1
    return _counted(CLICKS_BY_VARIANT if several else CLICKS, mailing.pk)


# {part of the report: function that reads it from the mailing's rows}
PARTS: dict[str, Callable[[Mailing], Rows]] = {
    "failures": partial(_grouped, FAILED),
    "failed_at": lambda mailing: _counted(FAILED_AT, mailing.pk),
    "put_off": partial(_grouped, PUT_OFF),
    "bounces": partial(_groups, BOUNCES.format(same=same("detail"))),
    "returns": lambda mailing: _counted(RETURNED, mailing.pk, [str(kind) for kind in COUNTED]),
    "skipped": lambda mailing: _counted(SKIPPED, mailing.pk),
    "domains": lambda mailing: _counted(DOMAIN_ROWS, mailing.pk, DOMAINS),
    "links": _clicks,
}


def _part(name: str, mailing: Mailing) -> Rows:
    """The parts that were stored before the mailing's rows were dropped."""
    if mailing.details_dropped_at is None:
        return PARTS[name](mailing)
    stored = KeptReport.objects.filter(mailing=mailing).first()
    return stored.parts.get(name, []) if stored else []


def keep(mailing: Mailing) -> None:
    """Stores the figures that the report counts from rows, before these are dropped. Safe to run
    twice."""
    parts = {name: read(mailing) for name, read in PARTS.items()}
    KeptReport.objects.update_or_create(mailing=mailing, defaults={"parts": parts})


def _kept(name: str, mailing: Mailing) -> Rows:
    """A part, cached for a while; not cached for small mailings: there it is quick."""
    if mailing.tally.targeted < QUICK or mailing.details_dropped_at is not None:
        return _part(name, mailing)
    live = mailing.state in {Mailing.State.SENDING, Mailing.State.PAUSED}
    key = f"report-{name}-{mailing.pk}-{mailing.state}"
    seconds = KEEP_LIVE if live else KEEP_SETTLED
    return cache.get_or_set(key, partial(_part, name, mailing), seconds) or []
