"""Imports from an address: from a real HTTPS server into contacts."""

import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest
import xlsxwriter
from django.utils import timezone

from accounts import secrets
from contacts import tasks
from contacts.models import Contact, Import, ImportChunk, List, Subscription
from contacts.scheduledmodels import ScheduledImport, ScheduledRun
from contacts.services import (
    importfile,
    importrun,
    scheduledimports,
    scheduledjudging,
    scheduledruns,
)
from tests.contacts.fileservers import PEOPLE, FileServer, reply
from tests.contacts.scheduledscene import HEAD, MORE, State, again, codes, work

pytestmark = pytest.mark.django_db


def test_the_first_file_waits_for_a_person(schedule: ScheduledImport, told: list[Any]) -> None:
    run = work(schedule)
    assert (run.state, codes(run), run.size) == (State.WAITING, ["first"], len(PEOPLE))
    assert run.of_import
    assert (run.of_import.state, run.of_import.mapping) == ("ready", ["email", "full_name"])
    assert run.of_import.filename == "people.csv"
    schedule.refresh_from_db()
    assert (schedule.state, schedule.next_at) == ("setup", None)
    assert not Contact.objects.exists()


def test_the_next_files_are_imported_like_it(
    confirmed: ScheduledImport, server: FileServer
) -> None:
    assert confirmed.state == "active"
    assert confirmed.next_at
    assert confirmed.next_at.strftime("%H:%M") == "05:00"
    server.say(reply(MORE))
    Import.objects.update(consent_text="Send me news")
    run = again(confirmed)
    assert (run.state, run.reasons) == (State.STARTED, [])
    assert run.of_import
    assert run.of_import.consent_text == "Send me news"
    assert run.of_import.counts["new"] == 1
    eve = Subscription.objects.get(contact__email="e@x.example")
    assert (eve.list.name, eve.consent, eve.status) == ("Newsletter", "explicit", "subscribed")
    confirmed.refresh_from_db()
    assert confirmed.confirmed == run.of_import
    assert confirmed.next_at
    assert confirmed.next_at > timezone.now()


def test_who_left_stays_away(confirmed: ScheduledImport, server: FileServer) -> None:
    Subscription.objects.filter(contact__email="a@x.example").update(status="unsubscribed")
    server.say(reply(MORE))
    again(confirmed)
    left = Subscription.objects.get(contact__email="a@x.example")
    assert left.status == "unsubscribed"


def test_a_file_that_has_not_changed_is_not_imported(
    confirmed: ScheduledImport, server: FileServer
) -> None:
    run = again(confirmed)
    assert (run.state, run.of_import) == (State.UNCHANGED, None)
    assert Import.objects.count() == 1
    server.say(reply(MORE, headers=('ETag: "2"',)), reply(b"", status="304 Not Modified"))
    assert again(confirmed).state == State.STARTED
    assert again(confirmed).state == State.UNCHANGED
    assert 'If-None-Match: "2"' in server.asked[-1]
    assert Import.objects.count() == 2


def test_a_failed_import_is_repeated(confirmed: ScheduledImport, server: FileServer) -> None:
    Import.objects.update(state="failed")
    ScheduledImport.objects.update(etag='"1"')
    run = again(confirmed)
    assert run.state == State.STARTED
    assert "If-None-Match" not in server.asked[-1]


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (PEOPLE.replace(b"email,name", b"email,phone"), "header", "+ phone · − name"),
        (PEOPLE.replace(b"email,name", b"name,email"), "order", "name · email"),
        (PEOPLE.replace(b"email,name", b"email,email"), "header", "− name"),
        (HEAD + b"a@x.example,Ann\n", "shrank", "36%"),
        (PEOPLE.replace(b"Ann", "Änn".encode("cp1252")), "encoding_doubt", "utf-8 → cp1252"),
        (PEOPLE + b"nobody,Eve\nno one,Fay\n", "rejected", "33.3%"),
    ],
)
def test_a_doubt_leaves_the_file_to_a_person(
    confirmed: ScheduledImport, server: FileServer, body: bytes, code: str, words: str
) -> None:
    server.say(reply(body))
    run = again(confirmed)
    assert (run.state, run.reasons) == (State.WAITING, [[code, words]])
    assert run.of_import
    assert (run.of_import.state, run.of_import.list) == ("ready", List.objects.get())
    assert Contact.objects.count() == 4
    # It waits: the next time nothing is fetched.
    ScheduledImport.objects.update(next_at=timezone.now())
    assert scheduledimports.start_due() == 0
    confirmed.refresh_from_db()
    assert confirmed.next_at
    assert confirmed.next_at > timezone.now()


def test_other_doubts(confirmed: ScheduledImport, server: FileServer) -> None:
    server.say(reply(MORE))
    List.objects.update(archived_at=timezone.now())
    run = again(confirmed)
    assert codes(run) == ["list_archived"]
    scheduledimports.drop_waiting(confirmed)
    Import.objects.update(list=None)
    assert codes(again(confirmed)) == ["list_gone"]
    scheduledimports.drop_waiting(confirmed)
    Import.objects.filter(started_at__isnull=False).update(undone_at=timezone.now())
    assert codes(again(confirmed)) == ["undone"]


