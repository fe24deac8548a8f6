"""Measures the cost of open streams for the engine each second, beside one campaign.

    python -m benchmarks.bench_streams [STREAMS]

It reports the milliseconds of one tick of beat (which relays have work, why mailings wait, which
ones end) and of a relay's look for work: without streams, with STREAMS (10,000) idle ones, and when
100 of these have a waiting message. Then it appends messages, one by one and in hundreds, and
reports the rate. It has its own embedded PostgreSQL, durable. The last line is JSON.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.embedded import database
from contacts.provenance import Source

ROUNDS = 20
AUDIENCE = 1000
STREAMS = """
INSERT INTO sending_mailing (workspace_id, kind, purpose, source_kind, source_id, from_name,
       from_email, reply_to, relay_id, audience, open_counting, track_clicks, state,
       state_reason, state_words, wait_reason, waits, priority, "window", retry_for, excluded,
       opened_at, idle)
SELECT %(workspace)s, 'stream', 'notice', 'stream', n, 'Shop', 'shop@example.com', '',
       %(relay)s, '{}', 'none', false, 'sending', '', '', '', '[]', 0, '{}', interval '2 days',
       '{}', now(), true
  FROM generate_series(1, %(number)s) n
"""
PARTS = """
INSERT INTO sending_variant (mailing_id, number, content_id, name, language, weight)
SELECT id, 0, %(content)s, '', '', 1 FROM sending_mailing WHERE kind = 'stream'
"""
TALLIES = """
INSERT INTO sending_tally (mailing_id, targeted, waiting, in_flight, accepted, failed, skipped,
       unknown, bounced, hard_bounced, soft_bounced, blocked, complained, unsubscribed, opened,
       clicked)
SELECT id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM sending_mailing WHERE kind = 'stream'
"""


def median(work: Callable[[], Any]) -> float:
    """The median time of the work in milliseconds."""
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return round(statistics.median(seconds) * 1000, 1)


def made(streams: int) -> tuple[Any, Any, Callable[[], None]]:
    """(relay, workspace, function that makes the streams)"""
    from django.db import connection  # noqa: PLC0415 - after django.setup()

    from accounts.models import Workspace  # noqa: PLC0415
    from benchmarks.bench_freeze import CONTACTS, SUBSCRIPTIONS  # noqa: PLC0415
    from contacts.audience import Audience  # noqa: PLC0415
    from contacts.services import lists  # noqa: PLC0415
    from designs.models import Content  # noqa: PLC0415
    from relays.models import Relay  # noqa: PLC0415
    from sending.services import freezing, mailings  # noqa: PLC0415

    workspace = Workspace.objects.create(name="Bench", slug="bench")
    news = lists.create(workspace, name="News")
    content = Content.objects.create(workspace=workspace, subject="Hi", html="<p>x</p>", text="x")
    relay = Relay.objects.create(workspace=workspace, name="Relay", host="smtp.example.com")
    with connection.cursor() as cursor:
        cursor.execute(CONTACTS, [workspace.pk, AUDIENCE])
        cursor.execute(SUBSCRIPTIONS, [news.pk, workspace.pk, 1])
    mailings.open_mailing(
        workspace=workspace,
        source=Source("campaign", 1),
        content=content,
        from_name="News",
        from_email="news@example.com",
        audience=Audience.of_lists(workspace.pk, [news.pk]),
        relay=relay,
    )
    freezing.go_on(seconds=3600)

    def make() -> None:
        known = {
            "workspace": workspace.pk,
            "relay": relay.pk,
            "number": streams,
            "content": content.pk,
        }
        with connection.cursor() as cursor:
            for sql in (STREAMS, PARTS, TALLIES, "VACUUM ANALYZE"):
                cursor.execute(sql, known if "%(" in sql else None)

    return relay, workspace, make


def run(number: int) -> dict[str, Any]:
    from sending.models import Mailing  # noqa: PLC0415
    from sending.queries.carrying import mailings_for  # noqa: PLC0415
    from sending.services import dispatch  # noqa: PLC0415
    from sending.services.streams import Item, append  # noqa: PLC0415

    relay, _workspace, make = made(number)

    def tick() -> None:
        dispatch.relays_to_run()
        dispatch.tend_mailings()

    def both() -> dict[str, float]:
        return {"tick": median(tick), "look": median(lambda: mailings_for(relay))}

    found: dict[str, Any] = {"streams": number, "none": both()}
    make()
    found["idle"] = both()
    rows = list(Mailing.objects.filter(kind="stream").order_by("pk")[:100])
    for row in rows:
        append(row, [Item("first", "a@x.example")])
    found["100 busy"] = both()
    began = time.perf_counter()
    for n in range(500):
        append(rows[0], [Item(f"one {n}", "a@x.example", data={"order": n})])
    found["appended a second, one by one"] = round(500 / (time.perf_counter() - began))
    began = time.perf_counter()
    for n in range(50):
        append(rows[1], [Item(f"many {n} {m}", "a@x.example") for m in range(100)])
    found["appended a second, by a hundred"] = round(5000 / (time.perf_counter() - began))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("streams", nargs="?", type=int, default=10_000)
    options = parser.parse_args()
    with database():
        print(json.dumps(run(options.streams)))


if __name__ == "__main__":
    main()
