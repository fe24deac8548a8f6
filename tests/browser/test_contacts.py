"""People and imports in a browser: from the upload to the rejects file, axe in each step."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Request, Route, expect

from accounts.models import User, Workspace
from contacts import tasks
from contacts.models import Attribute, Contact, Import, List, MailDomain, SavedMapping
from contacts.services import importreading, importrun
from tests.chromium import DESKTOP, PHONE
from tests.contacts.files import torture
from tests.contacts.test_import_cases import ANSWERS
from tests.contacts.test_importreading import CUSTOMERS
from tests.contacts.workbookfiles import xlsx

Axe = Callable[[Page], None]
Shot = Callable[[Page, str], None]
IMPORT = re.compile(r"/imports/\d+/$")
TABLE = (
    "姓名,电邮,城市,生日,备注\r\n"
    "王伟,wang@例子.测试,上海,2001-02-03,x\r\n"
    "Zoë,ZOE@b.example,Bern,1999-12-31,=1+1\r\n"
    "nobody,no address,Oslo,soon,\r\n"
)


@pytest.fixture(params=[DESKTOP, PHONE], ids=["1440", "390"])
def at(
    request: pytest.FixtureRequest, page: Page, owner: User, log_in: Callable[[User], None]
) -> Page:
    """Logged in, at both widths."""
    width, height = request.param
    page.set_viewport_size({"width": width, "height": height})
    log_in(owner)
    return page


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Imports are queued as always; this does what a worker would."""
    monkeypatch.setattr(tasks.run_import, "delay", lambda _pk: None)

    def work() -> None:
        file = Import.objects.get(state=Import.State.QUEUED)
        while importrun.run(file.pk):
            pass

    return work


CASES = Path(__file__).parent.parent / "cases" / "import"


def test_a_workbook_and_another_sheet_of_it(  # noqa: PLR0917 - fixtures
    at: Page,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    axe: Axe,
    shot: Shot,
) -> None:
    monkeypatch.setattr(tasks.read_import, "delay", lambda _pk: None)
    width = at.viewport_size["width"] if at.viewport_size else 0
    path = tmp_path / "customers.xlsx"
    path.write_bytes(xlsx({"客户": CUSTOMERS, "Old": {1: ["email"], 2: ["old@x.example"]}}))
    choose_file(at, path)
    expect(at.locator("#progress")).to_contain_text("The file is being unpacked and read.")
    axe(at)
    shot(at, f"workbook-1-{width}")
    importreading.read(Import.objects.get().pk)
    # The page notices it by itself.
    expect(at.get_by_label("What 电子邮件 becomes")).to_have_value("email")
    expect(at.get_by_label("Encoding")).to_have_count(0)
    axe(at)
    shot(at, f"workbook-2-{width}")
    at.get_by_label("Into the list").select_option("A new list…")
    at.get_by_label("Name of the new list").fill("Old ones")
    at.get_by_label("Sheet of the workbook").select_option("Old")
    expect(at.locator("#progress")).to_contain_text("The file is being unpacked and read.")
    importreading.read(Import.objects.get().pk)
    expect(at.get_by_label("What email becomes")).to_have_value("email")
    expect(at.get_by_label("Name of the new list")).to_have_value("Old ones")
    at.get_by_label("Name of the new list").fill("")
    at.get_by_role("button", name="Check what would happen").click()
    expect(at.get_by_text("Enter a name for the new list.").first).to_be_visible()
    at.get_by_label("Name of the new list").fill("Old ones")
    at.get_by_role("button", name="Check what would happen").click()
    expect(at.get_by_role("heading", name="What would happen")).to_be_visible()
    at.go_back()
    expect(at.get_by_label("Name of the new list")).to_have_value("Old ones")


def test_a_zip_file_that_can_not_be_read(
    at: Page, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, axe: Axe
) -> None:
    monkeypatch.setattr(tasks.read_import, "delay", importreading.read)
    (tmp_path / "people.zip").write_bytes(b"PK\x03\x04")
    choose_file(at, tmp_path / "people.zip")
    expect(at.get_by_role("alert")).to_contain_text("This ZIP file is damaged or incomplete.")
    axe(at)


def choose_file(page: Page, path: Path) -> None:
    page.goto("/w/brand/imports/new/")
    page.locator("#id_file").set_input_files(path)
    page.wait_for_url(IMPORT)


