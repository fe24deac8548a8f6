"""The pages of imports from an address."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation

from accounts import secrets
from accounts.models import User
from accounts.permissions import Role
from contacts import fetchreasons
from contacts.models import Import
from contacts.scheduledmodels import ScheduledImport, ScheduledRun
from contacts.services import (
    imports,
    scheduledaddresses,
    scheduledimports,
)
from tests.contacts.fileservers import FileServer, reply
from tests.contacts.scheduledscene import HEAD, codes, work
from tests.contacts.sftpservers import HOST_KEY, OTHER_KEY, USER_KEY, SftpServer, public
from tests.contacts.sftpservers import serving as serving_sftp

pytestmark = pytest.mark.django_db


@pytest.fixture
def sftp(tmp_path: Path) -> Iterator[SftpServer]:
    with serving_sftp(tmp_path) as server:
        yield server


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
    assert "It was the first file; a person confirmed its columns" in page
    assert fetchreasons.DONE.keys() == fetchreasons.DOUBT.keys()
    assert "Shop" in owner_client.get(url("scheduled_imports")).content.decode()


SFTP = {"url": "sftp://localhost/a.csv", "login": "key"}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"url": "http://shop.example.com/"}, "must begin with https:// or sftp://."),
        ({"url": "sftp://localhost/a.csv", "login": "none"}, "SFTP needs a user"),
        ({"login": "key", "key": "x"}, "A private key is for sftp:// only."),
        (SFTP, "Paste the private key."),
        (SFTP | {"key": "rubbish"}, "The private key can&#x27;t be read."),
        (SFTP | {"key": "-----BEGIN OPENSSH PRIVATE KEY-----"}, "The private key can&#x27;t be"),
        (SFTP | {"key": public(USER_KEY)}, "This is the public key"),
        ({"url": "sftp://localhost", "login": "key"}, "such as sftp://files.example.com"),
        ({"url": "https://localhost/a.csv?…"}, "Enter the whole address"),
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


def test_a_query_is_shown_to_nobody_and_kept(  # noqa: PLR0917 - fixtures
    owner_client: Client,
    make_member: Callable[..., User],
    server: FileServer,
    url: Callable[..., str],
    form: dict[str, str],
    told: list[Any],
) -> None:
    whole = form | {"url": server.url("/people.csv?key=c0ffee")}
    owner_client.post(url("new_scheduled_import"), whole)
    schedule = ScheduledImport.objects.get()
    edit = url("edit_scheduled_import", schedule.pk)
    client = Client()
    client.force_login(make_member(schedule.workspace, Role.VIEWER))
    pages = [
        client.get(url("scheduled_import", schedule.pk)),
        client.get(url("scheduled_imports")),
        owner_client.get(edit),
    ]
    for page in pages:
        assert f"{server.url()}?…" in page.content.decode()
        assert "c0ffee" not in page.content.decode()
    assert "c0ffee" not in schedule.url
    kept = form | {"url": f"{server.url()}?…", "name": "Store", "secret": ""}
    assert owner_client.post(edit, kept).status_code == 302
    work(schedule)
    assert server.asked[-1].startswith("GET /people.csv?key=c0ffee HTTP")
    other = owner_client.post(edit, kept | {"url": f"{server.url('/b.csv')}?…"})
    assert "Enter the whole address" in other.content.decode()
    owner_client.post(edit, kept | {"url": server.url("/people.csv?key=new")})
    schedule.refresh_from_db()
    assert scheduledaddresses.whole(schedule) == server.url("/people.csv?key=new")
    owner_client.post(edit, kept | {"url": server.url()})
    schedule.refresh_from_db()
    assert (schedule.name, schedule.query) == ("Store", None)


def test_the_page_follows_the_file(
    owner_client: Client, url: Callable[..., str], schedule: ScheduledImport, told: list[Any]
) -> None:
    here, moving = (url(name, schedule.pk) for name in ("scheduled_import", "scheduled_progress"))
    ScheduledRun.objects.update(size=3_000_000)
    page = owner_client.get(here).content.decode()
    assert f'hx-get="{moving}"' in page
    assert "Cancel the fetch" in page
    answer = owner_client.get(moving)
    assert "2.9\xa0MB fetched" in answer.content.decode()
    assert "HX-Refresh" not in answer
    run = work(schedule)
    # Who asked for it comes to the file; others see that it waits.
    assert owner_client.get(moving)["HX-Redirect"] == url("import", run.of_import_id)
    ScheduledRun.objects.update(asked_by=None)
    assert owner_client.get(moving)["HX-Refresh"] == "true"
    page = owner_client.get(here).content.decode()
    assert moving not in page
    assert "Look at the file" in page


def test_a_fetch_is_cancelled(
    owner_client: Client, url: Callable[..., str], schedule: ScheduledImport
) -> None:
    cancel = url("cancel_scheduled_run", schedule.pk)
    page = owner_client.post(cancel, follow=True).content.decode()
    assert "The fetch is cancelled." in page
    assert "Cancelled" in page
    assert "Somebody cancelled it." in page
    assert "The last fetch failed." not in page
    page = owner_client.post(cancel, follow=True).content.decode()
    assert "The file is fetched already." in page


def test_a_run_says_what_happens(
    owner_client: Client, url: Callable[..., str], confirmed: ScheduledImport
) -> None:
    here = url("scheduled_import", confirmed.pk)
    busy = ScheduledImport.objects.create(
        workspace=confirmed.workspace, name="Slow", url=confirmed.url, every="day", at=confirmed.at
    )
    waits = ScheduledRun.objects.create(schedule=confirmed)
    assert "Being fetched" in owner_client.get(here).content.decode()
    soon = timezone.now() + timedelta(minutes=1)
    ScheduledRun.objects.create(schedule=busy, leased_until=soon, holder="another")
    assert "Waits until another file is fetched" in owner_client.get(here).content.decode()
    assert "Being fetched" in owner_client.get(url("scheduled_import", busy.pk)).content.decode()
    waits.delete()
    Import.objects.update(state=Import.State.RUNNING)
    page = owner_client.get(here).content.decode()
    assert "Being imported" in page
    assert "Progress of the import" in page
    for state, words in (("finished", "Imported"), ("failed", "Failed")):
        Import.objects.update(state=state)
        page = owner_client.get(here).content.decode()
        assert f"<span>{words}</span>" in page


def test_a_failure_is_seen(
    owner_client: Client,
    url: Callable[..., str],
    schedule: ScheduledImport,
    server: FileServer,
    told: list[Any],
) -> None:
    server.say(reply(b"", status="404 Not Found"))
    work(schedule)
    assert "Failed" in owner_client.get(url("scheduled_imports")).content.decode()
    page = owner_client.get(url("scheduled_import", schedule.pk)).content.decode()
    assert "The last fetch failed." in page
    assert 'class="blank" data-label="File"' in page
    ScheduledImport.objects.update(failures=0)
    assert "Failed" not in owner_client.get(url("scheduled_imports")).content.decode()


def test_runs_have_pages_of_twenty(
    owner_client: Client, url: Callable[..., str], schedule: ScheduledImport
) -> None:
    ScheduledRun.objects.bulk_create(
        ScheduledRun(schedule=schedule, state="failed") for _number in range(20)
    )
    page = owner_client.get(url("scheduled_import", schedule.pk)).content.decode()
    assert page.count('class="main"') == 20


def test_no_log_in_is_not_no_encryption() -> None:
    with translation.override("zh-hans"):
        assert str(ScheduledImport.Login.NONE.label) == "不登录"