def test_words_nobody_has_explained(
    schedule: ScheduledImport, server: FileServer, told: list[Any]
) -> None:
    rows = b"email,status\na@x.example,subscribed\nb@x.example,%b\n"
    server.say(reply(rows % b"subscribed"))
    run = work(schedule)
    assert run.of_import
    Import.objects.filter(pk=run.of_import.pk).update(mapping=["email", "status"])
    first = Import.objects.get(pk=run.of_import.pk)
    scheduledjudging.start(first, enqueue=tasks.run_import.delay, checked=None, scope="")
    importrun.run(first.pk)
    server.say(reply(rows % b"hibernating"))
    run = again(schedule)
    assert run.reasons == [["status_words", "hibernating"]]


def test_the_person_starts_what_waits(confirmed: ScheduledImport, server: FileServer) -> None:
    server.say(reply(PEOPLE.replace(b"email,name", b"email,first name")))
    run = again(confirmed)
    assert run.of_import
    scheduledjudging.start(run.of_import, enqueue=tasks.run_import.delay, checked=None, scope="")
    run.refresh_from_db()
    confirmed.refresh_from_db()
    assert run.state == State.STARTED
    assert confirmed.header == ["email", "first name"]
    importrun.run(run.of_import.pk)
    server.say(reply(MORE.replace(b"email,name", b"email,first name")))
    assert again(confirmed).state == State.STARTED


# What servers give -------------------------------------------------------------------------------


def workbook() -> bytes:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made) as book:
        sheet = book.add_worksheet("People")
        for number, line in enumerate(PEOPLE.decode().splitlines()):
            sheet.write_row(number, 0, line.split(","))
    return made.getvalue()


def packed() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("people.csv", PEOPLE)
    return made.getvalue()


@pytest.mark.parametrize("body", [workbook(), packed()], ids=["workbook", "ZIP"])
def test_packed_files(
    schedule: ScheduledImport, server: FileServer, told: list[Any], body: bytes
) -> None:
    server.say(reply(body))
    run = work(schedule)
    assert codes(run) == ["first"]
    assert run.of_import
    assert run.of_import.mapping == ["email", "full_name"]
    assert run.of_import.dialect["uploaded"] == len(body)


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (reply(b"<!doctype html><title>Log in</title>"), "log_in_page", ""),
        (reply(b""), "empty", ""),
        (reply(b"", status="401 Unauthorized"), "login", "401 Unauthorized"),
        (reply(b"", status="404 Not Found"), "not_found", "404 Not Found"),
        (reply(PEOPLE, length=10_000), "broken_off", ""),
    ],
)
def test_failures(  # noqa: PLR0917 - parameters
    schedule: ScheduledImport,
    server: FileServer,
    told: list[Any],
    answer: bytes,
    code: str,
    words: str,
) -> None:
    server.say(answer)
    run = work(schedule)
    assert (run.state, run.reasons) == (State.FAILED, [[code, words]])
    assert run.ended_at
    assert not Import.objects.exists()
    assert not ImportChunk.objects.exists()
    schedule.refresh_from_db()
    assert schedule.failures == 1


def test_what_fails_for_the_moment_is_tried_again(
    confirmed: ScheduledImport, server: FileServer
) -> None:
    server.say(reply(b"", status="503 Busy"))
    for number in range(1, scheduledruns.TIMES + 2):
        again(confirmed)
        confirmed.refresh_from_db()
        assert confirmed.next_at
        soon = confirmed.next_at < timezone.now() + timedelta(minutes=20)
        assert soon is (number <= scheduledruns.TIMES) or confirmed.next_at.hour == 5
    server.say(reply(MORE))
    assert again(confirmed).state == State.STARTED
    confirmed.refresh_from_db()
    assert confirmed.failures == 0


def test_a_large_file_is_stored_piece_by_piece(
    schedule: ScheduledImport, server: FileServer, told: list[Any], settings: Any
) -> None:
    body = b"email\n" + b"someone@x.example\n" * 700_000
    server.say(reply(body))
    tasks.fetch_scheduled(schedule.runs.get().pk)
    run = schedule.runs.get()
    assert (run.state, run.size) == (State.JUDGING, len(body))
    assert run.of_import
    stored = importfile.ChunkSource(run.of_import.pk).read(len(body) - 40, 1000)
    assert stored == body[-40:]
    assert told == [("judge_scheduled", run.pk)]
    settings.IMPORT_MAX_BYTES = 1 << 20
    ScheduledRun.objects.update(state=State.FETCHING, leased_until=None)
    tasks.fetch_scheduled(run.pk)
    run.refresh_from_db()
    assert codes(run) == ["too_large"]
    assert not ImportChunk.objects.exists()


def test_the_log_in_is_sent_and_encrypted(
    schedule: ScheduledImport, server: FileServer, told: list[Any]
) -> None:
    given: dict[str, Any] = {
        "name": "Shop",
        "url": schedule.url,
        "every": "day",
        "at": schedule.at,
        "weekday": 0,
    }
    scheduledimports.change(schedule, login="token", username="", secret="abc", **given)
    assert b"abc" not in bytes(schedule.secret or b"abc")
    work(schedule)
    assert "Authorization: Bearer abc\r\n" in server.asked[-1]
    scheduledimports.change(schedule, login="token", username="", secret="", **given)
    assert secrets.decrypt(schedule.secret) == "abc"
    scheduledimports.change(schedule, login="none", username="", secret="", **given)
    assert schedule.secret is None
    ScheduledImport.objects.update(secret=b"rubbish", login="password", username="ann")
    ScheduledRun.objects.create(schedule=schedule)
    assert codes(work(schedule)) == ["secret"]