def test_from_the_upload_to_the_rejects(  # noqa: PLR0917 - fixtures
    at: Page,
    workspace: Workspace,
    by_hand: Callable[[], None],
    tmp_path: Path,
    axe: Axe,
    shot: Shot,
) -> None:
    width = at.viewport_size["width"] if at.viewport_size else 0
    at.goto("/w/brand/imports/new/")
    axe(at)
    shot(at, f"import-1-{width}")
    data, expected = torture(1200, encoding="gb18030", delimiter="\t")
    (tmp_path / "people.csv").write_bytes(data)
    choose_file(at, tmp_path / "people.csv")

    expect(at.get_by_label("Encoding")).to_have_value("gb18030")
    expect(at.get_by_label("What email becomes")).to_have_value("email")
    at.get_by_label("Into the list").select_option("new")
    at.get_by_label("Name of the new list").fill("News")
    axe(at)
    shot(at, f"import-2-{width}")
    at.get_by_role("button", name="Check what would happen").click()

    at.wait_for_url("**step=check")
    expect(at.get_by_role("heading", name="What would happen")).to_be_visible()
    axe(at)
    shot(at, f"import-3-{width}")
    assert not Contact.objects.exists()
    at.get_by_role("button", name="Start the import").click()

    expect(at.locator("#progress")).to_contain_text("Waiting for a worker")
    axe(at)
    shot(at, f"import-4-{width}")
    by_hand()
    expect(at.get_by_role("heading", name="What happened to")).to_be_visible()
    axe(at)
    shot(at, f"import-5-{width}")
    new = at.locator(".import-figures > *", has_text="New").locator(".figure")
    expect(new).to_have_text(f"{expected.valid:,}")
    with at.expect_download() as download:
        at.get_by_role("link", name="All of them as CSV").click()
    assert download.value.path().read_bytes().startswith(b"\xef\xbb\xbfLine,Reason")
    assert List.objects.get().subscriptions.count() == expected.valid

    at.get_by_role("button", name="Undo the import").click()
    expect(at.locator("#undo-import")).to_contain_text(f"{expected.valid:,} people")
    axe(at)
    at.get_by_role("button", name="Undo it").click()
    expect(at.locator(".note")).to_contain_text(f"{expected.valid:,} contacts removed")
    assert not Contact.objects.exists()


def test_pasted_lines_and_another_reading(at: Page, workspace: Workspace, axe: Axe) -> None:
    at.goto("/w/brand/imports/new/")
    at.get_by_text("Or paste the lines").click()
    at.get_by_label("Lines").fill(TABLE)
    at.get_by_role("button", name="Use these lines").click()
    at.wait_for_url(IMPORT)
    expect(at.get_by_label("What 姓名 becomes")).to_have_value("full_name")
    expect(at.get_by_label("What 电邮 becomes")).to_have_value("email")
    expect(at.get_by_label("Column names")).to_have_value("1")
    # Nothing leaves a doubt: how the file is read is folded, until somebody wants to change it.
    expect(at.get_by_label("Column names")).to_be_hidden()
    at.get_by_text("How the file is read").click()
    at.get_by_label("Column names").select_option("0")
    expect(at.get_by_label("What column 2 becomes")).to_have_value("email")
    expect(at.get_by_label("Column names")).to_have_value("0")
    expect(at.get_by_label("Column names")).to_be_visible()
    axe(at)


def test_choices_of_the_columns_survive_a_reload(at: Page, workspace: Workspace) -> None:
    at.goto("/w/brand/imports/new/")
    at.get_by_text("Or paste the lines").click()
    at.get_by_label("Lines").fill(TABLE)
    at.get_by_role("button", name="Use these lines").click()
    at.wait_for_url(IMPORT)
    with at.expect_response("**/draft/"):
        at.get_by_label("What 城市 becomes").select_option("")
    with at.expect_response("**/draft/"):
        at.get_by_label("Into the list").select_option("new")
    with at.expect_response("**/draft/"):
        at.get_by_label("Name of the new list").press_sequentially("Spring")
    at.reload()
    expect(at.get_by_label("What 城市 becomes")).to_have_value("")
    expect(at.get_by_label("Name of the new list")).to_have_value("Spring")
    at.get_by_role("button", name="Check what would happen").click()
    at.wait_for_url("**step=check")


HINTED = (
    "email,city\r\nann@gamil.com,Bern\r\nbo@qq.con,Oslo\r\ninfo@brand.example,Rome\r\n"
    "dee@mailinator.com,Bath\r\nann@gamil.com,Bern\r\nold@brand.example,Bern\r\n"
    "older@brand.example,Bern\r\n"
)


