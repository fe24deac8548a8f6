"""Imports from an address: from a real HTTPS server into contacts."""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django.test import Client
from django.utils import timezone

from accounts import secrets
from accounts.models import User, Workspace
from accounts.permissions import Role
from contacts import tasks
from contacts.models import Contact, Import, ImportChunk, List, Subscription
from contacts.scheduledmodels import ScheduledImport, ScheduledRun
from contacts.services import (
    importfile,
    importrun,
    imports,
    scheduledfetch,
    scheduledimports,
    scheduledjudging,
    scheduledruns,
)
from tests.contacts import fileservers
from tests.contacts.fileservers import LOOPBACK, PEOPLE, FileServer, reply
from tests.contacts.sftpservers import HOST_KEY, OTHER_KEY, USER_KEY, SftpServer, public
from tests.contacts.sftpservers import serving as serving_sftp
from tests.mailservers.smtp import Authority, server_context

pytestmark = pytest.mark.django_db
State = ScheduledRun.State
MORE = PEOPLE + b"e@x.example,Eve\n"


@pytest.fixture
def server(authority: Authority, tmp_path: Path, settings: Any) -> Iterator[FileServer]:
    settings.FETCH_NETWORKS = LOOPBACK
    with fileservers.serving(server_context(tmp_path, authority=authority)) as server:
        server.say(reply())
        yield server


@pytest.fixture
def sftp(tmp_path: Path) -> Iterator[SftpServer]:
    with serving_sftp(tmp_path) as server:
        yield server


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The tasks that workers were told of; there is no broker."""
    found: list[tuple[str, int]] = []
    for name in ("fetch_scheduled", "judge_scheduled", "run_import"):

        def tell(number: int, name: str = name) -> None:
            found.append((name, number))

        monkeypatch.setattr(getattr(tasks, name), "delay", tell)
    return found


@pytest.fixture
def schedule(workspace: Workspace, owner: User, server: FileServer) -> ScheduledImport:
    return scheduledimports.create(
        workspace,
        by=owner,
        enqueue=lambda _number: None,
        name="Shop",
        url=server.url(),
        login="none",
        username="",
        secret="",
        every="day",
        at=datetime(2026, 1, 1, 5, tzinfo=UTC).time(),
        weekday=0,
    )


@pytest.fixture
def confirmed(schedule: ScheduledImport, told: list[Any]) -> ScheduledImport:
    """A person has confirmed the first file, into a list."""
    run = work(schedule)
    target = List.objects.create(workspace=schedule.workspace, name="Newsletter")
    assert run.of_import
    Import.objects.filter(pk=run.of_import.pk).update(list=target, consent="explicit")
    import_ = Import.objects.get(pk=run.of_import.pk)
    scheduledjudging.start(import_, enqueue=tasks.run_import.delay, checked=None, scope="")
    importrun.run(import_.pk)
    schedule.refresh_from_db()
    return schedule


def work(schedule: ScheduledImport) -> ScheduledRun:
    """The run that waits for a worker is done; the last run."""
    run = schedule.runs.latest("pk")
    tasks.fetch_scheduled(run.pk)
    tasks.judge_scheduled(run.pk)
    run.refresh_from_db()
    if run.of_import:
        importrun.run(run.of_import.pk)
    return schedule.runs.latest("pk")


def again(schedule: ScheduledImport) -> ScheduledRun:
    """The next scheduled run."""
    ScheduledImport.objects.filter(pk=schedule.pk).update(next_at=timezone.now())
    assert scheduledimports.start_due() == 1
    return work(schedule)


def codes(run: ScheduledRun) -> list[str]:
    return [code for code, _words in run.reasons]


# The first run, and those after it ---------------------------------------------------------------


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
    run = again(confirmed)
    assert (run.state, run.reasons) == (State.STARTED, [])
    assert run.of_import
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


HEAD = b"email,name\n"


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (PEOPLE.replace(b"email,name", b"email,phone"), "header", "+ phone · − name"),
        (PEOPLE.replace(b"email,name", b"name,email"), "header", "2 → 2"),
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


# Crashes and races -------------------------------------------------------------------------------


def test_a_killed_worker_begins_anew(
    schedule: ScheduledImport, server: FileServer, told: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = schedule.runs.get()

    def killed(*_given: object, **_options: object) -> int:
        raise SystemExit

    with monkeypatch.context() as broken:
        broken.setattr(scheduledruns, "move", killed)
        with pytest.raises(SystemExit):
            scheduledfetch.fetch(run.pk)
    half = Import.objects.get()
    assert half.state == Import.State.UPLOADING
    assert scheduledfetch.fetch(run.pk) is False  # the lease of the dead worker
    assert scheduledimports.without_worker(State.FETCHING) == []
    ScheduledRun.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert scheduledimports.without_worker(State.FETCHING) == [run.pk]
    assert codes(work(schedule)) == ["first"]
    assert Import.objects.get().pk != half.pk


def test_a_worker_that_dies_before_the_start_imports_once(
    confirmed: ScheduledImport, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.say(reply(MORE))

    def killed(*_given: object) -> None:
        raise SystemExit

    with monkeypatch.context() as broken:
        broken.setattr(scheduledjudging, "_remember", killed)
        with pytest.raises(SystemExit):
            again(confirmed)
    run = confirmed.runs.latest("pk")
    assert run.of_import
    assert (run.state, run.of_import.state) == (State.JUDGING, Import.State.READY)
    ScheduledRun.objects.update(leased_until=None)
    tasks.judge_scheduled(run.pk)
    tasks.judge_scheduled(run.pk)
    run.refresh_from_db()
    assert run.state == State.STARTED
    assert Import.objects.filter(started_at__isnull=False).count() == 2


def test_two_workers_do_not_import_twice(
    confirmed: ScheduledImport, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one was slow, and lost its lease to the second."""
    server.say(reply(MORE))
    ScheduledImport.objects.update(next_at=timezone.now())
    scheduledimports.start_due()
    run = confirmed.runs.latest("pk")
    store = scheduledfetch._store

    def slow(*given: Any) -> int:
        monkeypatch.setattr(scheduledfetch, "_store", store)
        ScheduledRun.objects.update(leased_until=None)
        assert scheduledfetch.fetch(run.pk)
        return store(*given)

    monkeypatch.setattr(scheduledfetch, "_store", slow)
    assert scheduledfetch.fetch(run.pk) is False
    assert Import.objects.filter(state=Import.State.UPLOADING).count() == 1
    tasks.judge_scheduled(run.pk)
    assert Import.objects.filter(started_at__isnull=False).count() == 2


