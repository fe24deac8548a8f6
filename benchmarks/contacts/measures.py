"""What is measured in the scene. Pages are requested from the site in this process, as a member;
times are the medians of some rounds, after one round that is not counted."""

import resource
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.bench_import import imported, pieces
from benchmarks.contacts import rules as measured_rules
from benchmarks.contacts.scene import Scene, execute, say

ROUNDS = 5
SEARCHES = ("李冷卲", "明", "卲冷", "nobody", "annlee", "ab", "company77.example")
COPY_COLUMNS = 12


def median_ms(work: Callable[[], Any], rounds: int = ROUNDS) -> float:
    work()
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(times), 1)


def index_answers(scene: Scene) -> dict[str, Any]:
    """Makes the bits of the mailings, as the tick does when they are over."""
    from sending.services import answers  # noqa: PLC0415 - after django.setup()

    began = time.perf_counter()
    made = 0
    while count := answers.tick():
        made += count
    seconds = time.perf_counter() - began
    assert made == len(scene.mailings)
    execute("VACUUM ANALYZE sending_answerbits")
    ((size,),) = execute("SELECT pg_total_relation_size('sending_answerbits') / 1048576")
    return {"answers_mb": size, "answers_s": round(seconds, 1)}


def index_values(scene: Scene) -> dict[str, Any]:
    """Indexes the attributes of the rules, as after they were saved."""
    from contacts.models import IndexedValue  # noqa: PLC0415 - after django.setup()
    from contacts.segments import rules  # noqa: PLC0415
    from contacts.services import indexing  # noqa: PLC0415

    for rule in measured_rules.all_rules(scene).values():
        indexing.want(scene.workspace, rules.read(rule))
    began = time.perf_counter()
    while not indexing.fill():
        pass
    seconds = time.perf_counter() - began
    execute("VACUUM ANALYZE contacts_indexedvalue")
    rows = IndexedValue.objects.count()
    ((size,),) = execute("SELECT pg_total_relation_size('contacts_indexedvalue') / 1048576")
    return {"indexed_values": rows, "indexed_mb": size, "indexed_rows_s": round(rows / seconds)}


def segments(scene: Scene) -> dict[str, dict[str, float]]:
    """{rule: {"people": n, "count_ms": x, "page_ms": y}}"""
    from contacts.queries import segments as query  # noqa: PLC0415
    from contacts.segments import rules  # noqa: PLC0415

    found = {}
    for name, stored in measured_rules.all_rules(scene).items():
        rule, known = query.context(scene.workspace, rules.read(stored))
        found[name] = {
            "people": query.count(rule, known),
            "count_ms": median_ms(partial(query.count, rule, known)),
            "page_ms": median_ms(partial(query.sample, rule, known, measured_rules.FIRST)),
        }
        say(f"{name}: {found[name]}")
    return found


def member(scene: Scene) -> Any:
    """A client that is logged in as the workspace's owner."""
    from django.conf import settings  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415

    from accounts.models import Membership, User  # noqa: PLC0415

    settings.ALLOWED_HOSTS = ["*"]
    user = User.objects.create_user("owner@brand.example", "only for benchmarks 1")
    Membership.objects.create(user=user, workspace=scene.workspace, role="owner")
    client = Client()
    client.force_login(user)
    return client


def pages(scene: Scene) -> dict[str, dict[str, float]]:
    """{"contacts": {query: ms}, "contact": {...}, "search": {text: ms}}"""
    from django.urls import reverse  # noqa: PLC0415

    from contacts.models import Contact  # noqa: PLC0415

    client = member(scene)
    listed = {name: one.pk for name, one in scene.lists.items()}

    def asked(url: str, query: str = "") -> float:
        def get() -> None:
            answer = client.get(f"{url}?{query}", HTTP_HOST="localhost")
            assert answer.status_code == 200, (url, query, answer.status_code)

        return median_ms(get)

    table = reverse("contacts", args=[scene.workspace.slug])
    queries = (
        *("", "page=20", f"list={listed['List B']}", "status=suppressed", "status=unsubscribed"),
        *("status=none", "domain=qq.com", "sort=email", "activity=clicked&within=30"),
        *("attribute=city&match=is&value=上海", "activity=never_opened"),
    )
    some = Contact.objects.filter(workspace=scene.workspace).order_by("pk")[100]
    person = reverse("contact", args=[scene.workspace.slug, some.pk])
    return {
        "contacts": {query or "all": asked(table, query) for query in queries},
        "contact": {"a contact": asked(person)},
        "search": {text: asked(table, f"q={text}") for text in SEARCHES},
    }


def audience(scene: Scene) -> dict[str, float]:
    from contacts.audience import Audience  # noqa: PLC0415
    from contacts.queries import audience as query  # noqa: PLC0415

    news, other = (scene.lists[name].pk for name in ("News", "List B"))
    asked = Audience.of_lists(scene.workspace.pk, [news], [other])
    return {"ms": median_ms(partial(query.count, asked), rounds=3)}


def export(scene: Scene) -> dict[str, Any]:
    from contacts.models import Contact  # noqa: PLC0415
    from contacts.services import contactsheet  # noqa: PLC0415

    people = Contact.objects.filter(workspace=scene.workspace)
    began, size = time.perf_counter(), 0
    for piece in contactsheet.stream(scene.workspace, people):
        size += len(piece)
    seconds = time.perf_counter() - began
    return {"rows_s": round(people.count() / seconds), "mb": round(size / 1e6, 1)}


def bulk(scene: Scene) -> dict[str, Any]:
    """All contacts are added to a list by a job."""
    from contacts import tasks  # noqa: PLC0415
    from contacts.models import Contact  # noqa: PLC0415
    from contacts.services import jobs, lists  # noqa: PLC0415

    tasks.run_job.delay = lambda _job: None  # type: ignore[assignment,method-assign,return-value] # no broker
    people = Contact.objects.filter(workspace=scene.workspace)
    target = lists.create(scene.workspace, name="Target")
    given = {"query": "", "list": target.pk, "name": target.name}
    last = jobs.highest(people)
    began = time.perf_counter()
    job = jobs.start(scene.workspace, "subscribe", given, by=None, last=last)
    while jobs.run(job.pk):
        pass
    seconds = time.perf_counter() - began
    job.refresh_from_db()
    assert job.state == "finished", job.error
    return {"rows_s": round(people.count() / seconds)}


def imports(rows: int) -> dict[str, Any]:
    """A file of so many unknown people, and its rows by plain COPY beside it."""
    from accounts.models import Workspace  # noqa: PLC0415
    from contacts.services import lists  # noqa: PLC0415

    workspace = Workspace.objects.create(name="Importing", slug="importing")
    news = lists.create(workspace, name="News")
    found = imported(workspace, news, "import", pieces(rows))
    return {
        "rows_s": found["rows_s"],
        "copy_rows_s": copied(rows),
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def copied(rows: int) -> int:
    """Rows a second of a COPY of the same file into a table without indexes."""
    from django.db import connection  # noqa: PLC0415

    columns = ", ".join(f"c{number} text" for number in range(COPY_COLUMNS))
    execute(f"CREATE TABLE copied ({columns})")
    began = time.perf_counter()
    with connection.cursor() as cursor:
        raw: Any = cursor
        with raw.copy("COPY copied FROM STDIN (FORMAT csv, HEADER)") as copy:
            for piece in pieces(rows):
                copy.write(piece)
    seconds = time.perf_counter() - began
    ((count,),) = execute("SELECT count(*) FROM copied")
    assert count == rows
    execute("DROP TABLE copied")
    return round(rows / seconds)
