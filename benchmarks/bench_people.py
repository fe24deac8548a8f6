"""Measures how fast people are found and exported.

    python -m benchmarks.bench_people [ROWS]

ROWS contacts are on one list; half of them have Chinese names, and 1 % are suppressed. Each search
is the query for the first rows of the contacts page, run five times; `ms` is the median. The export
is read as by a browser: `first_s` is the time of its first piece, `mib` the memory that it added.
It has its own embedded PostgreSQL, durable. The last line is JSON.
"""

import argparse
import json
import resource
import statistics
import time
from typing import Any

from benchmarks.embedded import database

FAMILY = "李王张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "明伟芳娜敏静丽强磊军洋勇艳杰娟涛超霞平刚桂英华建国文辉玲红春秋雪梅兰竹菊松柏云"
CONTACTS = """
INSERT INTO contacts_contact (workspace_id, email, first_name, last_name, full_name, attributes,
                              source_kind, source_id, created_at, updated_at)
SELECT %(workspace)s, 'p' || md5(n::text) || '@mail' || n %% 40 || '.example',
       CASE WHEN n %% 2 = 0 THEN substr(%(given)s, 1 + n %% %(givens)s, 1)
                                 || CASE WHEN n %% 3 = 0 THEN '' ELSE
                                    substr(%(given)s, 1 + (n / 7) %% %(givens)s, 1) END
            ELSE initcap(substr(md5('f' || n), 1, 6)) END,
       CASE WHEN n %% 2 = 0 THEN substr(%(family)s, 1 + (n / 11) %% %(families)s, 1)
            ELSE initcap(substr(md5('l' || n), 1, 8)) END,
       '', jsonb_build_object('city', 'Berlin', 'phone', n::text), 'import', 1, now(), now()
FROM generate_series(1, %(rows)s) n
"""
SUBSCRIPTIONS = """
INSERT INTO contacts_subscription (list_id, contact_id, status, consent, source_kind,
                                   source_id, created_at, changed_at)
SELECT %s, id, CASE WHEN id %% 20 = 0 THEN 'unsubscribed' ELSE 'subscribed' END, 'explicit',
       'import', 1, now(), now() FROM contacts_contact
"""
SUPPRESSIONS = """
INSERT INTO contacts_suppression (workspace_id, kind, value, reason, source_kind, source_id, detail,
                                  created_at)
SELECT workspace_id, 'address', email, 'hard_bounced', 'campaign', 1, '550', now()
FROM contacts_contact WHERE id % 100 = 1
"""
SEARCHES = ("李明", "明", "李 明", "龘", "nobody", "annlee", "ab", "mail7.example")


def made(rows: int) -> Any:
    from django.db import connection  # noqa: PLC0415 - after django.setup()

    from accounts.models import Workspace  # noqa: PLC0415
    from contacts.services import lists  # noqa: PLC0415

    workspace = Workspace.objects.create(name="Brand", slug="brand")
    news = lists.create(workspace, name="News")
    given: dict[str, Any] = {
        "workspace": workspace.pk,
        "rows": rows,
        "given": GIVEN,
        "givens": len(GIVEN),
    }
    with connection.cursor() as cursor:
        cursor.execute(CONTACTS, given | {"family": FAMILY, "families": len(FAMILY)})
        cursor.execute(SUBSCRIPTIONS, [news.pk])
        cursor.execute(SUPPRESSIONS)
        cursor.execute("VACUUM ANALYZE")
    return workspace


def rebuilt() -> dict[str, Any]:
    """Builds the index again: its time and its size."""
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        began = time.perf_counter()
        cursor.execute("REINDEX INDEX contact_search_shown")
        seconds = time.perf_counter() - began
        cursor.execute("SELECT pg_relation_size('contact_search_shown') / 1048576.0")
        return {"index_s": round(seconds, 1), "index_mib": round(float(cursor.fetchone()[0]), 1)}


def searched(workspace: Any, text: str) -> float:
    from contacts.models import Contact  # noqa: PLC0415
    from contacts.queries import people  # noqa: PLC0415

    times = []
    for _ in range(5):
        began = time.perf_counter()
        list(people.search(Contact.objects.filter(workspace=workspace), text).order_by("-pk")[:51])
        times.append(time.perf_counter() - began)
    return round(statistics.median(times) * 1000, 1)


def exported(workspace: Any) -> dict[str, Any]:
    from contacts.models import Contact  # noqa: PLC0415
    from contacts.services import contactsheet  # noqa: PLC0415

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, size, first = time.perf_counter(), 0, 0.0
    for piece in contactsheet.stream(workspace, Contact.objects.filter(workspace=workspace)):
        first = first or time.perf_counter() - began
        size += len(piece)
    seconds = time.perf_counter() - began
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {
        "export_s": round(seconds, 1),
        "first_s": round(first, 3),
        "export_mb": round(size / 1e6, 1),
        "mib": round(grown / 1024, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="?", type=int, default=200_000)
    rows = parser.parse_args().rows
    with database():
        workspace = made(rows)
        results: dict[str, Any] = {"people": rows} | rebuilt()
        results["ms"] = {text: searched(workspace, text) for text in SEARCHES}
        results |= exported(workspace)
        results["rows_s"] = round(rows / results["export_s"])
    for name, value in results.items():
        print(f"{name:>12}", value)
    print(json.dumps(results, ensure_ascii=False))


if __name__ == "__main__":
    main()