def test_two_ticks_start_one_run(confirmed: ScheduledImport, told: list[Any]) -> None:
    ScheduledImport.objects.update(next_at=timezone.now())
    tasks.start_scheduled()
    tasks.start_scheduled()
    ScheduledImport.objects.update(next_at=timezone.now())
    tasks.start_scheduled()
    assert confirmed.runs.filter(state=State.FETCHING).count() == 1
    assert confirmed.runs.count() == 2
    run = confirmed.runs.latest("pk")
    # Nobody has it yet, so each tick says so.
    assert told.count(("fetch_scheduled", run.pk)) == 3


def test_one_file_is_fetched_at_once(
    schedule: ScheduledImport, told: list[Any], workspace: Workspace
) -> None:
    """Bounce mailboxes are collected by the same workers."""
    busy = ScheduledImport.objects.create(
        workspace=workspace, name="Slow", url=schedule.url, every="day", at=schedule.at
    )
    soon = timezone.now() + timedelta(seconds=60)
    ScheduledRun.objects.create(schedule=busy, leased_until=soon, holder="another")
    run = schedule.runs.get()
    assert scheduledfetch.fetch(run.pk) is False
    assert run.pk in scheduledimports.without_worker(State.FETCHING)
    ScheduledRun.objects.filter(schedule=busy).update(state=State.JUDGING)
    assert scheduledfetch.fetch(run.pk)


