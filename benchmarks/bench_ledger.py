"""Measures the size of a ledger with many messages, and the speed of its queries.

    python -m benchmarks.bench_ledger [--mailings N] [--people N]

So many mailings to the same people, frozen as in production; settled, opened, clicked and bounced
in sets as the web and the workers leave them (1.5 % failed, 0.5 % skipped, 30 % opened, 4 %
clicked). Then the size of its tables and indexes, what a claim and a record of 5,000 cost, and how
long the pages' queries take, each the median of five; and what it takes to drop all of it. 20
mailings to 1,000,000 take a quarter of an hour and 20 GB. Its own embedded PostgreSQL, durable. The
last line is JSON.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from benchmarks.bench_freeze import made
from benchmarks.embedded import database
from contacts.provenance import Source

BATCH = 5000
ROUNDS = 5

# Like workers' updates: in sets along the ids, each row once.
SETTLED = """
UPDATE sending_message
   SET state = CASE WHEN id %% 200 < 3 THEN 3 WHEN id %% 200 = 3 THEN 4 ELSE 2 END,
       reason = CASE WHEN id %% 200 < 3 THEN 'address' WHEN id %% 200 = 3 THEN 'unsubscribed'
                ELSE '' END,
       reply = CASE WHEN id %% 200 < 3 THEN '550 5.1.1 <' || address || '> user unknown'
               WHEN id %% 200 = 3 THEN '' ELSE '250 2.0.0 Ok: queued as ' || to_hex(id) END,
       attempts = 1, settled_at = now(), relay_id = %(relay)s
 WHERE id >= %(first)s AND id < %(first)s + 5000 AND mailing_id = %(mailing)s
"""
TOUCHED = """
UPDATE sending_message
   SET opened_at = now(), clicked_at = CASE WHEN id %% 100 < 4 THEN now() END
 WHERE mailing_id = %(mailing)s AND id %% 100 < 30 AND state = 2
"""
EVENTS = """
INSERT INTO sending_event (mailing_id, message_id, contact_id, kind, at, link, detail)
SELECT mailing_id, id, contact_id, kind, now(), CASE kind WHEN 'clicked' THEN id %% 15 END,
       CASE kind WHEN 'hard_bounced' THEN '550 5.1.1 user unknown' ELSE '' END
  FROM sending_message,
       LATERAL (SELECT 'opened' AS kind WHERE opened_at IS NOT NULL
                UNION ALL SELECT 'clicked' WHERE clicked_at IS NOT NULL
                UNION ALL SELECT 'hard_bounced' WHERE state = 3) made
 WHERE mailing_id = %(mailing)s
"""
DONE = """
UPDATE sending_mailing SET state = 'finished', finished_at = now() WHERE id = %(mailing)s;
UPDATE sending_mailinglane SET next_id = last_id + 1 WHERE mailing_id = %(mailing)s;
UPDATE sending_tally t SET waiting = 0, accepted = c.accepted, failed = c.failed,
       skipped = c.skipped, opened = c.opened, clicked = c.clicked
  FROM (SELECT count(*) FILTER (WHERE state = 2) AS accepted,
               count(*) FILTER (WHERE state = 3) AS failed,
               count(*) FILTER (WHERE state = 4) AS skipped, count(opened_at) AS opened,
               count(clicked_at) AS clicked
          FROM sending_message WHERE mailing_id = %(mailing)s) c
 WHERE t.mailing_id = %(mailing)s
"""
# Sizes of the table's partitions (sending.blocks); here the present one has all rows.
SIZES = """
SELECT c.relname, pg_table_size(c.oid), c.reltuples::bigint
  FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid
  JOIN pg_inherits p ON p.inhrelid = i.indrelid
 WHERE p.inhparent = %(table)s::regclass
UNION ALL
SELECT c.relname, pg_table_size(c.oid), c.reltuples::bigint
  FROM pg_class c JOIN pg_inherits p ON p.inhrelid = c.oid
 WHERE p.inhparent = %(table)s::regclass
 ORDER BY 2 DESC
"""


def execute(sql: str, **known: Any) -> Any:
    from django.db import connection  # noqa: PLC0415 - after django.setup()

    with connection.cursor() as cursor:
        for one in sql.split(";\n"):
            cursor.execute(one, known or None)
        return cursor.fetchall() if cursor.description else None


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


class Ledger:
    """A workspace, its people, and finished mailings."""

    def __init__(self, people: int) -> None:
        from designs.models import Content  # noqa: PLC0415
        from relays.models import Relay  # noqa: PLC0415

        self.people = people
        self.workspace, self.news, _ = made(people)
        self.content = Content.objects.create(
            workspace=self.workspace,
            subject="News",
            html="<p>Hello</p>",
            text="Hello",
            links=[f"https://brand.example/{n}" for n in range(15)],
        )
        self.relay = Relay.objects.create(workspace=self.workspace, name="Relay", host="x.example")

    def open(self) -> Any:
        from contacts.audience import Audience  # noqa: PLC0415
        from sending.services import freezing, mailings  # noqa: PLC0415

        mailing = mailings.open_mailing(
            workspace=self.workspace,
            source=Source("campaign", 1),
            content=self.content,
            from_name="News",
            from_email="news@example.com",
            audience=Audience.of_lists(self.workspace.pk, [self.news.pk]),
            relay=self.relay,
        )
        freezing.go_on(seconds=3600)
        mailing.tally.refresh_from_db()
        return mailing

    def over(self) -> Any:
        """A finished mailing."""
        mailing = self.open()
        lanes = mailing.lanes.all()
        for lane in lanes:
            for first in range(lane.first_id, lane.last_id + 1, 5000):
                execute(SETTLED, mailing=mailing.pk, relay=self.relay.pk, first=first)
        for sql in (TOUCHED, EVENTS, DONE):
            execute(sql, mailing=mailing.pk)
        return mailing


def timed(work: Callable[[], Any]) -> float:
    """Milliseconds of the work."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def median(work: Callable[[], Any]) -> float:
    return round(statistics.median(timed(work) for _ in range(ROUNDS)), 1)


