"""What is chosen on the page of an import's columns and not checked yet, through its page."""

import json
import re

import pytest
from django.test import Client

from accounts.models import Workspace
from contacts.models import Import
from contacts.services import importdrafts, importfile, importreading, importuploads
from tests.contacts.test_importreading import CUSTOMERS, uploaded
from tests.contacts.test_imports import received
from tests.contacts.workbookfiles import Cell, xlsx

pytestmark = pytest.mark.django_db
LINES = "email,city\na@x.example,Bern\n"
OTHER: dict[int, list[Cell]] = {1: ["email", "city"], 2: ["old@x.example", "Bern"]}
SELECTED = re.compile(r'<option value="([^"]*)"[^>]*\bselected\b')


def base(import_: Import) -> str:
    return f"/w/brand/imports/{import_.pk}/"


def shown(client: Client, import_: Import) -> str:
    return client.get(base(import_)).content.decode()


def form_of(page: str, **changes: str) -> dict[str, str]:
    """The form of the page as a browser would send it, with these changes."""
    form = page[page.index('<form id="import-form"') :].split("</form>", maxsplit=1)[0]
    found: dict[str, str] = {}
    for tag in re.findall(r"<input [^>]*>", form):
        told = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if told.get("type") not in {"checkbox", "radio"} or " checked" in tag:
            found[told["name"]] = told.get("value", "")
    selects = re.compile(r'<select [^>]*name="(\w+)".*?>(.*?)</select>', re.DOTALL)
    for name, options in selects.findall(form):
        first = re.search(r'<option value="([^"]*)"', options)
        found[name] = (SELECTED.findall(options) or [first[1] if first else ""])[0]
    return found | changes


def keep(client: Client, import_: Import, form: dict[str, str]) -> None:
    assert client.post(f"{base(import_)}draft/", form).status_code == 204


def test_a_reload_loses_nothing(owner_client: Client, workspace: Workspace) -> None:
    file = received(workspace, LINES)
    before = form_of(shown(owner_client, file))
    assert before["column_1"] == "new:city:text"
    choices = {
        "column_1": "last_name",
        "list": "new",
        "new_list": "Spring",
        "consent": "explicit",
        "known": "skip",
        "dates": "dmy",
        "remember": "on",
        "mapping_name": "Shop",
    }
    keep(owner_client, file, before | choices)
    for language in ("en", "zh-hans"):
        owner_client.post("/language/", {"language": language})
        assert form_of(shown(owner_client, file)).items() >= choices.items()
    file.refresh_from_db()  # nothing is confirmed
    assert (file.mapping, file.new_list) == (["email", "new:city:text"], "")
    sent = owner_client.post(f"{base(file)}columns/", form_of(shown(owner_client, file)))
    assert sent["Location"].endswith("?step=check")
    file.refresh_from_db()
    assert (file.mapping, file.new_list) == (["email", "last_name"], "Spring")
    assert importdrafts.of(file) == {}


def begun(client: Client, first: bytes, size: int) -> tuple[Import, dict[str, str]]:
    """An upload of which the first bytes are there, and its addresses."""
    body = json.dumps({"name": "people.csv", "size": size})
    told = client.post("/w/brand/imports/begin/", body, content_type="application/json").json()
    client.post(f"{told['upload']}?offset=0", first, content_type="application/octet-stream")
    return Import.objects.get(), told


def test_columns_are_chosen_while_the_file_arrives(
    owner_client: Client, workspace: Workspace
) -> None:
    """The whole file shows another encoding than its beginning: what nobody has chosen follows."""
    first = b"email,city\n" + b"a@x.example,Bern\n" * 61_681
    first = first[: importfile.CHUNK]
    rest = b"\n" + "b@x.example,北京市\n".encode("gb18030") * 20
    file, told = begun(owner_client, first, len(first) + len(rest))
    page = owner_client.get(told["columns"]).content.decode()
    assert "The file is still arriving" in page
    assert "Check what would happen" not in page
    form = form_of(page)
    assert (form["encoding"], form["column_1"]) == ("utf-8", "new:city:text")
    keep(owner_client, file, form | {"column_1": "last_name", "consent": "explicit"})
    assert form_of(owner_client.get(told["columns"]).content.decode())["column_1"] == "last_name"
    assert not file.dialect
    owner_client.post(
        f"{told['upload']}?offset={len(first)}", rest, content_type="application/octet-stream"
    )
    assert owner_client.post(told["finish"]).json()["next"] == base(file)
    after = form_of(shown(owner_client, file))
    assert (after["column_1"], after["consent"]) == ("last_name", "explicit")
    assert after["encoding"] == "gb18030"


