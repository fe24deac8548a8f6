"""The check of a whole file by a worker: its figures, its ends, and what ends it early."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Workspace
from contacts import tasks
from contacts.checkmodels import ImportCheck
from contacts.models import Contact, Import
from contacts.services import (
    importchecks,
    importchoices,
    importrun,
    imports,
    statuswords,
    wholechecks,
)
from contacts.services.statuswords import WordAnswer
from tests.contacts.test_imports import chosen, received

pytestmark = pytest.mark.django_db(transaction=True)

HEADER = "email,status\n"
LINES = "".join(f"p{n}@x.example,subscribed\n" for n in range(7))
TAIL = "wrong,subscribed\nlate@x.example,perhaps\np1@x.example,subscribed\n"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The checks that workers were told of."""
    told: list[int] = []
    monkeypatch.setattr(tasks.check_import, "delay", told.append)
    monkeypatch.setattr(tasks.look_up_domains, "delay", lambda _number: None)
    return told


@pytest.fixture
def file(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, asked: list[int]) -> Import:
    """Longer than a request reads: its last lines have what the first ones have not."""
    monkeypatch.setattr(importrun, "BATCH", 4)
    monkeypatch.setattr(importchecks, "CHECKED_WEIGHT", 100)
    return chosen(received(workspace, HEADER + LINES + TAIL))


def shown(client: Client, file: Import, **query: str) -> str:
    url = reverse("import_check", args=["brand", file.pk])
    html = client.get(url, query, headers={"HX-Request": "true"}).content.decode()
    return re.sub(r"\s+", " ", html)


def elsewhere(act: Callable[..., Any], *given: Any, **more: Any) -> Any:
    """In a request's place: a thread with a connection of its own, because the check's transaction
    is open."""

    def ended() -> Any:
        try:
            return act(*given, **more)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(ended).result(60)


def stored() -> ImportCheck:
    return ImportCheck.objects.get()


def test_the_whole_file_is_checked_by_a_worker(
    file: Import, owner_client: Client, asked: list[int]
) -> None:
    first = shown(owner_client, file)
    assert asked == [file.pk]
    assert "2 of about 8 lines read" in first
    assert "Waiting for a worker" in first
    assert "What do these words mean?" not in first
    assert wholechecks.run(file.pk)
    last = shown(owner_client, file, growing="1")
    assert "The whole file was read: 10 lines." in last
    assert "What do these words mean?" in last
    assert "perhaps" in last
    assert 'id="start-button"' in last
    assert asked == [file.pk]
    check = wholechecks.result(stored(), file)
    assert check.counts == importchecks.check(file, rows=None).counts
    assert check.reasons == {"no_at": 1, "status_word": 1}
    assert {row["outcome"] for row in check.samples} == {"new", "duplicate"}


def test_each_number_opens_lines_from_anywhere_in_the_file(
    file: Import, owner_client: Client, asked: list[int]
) -> None:
    shown(owner_client, file)
    wholechecks.run(file.pk)
    url = reverse("checked_lines", args=["brand", file.pk])
    for kind, lines in {"rejected": [9], "duplicate": [11], "reason:status_word": [10]}.items():
        html = owner_client.get(url, {"of": kind}).content.decode()
        found = re.findall(r'<td class="num" data-label="Line">(\d+)</td>', html)
        assert list(map(int, found)) == lines, kind


