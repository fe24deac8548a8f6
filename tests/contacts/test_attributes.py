"""An attribute that is deleted while an import fills it leaves no values behind."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connection, connections

from accounts.models import Workspace
from contacts.models import Attribute, Contact, Import, Job
from contacts.services import attributes, importchoices, importrun, imports, jobs
from tests.contacts.jobscene import finish
from tests.contacts.test_import_race import address
from tests.contacts.test_imports import chosen, received

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nudges")]

DATA = "email,zorb\n" + "".join(f"p{number}@b.example,v{number}\n" for number in range(10))
# What a batch of an import does: it takes its turn, and writes values.
TURN = "SELECT pg_advisory_xact_lock(hashtext('contacts.import'), %s)"
WRITE = """
INSERT INTO contacts_contact (workspace_id, email, first_name, last_name, full_name, attributes,
                              source_kind, source_id, created_at, updated_at)
VALUES (%s, 'new@b.example', '', '', '', '{"zorb": "v"}', 'page', 0, now(), now())
"""


def started(workspace: Workspace) -> Import:
    file = received(workspace, DATA)
    chosen(file, mapping=["email", "new:zorb:text"])
    imports.start(file, enqueue=None)
    return file


def with_value() -> int:
    return Contact.objects.filter(attributes__has_key="zorb").count()


def test_later_batches_leave_the_values_out_and_report_them(workspace: Workspace) -> None:
    file = started(workspace)

    def delete(held: Import) -> None:
        if held.counts["rows"] == 4:  # the next batch is read already
            attributes.delete(Attribute.objects.get(key="zorb"))

    assert not importrun.run(file.pk, size=2, progress=delete)
    file.refresh_from_db()
    assert file.state == Import.State.FINISHED, file.error
    assert (file.counts["rows"], file.counts["new"], file.counts["unusable"]) == (10, 10, 6)
    assert with_value() == 0
    left_out = file.rejects.order_by("line").values_list("line", "reason", "kept", "value")
    assert list(left_out) == [
        (line, "attribute_gone", True, f"v{line - 2}") for line in range(6, 12)
    ]


def test_the_next_slice_of_an_import_goes_on(workspace: Workspace) -> None:
    file = started(workspace)
    assert importrun.run(file.pk, size=4, seconds=0)
    attributes.delete(Attribute.objects.get(key="zorb"))
    while importrun.run(file.pk, size=4):
        pass
    file.refresh_from_db()
    assert (file.state, file.counts["unusable"], with_value()) == (Import.State.FINISHED, 6, 0)


def test_its_key_is_kept_until_the_import_ends(workspace: Workspace) -> None:
    file = started(workspace)
    attributes.delete(Attribute.objects.get(key="zorb"))
    assert attributes.add(workspace, label="Zorb", type_="number").key != "zorb"
    other = chosen(received(workspace, DATA), mapping=["email", "new:zorb:text"])
    with pytest.raises(importchoices.ImportRefusedError, match="zorb"):
        imports.start(other, enqueue=None)
    while importrun.run(file.pk):
        pass
    imports.start(other, enqueue=None)
    assert Attribute.objects.filter(key="zorb").exists()


def test_two_imports_may_fill_the_same_attribute(workspace: Workspace) -> None:
    started(workspace)
    started(workspace)
    assert Attribute.objects.filter(key="zorb").count() == 1


def wait_for_the_turn() -> None:
    with connection.cursor() as cursor:
        for _ in range(10_000):
            cursor.execute(
                "SELECT count(*), pg_sleep(0.003) FROM pg_locks "
                "WHERE NOT granted AND locktype = 'advisory'"
            )
            if cursor.fetchone()[0]:
                return
    raise AssertionError


@pytest.mark.parametrize("small", [0, 2_000], ids=["by a job", "in the request"])
def test_deleting_waits_for_the_batch_that_writes(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, small: int
) -> None:
    monkeypatch.setattr(jobs, "SMALL", small)
    zorb = attributes.add(workspace, label="Zorb", type_="text")
    Contact.objects.create(workspace=workspace, email="a@b.example", attributes={"zorb": "v"})

    def delete() -> int | Job:
        try:
            return attributes.delete(zorb)
        finally:
            connections.close_all()

    with psycopg.connect(address()) as batch, ThreadPoolExecutor(1) as thread:
        batch.execute(TURN, [workspace.pk])
        batch.execute(WRITE, [workspace.pk])
        deleting = thread.submit(delete)
        wait_for_the_turn()
        batch.commit()
        deleting.result(30)
    for job in Job.objects.all():
        finish(job)
    assert with_value() == 0
