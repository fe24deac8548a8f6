"""Measures actions on many people: the request, its job, and how long another change waits.

    python -m benchmarks.bench_jobs [PEOPLE]

The workspace is made by one INSERT ... SELECT for each table. A line has the action, the seconds of
its request, the seconds of its job in one worker, and the longest time that a change of one
contact's subscription by another connection took meanwhile. With `--whole`, the same action in one
transaction follows for comparison. It has its own embedded PostgreSQL, durable. The last line is
JSON.
"""

import argparse
import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

import psycopg

from benchmarks.bench_freeze import made
from benchmarks.embedded import database
from contacts.provenance import Source

CHANGE = """
INSERT INTO contacts_subscription (list_id, contact_id, status, consent, source_kind,
                                   source_id, created_at, changed_at)
VALUES (%s, %s, 'unsubscribed', 'unknown', 'page', 0, now(), now())
ON CONFLICT (list_id, contact_id) DO UPDATE SET status = 'unsubscribed', changed_at = now()
"""
PAUSE = 0.1


class Somebody:
    """Changes the subscription of one person after another, over the whole workspace."""

    def __init__(self, list_id: int, people: list[int]) -> None:
        self.list, self.people = list_id, people
        self.longest, self.changes = 0.0, 0
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self._work)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ends.set()
        self.thread.join()

    def _work(self) -> None:
        import os  # noqa: PLC0415 - the address is set by benchmarks.embedded

        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as other:
            while not self.ends.wait(PAUSE):
                person = self.people[self.changes % len(self.people)]
                began = time.perf_counter()
                with suppress(psycopg.errors.ForeignKeyViolation):  # removed by now
                    other.execute(CHANGE, [self.list, person])
                self.longest = max(self.longest, time.perf_counter() - began)
                self.changes += 1


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.perf_counter()
    result = work()
    return result, round(time.perf_counter() - began, 2)


class Scene:
    def __init__(self, people: int) -> None:
        from designs.models import Content  # noqa: PLC0415 - after django.setup()
        from relays.models import Relay  # noqa: PLC0415

        self.workspace, self.full, _staff = made(people)
        self.relay = Relay.objects.create(workspace=self.workspace, name="Relay", host="x.example")
        self.content = Content.objects.create(
            workspace=self.workspace, subject="News", html="<p>Hello</p>", text="Hello"
        )
        self.results: list[dict[str, Any]] = []

    def new_list(self, name: str) -> Any:
        from contacts.services import lists  # noqa: PLC0415

        return lists.create(self.workspace, name=name)

    def measure(self, name: str, target: Any, begin: Callable[[], Any]) -> Any:
        """Measures the request `begin`, and then the job that it started."""
        from contacts.models import Contact, Job  # noqa: PLC0415
        from contacts.services import jobs  # noqa: PLC0415

        people = Contact.objects.filter(workspace=self.workspace).order_by("pk")
        some = list(people.values_list("pk", flat=True)[:: max(1, people.count() // 50)])
        with Somebody(target.pk, some) as other:
            _result, request = timed(begin)
            job = Job.objects.latest("pk")
            began = time.perf_counter()
            while jobs.run(job.pk):
                pass
            took = round(time.perf_counter() - began, 2)
        job.refresh_from_db()
        assert job.state == "finished", job.error
        self._keep(name, request, took, other, job.counts)
        return job

    def whole(self, name: str, target: Any, work: Callable[[], Any]) -> None:
        """Measures the same in one transaction, as a request without a job would do it."""
        from contacts.models import Contact  # noqa: PLC0415

        people = Contact.objects.filter(workspace=self.workspace).order_by("pk")
        some = list(people.values_list("pk", flat=True)[:: max(1, people.count() // 50)])
        with Somebody(target.pk, some) as other:
            _result, request = timed(work)
        self._keep(f"{name}, in one", request, None, other, {})

    def _keep(
        self, name: str, request: float, job: float | None, other: Somebody, counts: Any
    ) -> None:
        self.results.append(
            {
                "what": name,
                "request_s": request,
                "job_s": job,
                "longest_change_ms": round(other.longest * 1000),
                "changes": other.changes,
                "counts": counts,
            }
        )
        print(
            f"{name:>28}  request {request:7.2f} s   job {job or 0:7.2f} s   "
            f"others wait {other.longest * 1000:7.0f} ms   {counts}",
            flush=True,
        )

    def imported(self) -> Any:
        """The import that made everybody (see benchmarks.bench_freeze)."""
        from django.db import connection  # noqa: PLC0415

        from contacts.models import Import  # noqa: PLC0415

        file = Import.objects.create(
            pk=1, workspace=self.workspace, filename="people.csv", state="finished"
        )
        with connection.cursor() as cursor:
            cursor.execute(IMPORTED, [file.pk, self.workspace.pk])
            cursor.execute("ANALYZE contacts_importedcontact")
        return file

    def mailing(self) -> Any:
        from contacts.audience import Audience  # noqa: PLC0415
        from sending.services import freezing, mailings  # noqa: PLC0415

        mailing = mailings.open_mailing(
            workspace=self.workspace,
            source=Source("campaign", 1),
            content=self.content,
            from_name="News",
            from_email="news@example.com",
            audience=Audience.of_lists(self.workspace.pk, [self.full.pk]),
            relay=self.relay,
        )
        freezing.go_on(seconds=3600)
        mailing.tally.refresh_from_db()
        return mailing


IMPORTED = """
INSERT INTO contacts_importedcontact (import_id, contact_id, outcome)
SELECT %s, id, 'new' FROM contacts_contact WHERE workspace_id = %s
"""


def run(people: int, *, whole: bool) -> list[dict[str, Any]]:
    from contacts import tasks  # noqa: PLC0415
    from contacts.models import Contact  # noqa: PLC0415
    from contacts.services import imports, jobs, lists  # noqa: PLC0415
    from sending.services import mailings  # noqa: PLC0415

    tasks.run_job.delay = lambda _job: None  # type: ignore[assignment,method-assign,return-value] # no broker
    scene = Scene(people)
    everybody = Contact.objects.filter(workspace=scene.workspace)

    if whole:
        all_at_once = scene.new_list("All at once")
        scene.whole(
            "add to a list",
            all_at_once,
            lambda: lists.subscribe(all_at_once, everybody, source=Source("page", 1)),
        )
        scene.whole(
            "undo", all_at_once, lambda: lists.undo_subscribe(scene.workspace, Source("page", 1))
        )
    target = scene.new_list("Target")

    def add() -> Any:
        given = {"query": "", "list": target.pk, "name": target.name}
        assert jobs.is_large(everybody)
        last = jobs.highest(everybody)
        return jobs.start(scene.workspace, "subscribe", given, by=None, last=last)

    job = scene.measure("add to a list", target, add)
    scene.measure("undo", target, lambda: jobs.undo(job, by=None))
    mailing, frozen = timed(scene.mailing)
    print(f"{'freeze (as it is)':>28}  {frozen:7.2f} s")
    scene.measure("cancel", target, lambda: mailings.cancel(mailing))
    file = scene.imported()
    scene.measure("undo of an import", target, lambda: imports.undo(file))
    return scene.results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("people", nargs="?", type=int, default=200_000)
    parser.add_argument("--whole", action="store_true", help="also in one transaction")
    options = parser.parse_args()
    with database():
        results = run(options.people, whole=options.whole)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