def test_a_reading_that_was_chosen_while_the_file_arrives_stays(
    owner_client: Client, workspace: Workspace
) -> None:
    first = (b"email;city\n" + b"a@x.example;Bern\n" * 61_681)[: importfile.CHUNK]
    file, told = begun(owner_client, first, len(first) + 10)
    form = form_of(owner_client.get(told["columns"]).content.decode(), delimiter="comma")
    url = f"{base(file)}columns/?reread=1"
    again = form_of(owner_client.post(url, form).content.decode())
    assert (again["delimiter"], "column_1" in again) == ("comma", False)
    keep(owner_client, file, again)
    owner_client.post(told["finish"])
    assert form_of(shown(owner_client, file))["delimiter"] == "comma"


def test_what_can_not_be_read_while_it_arrives_says_so(
    owner_client: Client, workspace: Workspace
) -> None:
    for first, words in (
        (xlsx({"Sheet1": OTHER})[:600], "has its table of contents at its end"),
        (b"\x00\x01\x02\x03" * 100, 'class="alert alert-warning'),
    ):
        Import.objects.all().delete()
        _file, told = begun(owner_client, first, 5 * importfile.CHUNK)
        answer = owner_client.get(told["columns"])
        assert (answer.status_code, words in answer.content.decode()) == (200, True)


def test_another_reading_survives_a_reload(owner_client: Client, workspace: Workspace) -> None:
    file = received(workspace, LINES)
    before = form_of(shown(owner_client, file), column_1="last_name")
    keep(owner_client, file, before)
    changed = before | {"header": "0"}
    owner_client.post(f"{base(file)}columns/?reread=1", changed)
    # The form as it was changed arrives late: its columns were of the other reading.
    keep(owner_client, file, changed | {"column_1": "full_name"})
    after = form_of(shown(owner_client, file))
    assert (after["header"], after["column_0"], after["column_1"]) == ("0", "email", "last_name")


def test_forged_and_late_choices(owner_client: Client, workspace: Workspace) -> None:
    file = received(workspace, LINES)
    importdrafts.keep(file, "7", {"list": ""})
    assert file.drafts == []
    importdrafts.keep(file, "", {"known": "x" * 5000, "other": "x", "column_1000": "email"})
    assert importdrafts.of(file) == {"known": "x" * importdrafts.LONGEST}
    assert shown(owner_client, file)
    importdrafts.forget(file)
    Import.objects.update(state=Import.State.RUNNING)
    importdrafts.keep(file, "", {"known": "skip"})
    assert Import.objects.get().drafts == []


@pytest.fixture
def book(owner_client: Client) -> Import:
    file = uploaded(owner_client, xlsx({"客户": CUSTOMERS, "Old": OTHER}), "a.xlsx")
    importreading.read(file.pk)
    file.refresh_from_db()
    return file


def choose(client: Client, file: Import, form: dict[str, str], sheet: str) -> None:
    client.post(f"{base(file)}sheet/", form | {"sheet": sheet})
    importreading.read(file.pk)
    file.refresh_from_db()
    assert (file.state, file.dialect["sheet"]) == (Import.State.READY, int(sheet))


def test_the_columns_of_a_sheet_are_there_again(owner_client: Client, book: Import) -> None:
    form = form_of(shown(owner_client, book), column_4="last_name", consent="explicit")
    choose(owner_client, book, form, "1")
    other = form_of(shown(owner_client, book), consent="customer")
    assert (other["shown_sheet"], other["column_1"]) == ("1", "new:city:text")
    choose(owner_client, book, other, "0")
    again = form_of(shown(owner_client, book))
    assert (again["column_4"], again["consent"]) == ("last_name", "customer")


@pytest.mark.parametrize("query", ["", "?reread=1"])
@pytest.mark.parametrize("is_read", [True, False], ids=["read", "being read"])
def test_the_form_of_another_sheet_is_refused(
    owner_client: Client, book: Import, query: str, is_read: bool
) -> None:
    """Two windows: one chooses another sheet, then the other one sends its columns."""
    old = form_of(shown(owner_client, book), column_4="last_name")
    importuploads.choose_sheet(book, 1, enqueue=lambda _pk: None)
    if is_read:
        importreading.read(book.pk)
    page = owner_client.post(f"{base(book)}columns/{query}", old, follow=True).content.decode()
    assert "The sheet “Old” was chosen in another window meanwhile." in page
    importreading.read(book.pk)
    book.refresh_from_db()
    assert book.mapping == ["email", "new:city:text"]
    # What was chosen there isn't lost.
    choose(owner_client, book, form_of(shown(owner_client, book)), "0")
    assert form_of(shown(owner_client, book))["column_4"] == "last_name"
