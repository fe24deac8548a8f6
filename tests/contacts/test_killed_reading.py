"""A worker that is killed, or loses the database, while it reads a packed file."""

import time
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Import
from contacts.services import importchoices, importfile, importreading, importuploads
from tests.contacts.test_archives import archive
from tests.otherconnections import address

pytestmark = pytest.mark.django_db(transaction=True)
LINES = b"email,name\na@x.example,Ann\n"


@pytest.fixture
def zip_file(workspace: Workspace) -> Import:
    """A worker was told to read it."""
    import_ = importuploads.begin(workspace, filename="people.zip", by=None)
    importuploads.append(import_, 0, [archive({"people.csv": LINES})], limit=1 << 30)
    importuploads.finish_upload(import_, enqueue=lambda _number: None)
    return import_


def test_the_lease_is_short_and_renewed_while_a_worker_reads(
    zip_file: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    guess = importchoices.guess_dates
    leases: list[tuple[Any, Any]] = []

    def slow(*given: object) -> str:
        def lease() -> Any:
            return Import.objects.values_list("leased_until", flat=True).get()

        leases.append((lease(), timezone.now()))
        give_up = time.monotonic() + 30
        while lease() == leases[0][0] and time.monotonic() < give_up:
            time.sleep(0.01)
        leases.append((lease(), timezone.now()))
        return guess(*given)  # type: ignore[arg-type]

    assert timedelta(minutes=1) >= importreading.LEASE
    monkeypatch.setattr(importreading, "LEASE", timedelta(seconds=0.3))
    monkeypatch.setattr(importchoices, "guess_dates", slow)
    importreading.read(zip_file.pk)
    (first, began), (renewed, _later) = leases
    assert first - began <= timedelta(seconds=0.3)
    assert renewed > first
    zip_file.refresh_from_db()
    assert (zip_file.state, zip_file.leased_until) == (Import.State.READY, None)


def test_a_lost_connection_leaves_the_file_to_another_worker(
    zip_file: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    guess = importchoices.guess_dates

    def lost(*given: object) -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (process,) = cursor.fetchone()
        with psycopg.connect(address(), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 10000)", [process])
        return guess(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as broken:
        broken.setattr(importchoices, "guess_dates", lost)
        with pytest.raises((OperationalError, InterfaceError)):
            importreading.read(zip_file.pk)
    connection.close()
    zip_file.refresh_from_db()
    assert zip_file.state == Import.State.READING
    assert zip_file.leased_until is not None
    assert zip_file.leased_until <= timezone.now() + timedelta(minutes=1)
    Import.objects.update(leased_until=timezone.now())
    importreading.read(zip_file.pk)
    zip_file.refresh_from_db()
    assert zip_file.state == Import.State.READY
    assert importfile.ChunkSource(zip_file.pk).read(0, 1000) == LINES