def test_a_deleted_schedule_stops_its_worker(
    schedule: ScheduledImport, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = schedule.runs.get()
    store = scheduledfetch._store

    def deleted(*given: Any) -> int:
        scheduledimports.delete(schedule)
        return store(*given)

    monkeypatch.setattr(scheduledfetch, "_store", deleted)
    assert scheduledfetch.fetch(run.pk) is False
    assert not ScheduledImport.objects.exists()
    assert not ImportChunk.objects.exists()


def test_a_deleted_workspace_is_left_alone(confirmed: ScheduledImport) -> None:
    Workspace.objects.update(deleted_at=timezone.now())
    ScheduledImport.objects.update(next_at=timezone.now())
    assert scheduledimports.start_due() == 0


def test_paused_and_active_again(confirmed: ScheduledImport) -> None:
    assert scheduledimports.pause(confirmed, paused=True)
    assert not scheduledimports.pause(confirmed, paused=True)
    confirmed.refresh_from_db()
    assert (confirmed.state, confirmed.next_at) == ("paused", None)
    assert scheduledimports.pause(confirmed, paused=False)
    confirmed.refresh_from_db()
    assert confirmed.next_at


# Pages -------------------------------------------------------------------------------------------


@pytest.fixture
def form(server: FileServer) -> dict[str, str]:
    return {
        "name": "Shop",
        "url": server.url(),
        "login": "password",
        "username": "ann",
        "secret": "pa ss",
        "every": "week",
        "weekday": "2",
        "at": "05:30",
    }


def test_from_the_form_to_the_import(
    owner_client: Client, url: Callable[..., str], form: dict[str, str], told: list[Any]
) -> None:
    answer = owner_client.post(url("new_scheduled_import"), form)
    schedule = ScheduledImport.objects.get()
    assert answer["Location"] == url("scheduled_import", schedule.pk)
    assert (schedule.every, schedule.weekday, schedule.state) == ("week", 2, "setup")
    run = work(schedule)
    assert run.of_import
    page = owner_client.get(answer["Location"]).content.decode()
    assert "It is the first file: confirm its columns" in page
    assert "pa ss" not in page
    here = url("import", run.of_import.pk)
    assert "Fetched by" in owner_client.get(here).content.decode()
    checked = owner_client.get(f"{here}?step=check&now=1").content.decode()
    found = re.search(r'name="checked" value="(\w+)"', checked)
    assert found
    owner_client.post(url("start_import", run.of_import.pk), {"checked": found[1]})
    schedule.refresh_from_db()
    assert schedule.state == "active"
    page = owner_client.get(url("scheduled_import", schedule.pk)).content.decode()
    assert url("import", run.of_import.pk) in page
    assert "Shop" in owner_client.get(url("scheduled_imports")).content.decode()


SFTP = {"url": "sftp://localhost/a.csv", "login": "key"}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"url": "http://shop.example.com/"}, "must begin with https:// or sftp://."),
        ({"url": "sftp://localhost/a.csv", "login": "none"}, "SFTP needs a user"),
        ({"login": "key", "key": "x"}, "A private key is for sftp:// only."),
        (SFTP, "Paste the private key."),
        (SFTP | {"key": "rubbish"}, "This private key can&#x27;t be read."),
        (SFTP | {"key": "-----BEGIN OPENSSH PRIVATE KEY-----"}, "This private key can&#x27;t be"),
        ({"url": "https://ann:pw@shop.example.com/"}, "Leave user and password out"),
        ({"url": "https://10.1.2.3/"}, "inside a private network"),
        ({"url": "https://none.invalid/"}, "There is no server of this name"),
        ({"username": ""}, "Enter the user."),
        ({"secret": ""}, "Enter the password or the token."),
        ({"login": "token", "secret": "a b"}, "A token has only Latin letters"),
        ({"secret": "a\nb"}, "It has a line break"),
        ({"name": ""}, "This field is required."),
    ],
)
def test_wrong_input_is_explained_and_kept(
    owner_client: Client,
    url: Callable[..., str],
    form: dict[str, str],
    changed: dict[str, str],
    words: str,
) -> None:
    page = owner_client.post(url("new_scheduled_import"), form | changed).content.decode()
    assert words in page
    assert (form | changed)["url"] in page
    assert not ScheduledImport.objects.exists()


def test_a_stored_secret_stays_with_its_server(
    owner_client: Client, url: Callable[..., str], form: dict[str, str], told: list[Any]
) -> None:
    owner_client.post(url("new_scheduled_import"), form)
    schedule = ScheduledImport.objects.get()
    here = url("edit_scheduled_import", schedule.pk)
    kept = form | {"secret": ""}
    other_path = kept | {"url": form["url"].replace("people", "others")}
    assert owner_client.post(here, other_path).status_code == 302
    for changed in ({"url": "https://1.1.1.1/people.csv"}, {"username": "bob"}, {"login": "token"}):
        page = owner_client.post(here, kept | changed).content.decode()
        assert "Enter it again" in page
    schedule.refresh_from_db()
    assert secrets.decrypt(schedule.secret) == "pa ss"