def test_hints_lines_and_values_that_an_undo_leaves(  # noqa: PLR0917 - fixtures
    at: Page,
    workspace: Workspace,
    by_hand: Callable[[], None],
    tmp_path: Path,
    axe: Axe,
    shot: Shot,
) -> None:
    width = at.viewport_size["width"] if at.viewport_size else 0
    Attribute.objects.create(workspace=workspace, key="city", label="City")
    for name in ("old", "older"):
        Contact.objects.create(
            workspace=workspace, email=f"{name}@brand.example", attributes={"city": "Bath"}
        )
    (tmp_path / "people.csv").write_text(HINTED, "utf-8")
    choose_file(at, tmp_path / "people.csv")
    axe(at)
    shot(at, f"import-folded-{width}")
    at.get_by_label("Overwrite with the file's values").check()
    at.get_by_role("button", name="Check what would happen").click()
    expect(at.get_by_role("heading", name="Worth a look")).to_be_visible()
    expect(at.locator("#hints")).to_contain_text("Looking for mail servers")
    axe(at)
    shot(at, f"import-hints-{width}")
    asked = ("gamil.com", "qq.con", "brand.example", "mailinator.com")
    MailDomain.objects.bulk_create(
        MailDomain(
            domain=one, answer="none" if one == "qq.con" else "mail", looked_at=timezone.now()
        )
        for one in asked
    )
    # The page notices it by itself.
    expect(at.get_by_role("link", name="1 address has a domain without")).to_be_visible()
    axe(at)
    at.get_by_role("link", name="2 addresses have a domain that may be mistyped").click()
    expect(at.get_by_role("cell", name="bo@qq.con")).to_be_visible()
    axe(at)
    shot(at, f"import-hinted-lines-{width}")
    at.get_by_role("link", name="Back to the check").click()
    at.get_by_role("link", name="Twice in the file").click()
    expect(at.get_by_role("cell", name="ann@gamil.com")).to_be_visible()
    at.get_by_role("link", name="Back to the check").click()
    at.get_by_role("button", name="Start the import").click()
    expect(at.locator("#progress")).to_contain_text("Waiting for a worker")
    by_hand()
    expect(at.get_by_role("heading", name="What happened to")).to_be_visible()
    at.get_by_role("link", name="Twice in the file").click()
    expect(at.get_by_role("link", name="ann@gamil.com")).to_be_visible()
    axe(at)
    shot(at, f"import-duplicates-{width}")
    Contact.objects.filter(email="old@brand.example").update(attributes={"city": "Oslo"})
    at.go_back()
    at.get_by_role("button", name="Undo the import").click()
    expect(at.locator("#undo-import")).to_contain_text("for 2 people you knew before")
    axe(at)
    shot(at, f"import-undo-{width}")
    at.get_by_role("button", name="Undo it").click()
    expect(at.locator(".note")).to_contain_text("1 contact has its former values again.")
    shot(at, f"import-undone-{width}")
    at.get_by_role("link", name="1 contact keeps values that were changed").click()
    expect(at.get_by_role("listitem").filter(has_text="City: Oslo")).to_be_visible()
    axe(at)
    shot(at, f"import-stayed-{width}")


def test_words_of_a_status_column_are_answered(
    at: Page, workspace: Workspace, by_hand: Callable[[], None], axe: Axe, shot: Shot
) -> None:
    width = at.viewport_size["width"] if at.viewport_size else 0
    choose_file(at, CASES / "02-status-words.csv")
    at.get_by_label("Into the list").select_option("new")
    at.get_by_label("Name of the new list").fill("News")
    at.get_by_role("button", name="Check what would happen").click()
    expect(at.get_by_role("link", name="9 people wait for an answer")).to_be_visible()
    axe(at)
    shot(at, f"import-words-{width}")
    word = at.get_by_label("What “Soft bounced” means")
    word.focus()
    word.select_option("Subscribed")
    for number, meaning in ANSWERS.items():
        at.locator(f"select[name=meaning_{number}]").select_option(meaning)
    at.get_by_role("button", name="Save the answers and check again").press("Enter")
    expect(at.locator(".note")).to_contain_text("9 answers are saved.")
    expect(at.get_by_role("heading", name="Status words")).to_be_visible()
    axe(at)
    at.get_by_role("button", name="Start the import").click()
    expect(at.locator("#progress")).to_contain_text("Waiting for a worker")
    by_hand()
    expect(at.get_by_role("heading", name="What happened to")).to_be_visible()
    on = List.objects.get().subscriptions.filter(status="subscribed")
    assert set(on.values_list("contact__email", flat=True)) == {
        "keep.one@people.example", "soft.bounced@people.example",
    }  # fmt: skip