def sending(ledger: Ledger, mailing: Any) -> dict[str, float]:
    """{step: milliseconds of a batch}"""
    from sending.queries.claim import claim  # noqa: PLC0415
    from sending.queries.record import record  # noqa: PLC0415
    from smtp.accepted import Accepted  # noqa: PLC0415

    claims, records = [], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        claimed = claim(mailing, ledger.relay, holder="benchmark", limit=BATCH)
        claims.append((time.perf_counter() - began) * 1000)
        assert claimed is not None
        accepted = Accepted()
        for message in claimed.messages:
            accepted.add(message.id, 0, f"250 2.0.0 Ok: queued as {message.id:x}", 0.1)
        records.append(timed(partial(record, claimed, [], accepted)))
    return {
        f"claim of {BATCH}": round(statistics.median(claims), 1),
        f"record of {BATCH}": round(statistics.median(records), 1),
    }


def first(found: Any) -> Any:
    return list(found[:50])


def pages(mailing: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    from django.core.cache import cache  # noqa: PLC0415
    from django.http import QueryDict  # noqa: PLC0415

    from campaigns.queries import recipients, report  # noqa: PLC0415
    from sending.models import Message  # noqa: PLC0415

    def fresh(work: Callable[[Any], Any]) -> Callable[[], Any]:
        def read() -> Any:
            cache.clear()
            return work(mailing)

        return read

    yield "report: failures by reply", fresh(report.failures)
    yield "report: skipped by reason", fresh(report.skipped)
    yield "report: what came back", fresh(report.returns)
    yield "report: bounces by reply", fresh(report.bounces)
    yield "report: links (kept)", fresh(report.links)
    yield "report: domains (kept)", fresh(report.domains)
    for query in ("", "state=failed", "q=person.77", "event=clicked", "event=opened"):
        found = recipients.filtered(mailing, QueryDict(query)).order_by("address")
        yield f"recipients: {query or 'all'}", partial(first, found)
    person = Message.objects.filter(mailing=mailing).values_list("contact_id", flat=True)[0]
    mine = Message.objects.filter(contact_id=person).order_by("-pk")
    yield "a person's mails", lambda: list(mine[:20])


def dropped(mailing: Any) -> dict[str, float]:
    """Drops the block with all mailings, as after a year."""
    from sending.services import blocks, retention  # noqa: PLC0415

    execute(DONE, mailing=mailing.pk)
    execute("UPDATE sending_mailing SET opened_at = opened_at - interval '1 year'")
    execute("UPDATE sending_mailing SET finished_at = opened_at")
    blocks.turn()
    before = datetime.now(UTC) - timedelta(days=1)
    (block,) = retention.look(before)
    seconds = timed(lambda: retention.drop(block, before)) / 1000
    ((size, messages),) = execute(
        "SELECT pg_total_relation_size('sending_pastrecipients'),"
        " sum(cardinality(offsets)) FROM sending_pastrecipients"
    )
    return {
        "all of it is dropped, seconds": round(seconds, 1),
        "bytes that stay of a message": round(size / max(messages, 1), 1),
    }


def measure(mailings: int, people: int) -> dict[str, Any]:
    say(f"{people:,} people")
    ledger = Ledger(people)
    for number in range(mailings):
        began = time.perf_counter()
        past = ledger.over()
        say(f"mailing {number + 1} of {mailings}: {time.perf_counter() - began:.0f} s")
    execute("VACUUM ANALYZE")
    execute("CHECKPOINT")
    began = time.perf_counter()
    mailing = ledger.open()
    found: dict[str, Any] = {"freeze, seconds": round(time.perf_counter() - began, 1)}
    found |= sending(ledger, mailing)
    found |= {name: median(work) for name, work in pages(past)}
    sizes = {
        name: {"bytes": size, "rows": rows}
        for table in ("sending_message", "sending_event")
        for name, size, rows in execute(SIZES, table=table)
    }
    found["a mailing of a month ago is deleted, seconds"] = round(timed(past.delete) / 1000, 1)
    found |= dropped(mailing)
    return {"messages": mailings * people, "sizes": sizes, "found": found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mailings", type=int, default=2)
    parser.add_argument("--people", type=int, default=100_000)
    options = parser.parse_args()
    with database():
        result = measure(options.mailings, options.people)
    total = sum(one["bytes"] for one in result["sizes"].values())
    print(f"{result['messages']:,} messages, {total / 1e9:.2f} GB")
    for name, one in result["sizes"].items():
        each = one["bytes"] / max(one["rows"], 1)
        print(f"{name:>60} {one['bytes'] / 1e9:8.2f} GB {one['rows']:>12,} rows {each:6.0f} bytes")
    print("milliseconds, unless it says otherwise")
    for name, value in result["found"].items():
        print(f"{name:>60} {value:>11}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