def test_figures_grow_while_it_is_read(
    file: Import, owner_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    real = importchecks.Checking.take

    def take(self: importchecks.Checking, batch: Any) -> None:
        seen.append(elsewhere(shown, owner_client, file, growing="1"))
        real(self, batch)

    shown(owner_client, file)
    monkeypatch.setattr(importchecks.Checking, "take", take)
    wholechecks.run(file.pk)
    rows = [match[1] for page in seen if (match := re.search(r"(\d+) of about", page))]
    assert rows == ["2", "4", "8"]
    assert "Waiting for a worker" not in seen[-1]
    assert not Contact.objects.exists()


def test_it_ends_when_its_pages_are_closed_and_begins_anew(
    file: Import, owner_client: Client, asked: list[int]
) -> None:
    shown(owner_client, file)
    ImportCheck.objects.update(asked_at=timezone.now() - timedelta(minutes=4))
    assert not wholechecks.run(file.pk)
    assert wholechecks.due() == []
    shown(owner_client, file, growing="1")
    assert asked == [file.pk, file.pk]
    assert wholechecks.due() == [file.pk]
    assert wholechecks.run(file.pk)


@pytest.mark.parametrize("why", ["left", "mapping", "words", "started", "cancelled", "stopped"])
def test_what_ends_it_in_the_middle(
    file: Import, owner_client: Client, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    batches: list[int] = []
    real = importchecks.Checking.take

    def take(self: importchecks.Checking, batch: Any) -> None:
        batches.append(batch.rows)
        if len(batches) == 2:
            elsewhere(change, file, why)
            if why in {"mapping", "words"}:
                elsewhere(shown, owner_client, file)
        real(self, batch)

    shown(owner_client, file)
    monkeypatch.setattr(importchecks.Checking, "take", take)
    assert not wholechecks.run(file.pk)
    assert len([rows for rows in batches if rows == 4]) <= 3
    if why == "stopped":
        page = shown(owner_client, file)
        assert "The first 4 of about 9 lines were read." in page
        assert "Read all lines" in page
    if why in {"mapping", "words"}:  # it begins anew
        monkeypatch.setattr(importchecks.Checking, "take", real)
        file.refresh_from_db()
        assert wholechecks.due() == [file.pk]
        assert wholechecks.run(file.pk)
        assert stored().basis == wholechecks.basis_of(file)


def change(file: Import, why: str) -> None:
    other = Import.objects.get(pk=file.pk)
    if why == "left":
        ImportCheck.objects.update(asked_at=timezone.now() - timedelta(minutes=4))
    elif why == "mapping":
        importchoices.configure(
            other,
            dialect=other.dialect,
            mapping=["email", ""],
            target=other.list,
            consent="explicit",
            known="fill",
        )
    elif why == "words":
        statuswords.answer(other, [WordAnswer("status", "perhaps", "perhaps", "skip")], by=None)
    elif why == "started":
        imports.start(other, enqueue=None)
    elif why == "cancelled":
        imports.cancel(other)
    else:
        wholechecks.stop(other)


def test_a_killed_workers_check_begins_anew_after_its_lease(
    file: Import, owner_client: Client
) -> None:
    shown(owner_client, file)
    ImportCheck.objects.update(holder="gone", leased_until=timezone.now() + timedelta(seconds=60))
    assert wholechecks.due() == []
    assert not wholechecks.run(file.pk)
    ImportCheck.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert wholechecks.due() == [file.pk]
    assert wholechecks.run(file.pk)
    assert stored().found["whole"]


def test_an_error_ends_it_and_says_so(
    file: Import, owner_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: object) -> None:
        raise ValueError

    shown(owner_client, file)
    with monkeypatch.context() as fault:
        fault.setattr(importchecks.Checking, "take", broken)
        assert not wholechecks.run(file.pk)
    assert "The check stopped because of an error" in shown(owner_client, file)


def test_nobody_starts_what_is_still_checked(file: Import, owner_client: Client) -> None:
    shown(owner_client, file)
    start = reverse("start_import", args=["brand", file.pk])
    page = owner_client.post(start, follow=True).content.decode()
    assert "The file is still being checked." in page
    owner_client.post(reverse("end_check", args=["brand", file.pk]))
    owner_client.post(start, {"asks_scope": "1", "scope": "list"})
    file.refresh_from_db()
    assert file.state == Import.State.QUEUED
    assert not ImportCheck.objects.exists()


def test_an_old_result_is_found_anew(file: Import, owner_client: Client, asked: list[int]) -> None:
    shown(owner_client, file)
    wholechecks.run(file.pk)
    ImportCheck.objects.update(ended_at=timezone.now() - timedelta(hours=2))
    shown(owner_client, file)
    assert asked == [file.pk, file.pk]
    owner_client.post(reverse("end_check", args=["brand", file.pk]), {"again": "1"})
    assert not ImportCheck.objects.exists()


def test_others_wait_while_one_is_read(
    file: Import, workspace: Workspace, owner_client: Client
) -> None:
    other = chosen(received(workspace, HEADER + LINES + TAIL))
    shown(owner_client, other)
    ImportCheck.objects.filter(pk=other.pk).update(
        holder="other", leased_until=timezone.now() + timedelta(seconds=60)
    )
    shown(owner_client, file)
    assert not wholechecks.run(file.pk)
    ImportCheck.objects.exclude(pk=file.pk).update(leased_until=None)
    assert wholechecks.run(file.pk)