def test_an_upload_goes_on_where_it_stopped(at: Page, workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    path.write_bytes(
        b"email,note\n" + b"".join(b"p%d@b.example,%s\n" % (n, b"x" * 90) for n in range(90_000))
    )
    at.goto("/w/brand/imports/new/")
    sent: list[str] = []

    def hang(route: Route, request: Request) -> None:
        sent.append(request.url)
        if len(sent) < 2 or "again" in sent:
            route.continue_()

    at.route("**/piece/**", hang)
    at.locator("#id_file").set_input_files(path)
    expect(at.locator("[data-upload-say]")).to_contain_text("4 of 9.3 MB")
    at.on("dialog", lambda dialog: dialog.accept())
    at.reload()
    sent[:] = ["again"]
    at.locator("#id_file").set_input_files(path)
    at.wait_for_url(IMPORT)
    offsets = [url.partition("offset=")[2] for url in sent if "offset=" in url]
    assert offsets == ["0", str(4 << 20), str(8 << 20)]
    assert Import.objects.get().size == path.stat().st_size


def test_who_is_ticked_stays_ticked_when_no_list_is_chosen(at: Page, workspace: Workspace) -> None:
    news = List.objects.create(workspace=workspace, name="News")
    Contact.objects.bulk_create(
        Contact(workspace=workspace, email=f"p{n}@b.example") for n in range(3)
    )
    at.goto("/w/brand/contacts/")
    for n in range(2):
        at.get_by_label(f"Select p{n}@b.example").check()
    choice = at.get_by_label("List for these contacts")
    for button in ("Add to list", "Remove from list"):
        at.get_by_role("button", name=button).click()
        expect(choice).to_be_focused()
        assert choice.evaluate("one => one.validationMessage") == "Choose a list first."
        expect(at.locator("[name=pk]:checked")).to_have_count(2)
    choice.select_option("News")
    at.get_by_role("button", name="Add to list").click()
    expect(at.locator(".note")).to_contain_text("2 contacts added to News")
    assert news.subscriptions.count() == 2
    # What needs no list asks for none.
    at.get_by_label("Select p2@b.example").check()
    at.get_by_role("button", name="Suppress").click()
    expect(at.locator(".note")).to_contain_text("1 person gets no more mail")


def test_people_selected_and_brought_back(
    at: Page, workspace: Workspace, axe: Axe, shot: Shot
) -> None:
    news = List.objects.create(workspace=workspace, name="News")
    Contact.objects.bulk_create(
        Contact(workspace=workspace, email=f"p{n}@b.example", first_name="Ann", last_name=f"L{n}")
        for n in range(60)
    )
    at.goto("/w/brand/contacts/")
    width = at.viewport_size["width"] if at.viewport_size else 0
    if width == DESKTOP[0]:
        at.get_by_label("Select this page").check()
        at.get_by_label("Select all 60 in this result").check()
    else:
        at.get_by_label("Select p59@b.example").check()
    at.get_by_label("List for these contacts").select_option("News")
    axe(at)
    shot(at, f"people-selected-{width}")
    at.get_by_role("button", name="Add to list").click()
    expect(at.locator(".note")).to_contain_text("added to News")
    assert news.subscriptions.count() == (60 if width == DESKTOP[0] else 1)
    at.locator(".note").get_by_role("button", name="Undo").click()
    expect(at.locator(".note")).to_contain_text("Undone")
    assert not news.subscriptions.exists()
    at.wait_for_load_state()
    at.get_by_placeholder("Address or name").fill("p17")
    expect(at.locator("#results tbody tr")).to_have_count(1)
    at.get_by_role("link", name="p17@b.example").click()
    expect(at.get_by_role("heading", name="What happened")).to_be_visible()
    axe(at)
    shot(at, f"person-{width}")


def test_a_mapping_is_remembered_and_left_again(
    at: Page, workspace: Workspace, tmp_path: Path, axe: Axe, shot: Shot
) -> None:
    width = at.viewport_size["width"] if at.viewport_size else 0
    (tmp_path / "people.csv").write_text("Mail,Town\nann@a.example,Bath\n", "utf-8")
    choose_file(at, tmp_path / "people.csv")
    at.get_by_label("What Town becomes").select_option("")
    at.get_by_label("Remember this mapping").check()
    at.get_by_label("As", exact=True).fill("Shop")
    at.get_by_role("button", name="Check what would happen").click()
    at.wait_for_url("**step=check")
    assert SavedMapping.objects.get().name == "Shop"

    choose_file(at, tmp_path / "people.csv")
    expect(at.get_by_label("What Town becomes")).to_have_value("")
    axe(at)
    shot(at, f"import-mapping-{width}")
    at.get_by_label("Begin with").select_option("Our own guess")
    expect(at.get_by_label("What Town becomes")).to_have_value("new:town:text")
    at.goto("/w/brand/imports/mappings/")
    axe(at)
    shot(at, f"mappings-{width}")
    at.get_by_role("link", name="Shop").click()
    expect(at.get_by_label("Name", exact=True)).to_have_value("Shop")
    axe(at)
