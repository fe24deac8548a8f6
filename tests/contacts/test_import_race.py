"""Somebody adds a person on a page at the moment when an import is about to."""

import io
import zipfile
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
import pytest
from django.db import connections

from accounts.models import Workspace
from contacts.models import Contact, ContactTag, Import, List, Subscription
from contacts.services import (
    importchoices,
    importfile,
    importrun,
    imports,
    importuploads,
    packedfile,
)
from tests.otherconnections import address, wait_until_one_waits

pytestmark = pytest.mark.django_db(transaction=True)

ADD = """
INSERT INTO contacts_contact (workspace_id, email, first_name, last_name, full_name, attributes,
                              source_kind, source_id, created_at, updated_at)
VALUES (%s, 'bo@y.example', 'Bo', '', '', '{}', 'page', 0, now(), now())
"""


def run(file: Import) -> None:
    try:
        importrun.run(file.pk)
    finally:
        connections.close_all()


def started(onto: List, data: bytes) -> Import:
    """An import that nobody works on yet."""
    file = importuploads.receive(
        onto.workspace, filename="x", pieces=[data], by=None, limit=1 << 30
    )
    importchoices.configure(
        file,
        dialect=file.dialect,
        mapping=file.mapping,
        target=onto,
        consent="explicit",
        known="fill",
    )
    imports.start(file, enqueue=None)
    return file


def run_beside(file: Import, statement: str, given: list[int]) -> None:
    """Runs the import while a page's statement is not committed yet."""
    with psycopg.connect(address()) as page, ThreadPoolExecutor(1) as thread:
        page.execute(statement, given)
        running = thread.submit(run, file)
        wait_until_one_waits()
        page.commit()
        running.result(30)
    file.refresh_from_db()
    assert file.state == Import.State.FINISHED, file.error


def test_who_is_added_meanwhile_counts_as_known(workspace: Workspace) -> None:
    news = List.objects.create(workspace=workspace, name="News")
    data = b"email,first name\nann@y.example,Ann\nbo@y.example,Robert\n"
    file = started(news, data)
    run_beside(file, ADD, [workspace.pk])
    assert (file.counts["new"], file.counts["unchanged"]) == (1, 1)
    assert Contact.objects.get(email="bo@y.example").first_name == "Bo"
    assert Subscription.objects.filter(list=news, status="subscribed").count() == 2


JOIN = """
INSERT INTO contacts_subscription (list_id, contact_id, status, consent, source_kind, source_id,
                                   created_at, changed_at)
VALUES (%s, %s, 'unsubscribed', 'unknown', 'page', 0, now(), now())
"""


def test_who_leaves_meanwhile_stays_off_the_list(workspace: Workspace) -> None:
    news = List.objects.create(workspace=workspace, name="News")
    bo = Contact.objects.create(workspace=workspace, email="bo@y.example")
    data = b"email\nann@y.example\nbo@y.example\n"
    file = started(news, data)
    run_beside(file, JOIN, [news.pk, bo.pk])
    assert (file.counts["new"], file.counts["subscribed"]) == (1, 1)
    assert Subscription.objects.get(list=news, contact=bo).status == "unsubscribed"


def run_to_its_end(file: Import) -> None:
    try:
        while importrun.run(file.pk, size=20):
            pass
    finally:
        connections.close_all()


def test_two_files_with_the_same_people_at_once(workspace: Workspace) -> None:
    """In different orders, batch by batch: each person is made once, and put on both lists."""
    people = [f"p{n}@y.example,vip" for n in range(200)]
    files = []
    for name, lines in (("One", people), ("Two", people[::-1])):
        data = "\n".join(["email,tags", *lines]).encode()
        file = started(List.objects.create(workspace=workspace, name=name), data)
        files.append(file)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(run_to_its_end, files))
    for file in files:
        file.refresh_from_db()
        assert file.state == Import.State.FINISHED, file.error
        assert file.counts["subscribed"] == file.counts["rows"] == 200
    assert sum(file.counts["new"] for file in files) == Contact.objects.count() == 200
    assert sum(file.counts["unchanged"] for file in files) == 200
    assert sum(file.counts["tagged"] for file in files) == ContactTag.objects.count() == 200
    assert Subscription.objects.count() == 400


def packed(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("people.csv", data)
    return out.getvalue()


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "packed"])
def test_the_file_is_complete_said_twice_at_once(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, is_packed: bool
) -> None:
    lines = b"email\nann@y.example\n"
    data = packed(lines) if is_packed else lines
    file = importuploads.begin(workspace, filename="x", by=None)
    importuploads.append(file, 0, [data], limit=1 << 30)
    told: list[int] = []

    def finish() -> bool:
        try:
            return importuploads.finish_upload(Import.objects.get(pk=file.pk), enqueue=told.append)
        finally:
            connections.close_all()

    look = packedfile.is_packed
    waiting: list[Future[bool]] = []

    with ThreadPoolExecutor(1) as thread:

        def with_another(import_: Import) -> bool:
            if not waiting:
                waiting.append(thread.submit(finish))
                wait_until_one_waits()
            return look(import_)

        monkeypatch.setattr(packedfile, "is_packed", with_another)
        assert importuploads.finish_upload(file, enqueue=told.append)
        assert waiting[0].result(30) is False
    kept = Import.objects.get(pk=file.pk)
    assert kept.state == (Import.State.READING if is_packed else Import.State.READY)
    assert told == ([file.pk] if is_packed else [])
    kept_bytes = importfile.ChunkSource(file.pk, aside=is_packed).read(0, len(data) + 1)
    assert kept_bytes == data
