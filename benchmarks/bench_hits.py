"""Measures how fast hits become events: opens and clicks of a mailing that was sent to many.

    python -m benchmarks.bench_hits [MESSAGES] [--without-bits]

Each of MESSAGES (40,000) is opened by Apple's proxy or by a person, every tenth is scanned (five
links within a second), and every fifth is clicked by a person. The mailing is indexed for segments
(sending.queries.answers), as one that is over, unless told otherwise. It reports hits a second, CPU
microseconds per hit of Python and of PostgreSQL, and the bytes of an event. It has its own embedded
PostgreSQL, durable. The last line is JSON.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from benchmarks.bench_streams import made
from benchmarks.embedded import database

MESSAGES = """
INSERT INTO sending_message (mailing_id, contact_id, state, settled_at, attempts, lane, variant,
       repeats, counts_opens, address, reason, reply)
SELECT %(mailing)s, n, 2, now() - interval '1 hour', 1, 0, 0, false, true,
       'b' || n || '@hits.example', '', '250 2.0.0 Ok' FROM generate_series(1, %(number)s) n
"""
# In an order that mixes messages, as requests come. Only every tenth is scanned.
HITS = """
INSERT INTO tracking_hit (message_id, kind, at, link, user_agent)
SELECT id, kind, now() - interval '30 minutes' + interval '1 minute' * delay, link, %(agent)s
  FROM (SELECT id, 'opened' AS kind, NULL::smallint AS link, random() * 20 AS delay
          FROM sending_message WHERE mailing_id = %(mailing)s
         UNION ALL
        SELECT id, 'clicked', link, link * 0.003 FROM sending_message, generate_series(1, 5) link
         WHERE mailing_id = %(mailing)s AND id %% 10 = 0
         UNION ALL
        SELECT id, 'clicked', 1, 25 FROM sending_message
         WHERE mailing_id = %(mailing)s AND id %% 5 = 1) h
 ORDER BY delay, id
"""
# Of every second hit, where this version knows who asked.
ACTORS = "UPDATE tracking_hit SET actor = CASE WHEN id % 2 = 0 THEN 1 ELSE -2 END"
BYTES = """
SELECT pg_total_relation_size('sending_event_0') / greatest(count(*), 1) FROM sending_event
"""
AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"


def _postgres_seconds() -> float:
    """CPU time of the process that serves this connection."""
    from django.db import connection  # noqa: PLC0415 - after django.setup()

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone() or (0,)
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def run(number: int, *, bits: bool) -> dict[str, Any]:
    from django.db import connection  # noqa: PLC0415 - after django.setup()

    from sending.models import Mailing  # noqa: PLC0415
    from sending.services import answers  # noqa: PLC0415
    from tracking.models import Hit  # noqa: PLC0415
    from tracking.services import hits  # noqa: PLC0415

    made(1)
    mailing = Mailing.objects.get()
    Mailing.objects.update(open_counting="everybody")
    # Earlier versions stored the user agent.
    known: dict[str, Any] = {
        "mailing": mailing.pk,
        "number": number,
        "agent": "" if hasattr(Hit, "actor") else AGENT,
    }
    with connection.cursor() as cursor:
        cursor.execute(MESSAGES, known)
        cursor.execute(HITS, known)
        if hasattr(Hit, "actor"):
            cursor.execute(ACTORS)
        cursor.execute("VACUUM ANALYZE")
    if bits:
        answers.make(mailing.pk)
    total = Hit.objects.count()
    began, python, postgres = time.perf_counter(), time.process_time(), _postgres_seconds()
    while hits.record_hits():
        pass
    seconds = time.perf_counter() - began
    with connection.cursor() as cursor:
        cursor.execute(BYTES)
        (width,) = cursor.fetchone() or (0,)
    return {
        "hits": total,
        "hits a second": round(total / seconds),
        "python us": round((time.process_time() - python) / total * 1e6, 1),
        "postgres us": round((_postgres_seconds() - postgres) / total * 1e6, 1),
        "bytes of an event with its indexes": width,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("messages", nargs="?", type=int, default=40_000)
    parser.add_argument("--without-bits", action="store_true")
    options = parser.parse_args()
    with database():
        print(json.dumps(run(options.messages, bits=not options.without_bits)))


if __name__ == "__main__":
    main()
