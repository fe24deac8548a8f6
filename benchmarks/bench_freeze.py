"""Measures how fast an audience is counted and frozen into a mailing's messages.

    python -m benchmarks.bench_freeze [--languages] [ROWS ...]

For each size it makes one list of ROWS people; 1 % are suppressed, and 5 % are on an excluded list.
It counts the audience twice, with cold and with warm tables. Then it opens the mailing
(sending.services.mailings.open_mailing), after which mails can go out, and freezes the rest
(sending.services.freezing). With `--languages` the mailing has a content for each of three
languages and one for everybody else. `cpu` is the backend's, in seconds. It has its own embedded
PostgreSQL, durable. The last line is JSON.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import psutil

from benchmarks.embedded import database
from contacts.provenance import Source

SUPPRESSED, EXCLUDED = 100, 20  # every so many
CONTACTS = """
INSERT INTO contacts_contact (workspace_id, email, first_name, last_name, full_name, attributes,
                              source_kind, source_id, created_at, updated_at)
SELECT %s, 'person.' || n || '@mail' || n %% 40 || '.example', 'Zoë', 'Müller', 'Zoë Müller',
       jsonb_build_object('company', 'Acme ' || n %% 900, 'city', 'Berlin', 'phone', n::text,
                          'language', (ARRAY['en', 'zh-CN', 'de-AT', 'fr'])[1 + n %% 4]),
       'import', 1, now(), now()
FROM generate_series(1, %s) n
"""
SUBSCRIPTIONS = """
INSERT INTO contacts_subscription (list_id, contact_id, status, consent, source_kind,
                                   source_id, created_at, changed_at)
SELECT %s, id, 'subscribed', 'explicit', 'import', 1, now(), now()
FROM contacts_contact WHERE workspace_id = %s AND id %% %s = 0
"""
SUPPRESSIONS = """
INSERT INTO contacts_suppression (workspace_id, kind, value, reason, source_kind, source_id, detail,
                                  created_at)
SELECT workspace_id, 'address', email, 'hard_bounced', '', 0, '', now()
FROM contacts_contact WHERE workspace_id = %s AND id %% %s = 1
"""


def made(rows: int) -> tuple[Any, Any, Any]:
    """(workspace with its people, list to include, list to exclude)"""
    from django.db import connection  # noqa: PLC0415 - after django.setup()

    from accounts.models import Workspace  # noqa: PLC0415
    from contacts.services import lists  # noqa: PLC0415

    workspace = Workspace.objects.create(name=f"{rows}", slug=f"w{rows}")
    news, staff = (lists.create(workspace, name=name) for name in ("News", "Staff"))
    with connection.cursor() as cursor:
        cursor.execute(CONTACTS, [workspace.pk, rows])
        cursor.execute(SUBSCRIPTIONS, [news.pk, workspace.pk, 1])
        cursor.execute(SUBSCRIPTIONS, [staff.pk, workspace.pk, EXCLUDED])
        cursor.execute(SUPPRESSIONS, [workspace.pk, SUPPRESSED])
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
    return workspace, news, staff


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """(result, seconds, seconds of the backend's CPU without that of parallel workers)"""
    from django.db import connection  # noqa: PLC0415

    connection.ensure_connection()
    backend = psutil.Process(connection.connection.info.backend_pid)
    before, began = backend.cpu_times(), time.perf_counter()
    result = work()
    seconds, after = time.perf_counter() - began, backend.cpu_times()
    cpu = after.user + after.system - before.user - before.system
    return result, round(seconds, 2), round(cpu, 2)


def measure(rows: int, tags: Sequence[str]) -> dict[str, Any]:
    from contacts.audience import Audience  # noqa: PLC0415
    from contacts.queries import audience  # noqa: PLC0415
    from designs.models import Content  # noqa: PLC0415
    from relays.models import Relay  # noqa: PLC0415
    from sending.models import Mailing  # noqa: PLC0415
    from sending.services import freezing, mailings  # noqa: PLC0415
    from sending.variants import Choice  # noqa: PLC0415

    workspace, news, staff = made(rows)
    content = Content.objects.create(
        workspace=workspace, subject="News", html="<p>Hello</p>", text="Hello"
    )

    relay = Relay.objects.create(workspace=workspace, name="Relay", host="smtp.example.com")

    def count() -> dict[str, Any]:
        return audience.count(Audience.of_lists(workspace.pk, [news.pk], [staff.pk]))

    def begin() -> Any:
        return mailings.open_mailing(
            workspace=workspace,
            source=Source("campaign", 1),
            content=[Choice(content, language=tag) for tag in tags],
            from_name="News",
            from_email="news@example.com",
            audience=Audience.of_lists(workspace.pk, [news.pk], [staff.pk]),
            relay=relay,
            open_counting="everybody",
        )

    counted, count_s, count_cpu = timed(count)
    _again, again_s, again_cpu = timed(count)
    mailing, begin_s, begin_cpu = timed(begin)
    begun = mailing.tally.targeted
    _none, rest_s, rest_cpu = timed(lambda: freezing.go_on(seconds=600))
    freeze_s = begin_s + rest_s
    mailing = Mailing.objects.select_related("tally").get(pk=mailing.pk)
    assert mailing.tally.targeted == counted["recipients"]
    assert mailing.excluded == counted["excluded"]
    return {
        "people": rows,
        "recipients": counted["recipients"],
        "excluded": sum(counted["excluded"].values()),
        "count_s": count_s,
        "count_cpu": count_cpu,
        "again_s": again_s,
        "again_cpu": again_cpu,
        "begun": begun,
        "begin_s": begin_s,
        "freeze_s": round(freeze_s, 2),
        "freeze_cpu": round(begin_cpu + rest_cpu, 2),
        "messages_s": round(counted["recipients"] / freeze_s),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", type=int)
    parser.add_argument("--languages", action="store_true")
    options = parser.parse_args()
    tags = ("", "en", "zh-Hans", "de") if options.languages else ("",)
    with database():
        results = [measure(rows, tags) for rows in options.rows or [200_000]]
    for name in results[0]:
        print(f"{name:>12}", *(f"{result[name]!s:>14}" for result in results))
    print(json.dumps(results))


if __name__ == "__main__":
    main()