def test_from_an_sftp_server_whose_key_is_confirmed(
    owner_client: Client,
    url: Callable[..., str],
    form: dict[str, str],
    told: list[Any],
    sftp: SftpServer,
) -> None:
    private = USER_KEY.export_private_key("openssh").decode()
    given = form | {"url": sftp.url(), "login": "key", "username": "ann", "key": private}
    here = owner_client.post(url("new_scheduled_import"), given)["Location"]
    schedule = ScheduledImport.objects.get()
    fingerprint = f"ssh-ed25519 {HOST_KEY.get_fingerprint()}"
    assert work(schedule).reasons == [["host_key", fingerprint]]
    page = owner_client.get(here).content.decode()
    assert "Compare the key of the server." in page
    assert fingerprint in page.replace("&#x2B;", "+")
    confirm = url("confirm_host_key", schedule.pk)
    owner_client.post(confirm, {"fingerprint": "another"})
    assert schedule.runs.count() == 1
    owner_client.post(confirm, {"fingerprint": fingerprint})
    assert codes(work(schedule)) == ["first"]
    page = owner_client.get(here).content.decode()
    assert "Compare the key of the server." not in page
    assert "Key of the server" in page
    # Another server has its place later.
    other = public(OTHER_KEY)
    ScheduledImport.objects.update(host_key=other)
    scheduledimports.drop_waiting(schedule)
    ScheduledRun.objects.create(schedule=schedule)
    assert codes(work(schedule)) == ["host_key_changed"]
    assert "shows another key than" in owner_client.get(here).content.decode()
    edit = url("edit_scheduled_import", schedule.pk)
    page = owner_client.post(edit, given | {"at": "x"}).content.decode()
    assert private.splitlines()[2] not in page
    # Another path is on the same server; the address of another server is not.
    kept = given | {"key": ""}
    assert owner_client.post(edit, kept | {"url": sftp.url("/b.csv")}).status_code == 302
    schedule.refresh_from_db()
    assert schedule.host_key == other
    moved = given | {"url": f"sftp://127.0.0.1:{sftp.port}/b.csv"}
    assert owner_client.post(edit, moved).status_code == 302
    schedule.refresh_from_db()
    assert (schedule.host_key, schedule.shown_key) == ("", "")


def test_run_pause_delete(  # noqa: PLR0917 - fixtures
    owner_client: Client,
    url: Callable[..., str],
    confirmed: ScheduledImport,
    server: FileServer,
    told: list[Any],
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        owner_client.post(url("run_scheduled_import", confirmed.pk))
    run = confirmed.runs.latest("pk")
    assert run.asked_by
    assert told[-1] == ("fetch_scheduled", run.pk)
    owner_client.post(url("run_scheduled_import", confirmed.pk))
    assert confirmed.runs.count() == 2
    owner_client.post(url("pause_scheduled_import", confirmed.pk))
    confirmed.refresh_from_db()
    assert confirmed.state == "paused"
    server.say(reply(HEAD))
    assert codes(work(confirmed)) == ["shrank"]
    owner_client.post(url("run_scheduled_import", confirmed.pk))
    assert Import.objects.filter(state="cancelled").count() == 1
    page = owner_client.get(url("scheduled_import", confirmed.pk)).content.decode()
    assert "Dismissed" in page
    owner_client.post(url("delete_scheduled_import", confirmed.pk))
    assert not ScheduledImport.objects.exists()
    assert Import.objects.filter(state="finished").exists()


def test_home_says_what_waits_and_what_fails(
    owner_client: Client,
    url: Callable[..., str],
    schedule: ScheduledImport,
    server: FileServer,
    told: list[Any],
) -> None:
    work(schedule)
    page = owner_client.get(url("home")).content.decode()
    assert "Shop: a fetched file waits for you" in page
    imports.cancel(Import.objects.get())
    server.say(reply(b"", status="404 Not Found"))
    ScheduledRun.objects.create(schedule=schedule)
    work(schedule)
    page = owner_client.get(url("home")).content.decode()
    assert "waits for you" not in page
    assert "Shop: the file can&#x27;t be fetched" in page
    assert "404 Not Found" in page


def test_a_query_is_not_shown_to_readers(
    make_member: Callable[..., User], schedule: ScheduledImport, url: Callable[..., str]
) -> None:
    ScheduledImport.objects.update(url="https://shop.example.com/a.csv?key=c0ffee")
    client = Client()
    client.force_login(make_member(schedule.workspace, Role.VIEWER))
    for page in (url("scheduled_import", schedule.pk), url("scheduled_imports")):
        assert "c0ffee" not in client.get(page).content.decode()
