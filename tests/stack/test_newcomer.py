"""A newcomer's first hour, in a browser, on `manage.py up` with nothing set: the owner's account,
an import, a design, a campaign that starts at its time, bounces that come back, the report."""

import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.chromium import DESKTOP, Watch, assert_accessible
from tests.contacts.files import torture
from tests.stack.installation import Installation, running, wait_for

# What the sandbox does with an address is in its local part.
TRICKS = ("bounce", "reject", "softbounce", "complain", "autoreply", "blocked")
EACH = 3
PEOPLE = 400


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    with running(sandbox=True) as installation:
        yield installation


@pytest.fixture
def page(new_context: Callable[..., BrowserContext], installation: Installation) -> Iterator[Page]:
    width, height = DESKTOP
    context = new_context(
        base_url=installation.address(),
        viewport={"width": width, "height": height},
        timezone_id="Asia/Shanghai",
    )
    context.set_default_timeout(30_000)
    watch = Watch(context, installation.address())
    yield context.new_page()
    assert not watch.wrong, "\n".join(watch.wrong)


def shot(page: Page, name: str) -> None:
    if directory := os.environ.get("YANSHU_TEST_SHOTS"):
        Path(directory).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(directory) / f"newcomer-{name}.png", full_page=True)


def seen(page: Page, name: str) -> None:
    """A page that the newcomer passes is accessible."""
    assert_accessible(page)
    shot(page, name)


def make_account(page: Page, installation: Installation) -> None:
    wait_for(lambda: "works once" in installation.said(), 30)
    link = re.search(r"http\S+/setup/\S+", installation.said())
    assert link
    page.goto(link[0])
    page.get_by_label("Your name").fill("Yan")
    page.get_by_label("E-mail").fill("yan@brand.example")
    page.get_by_label("Password", exact=True).first.fill("correct horse battery")
    page.get_by_label("Name of the workspace").fill("Brand")
    seen(page, "setup")
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url("**/w/brand/")
    seen(page, "home")


def import_people(page: Page, file: dict[str, str | bytes], into: str) -> None:
    page.goto("/w/brand/imports/new/")
    page.set_input_files("#id_file", file)  # type: ignore[arg-type]
    page.wait_for_url(re.compile(r"/imports/\d+/"))
    page.locator("select[name=list]").select_option("new")
    page.locator("[name=new_list]").fill(into)
    seen(page, "columns")
    page.get_by_role("button", name="Check what would happen").click()
    page.get_by_role("button", name="Start the import").wait_for()
    page.wait_for_load_state("networkidle")
    seen(page, "check")
    page.get_by_role("button", name="Start the import").click()
    page.get_by_text(f"newly on the list {into}").wait_for()
    seen(page, "imported")


def make_design(page: Page) -> None:
    page.goto("/w/brand/designs/new/")
    page.get_by_role("button", name="Use").first.click()
    page.wait_for_url(re.compile(r"/designs/\d+/"))
    # The links of the template are placeholders.
    expect(page.get_by_text("things to look at")).to_be_visible()
    seen(page, "design")


def section(page: Page, name: str) -> None:
    summary = page.locator("summary").filter(has_text=name).first
    if not summary.evaluate("element => element.parentElement.open"):
        summary.click()


def compose(page: Page) -> None:
    page.goto("/w/brand/")
    page.get_by_role("link", name="New campaign").first.click()
    page.get_by_label("Name").fill("Spring sale 春季大促")
    page.get_by_role("button", name="Create campaign").click()
    page.wait_for_url(re.compile(r"/campaigns/\d+/"))
    for place in (0, 1):
        page.locator(f"#id_lists_in_{place}").check()
    saved(page)
    section(page, "From")
    page.locator("#id_from_email").fill("news@brand.example")
    saved(page)
    section(page, "Subject")
    page.locator("#id_subject").fill("{{ first_name|default('你好') }}，春季新品")
    saved(page)
    section(page, "Content")
    page.locator("input[name=design]").first.check(force=True)
    saved(page)
    section(page, "When")
    page.locator("#id_when_1").check()
    # The first whole minute that is at least ten seconds away, in the person's zone.
    at = datetime.now(UTC) + timedelta(hours=8, seconds=69)
    page.locator("#id_date").fill(at.strftime("%Y-%m-%d"))
    page.locator("#id_time").fill(at.strftime("%H:%M"))
    saved(page)
    expect(page.get_by_role("heading", name="Ready")).to_be_visible()
    seen(page, "composer")


def saved(page: Page) -> None:
    """Leaves the field; the page saves by itself."""
    with page.expect_response(
        lambda answer: answer.request.method == "POST" and "/campaigns/" in answer.url
    ):
        page.keyboard.press("Tab")


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.timeout(400)
def test_from_an_empty_machine_to_a_report_that_closes(
    page: Page, installation: Installation
) -> None:
    make_account(page, installation)
    data, _ = torture(PEOPLE)
    people: dict[str, str | bytes] = {"name": "people.csv", "mimeType": "text/csv"}
    people["buffer"] = data
    import_people(page, people, "Newsletter")
    # As a spreadsheet in Chinese writes it: GB18030, tabs between the columns.
    lines = [f"{trick}+{n}@tricky.example\t{trick} 先生" for trick in TRICKS for n in range(EACH)]
    tricky = "\r\n".join(["电子邮件\t姓名", *lines]).encode("gb18030")
    import_people(page, {"name": "难题.txt", "mimeType": "text/plain", "buffer": tricky}, "Tricky")
    make_design(page)
    compose(page)

    page.get_by_role("link", name="Review and schedule").click()
    page.wait_for_url("**/review/")
    page.wait_for_load_state("networkidle")
    seen(page, "review")
    page.get_by_role("button", name=re.compile("^Schedule for")).click()
    page.locator("main .state", has_text="Scheduled").first.wait_for()
    seen(page, "scheduled")

    page.locator("main .state", has_text="Finished").first.wait_for(timeout=180_000)
    wait_for(lambda: bounces(installation) == {"hard_bounced": 2 * EACH, "complained": EACH}, 60)
    page.reload()
    seen(page, "report")
    targeted, accepted, failed, unknown = installation.rows(
        "SELECT targeted, accepted, failed, unknown FROM sending_tally"
    )[0]
    assert (failed, unknown) == (EACH, 0)
    assert targeted == accepted + failed
    suppressed = {row[0] for row in installation.rows("SELECT value FROM contacts_suppression")}
    gone = ("bounce", "reject", "complain")
    assert suppressed == {f"{trick}+{n}@tricky.example" for trick in gone for n in range(EACH)}
    late = installation.rows(
        "SELECT extract(epoch FROM m.opened_at - c.scheduled_at) FROM campaigns_campaign c"
        " JOIN sending_mailing m ON m.id = c.mailing_id"
    )[0][0]
    assert 0 <= late <= 5


def bounces(installation: Installation) -> dict[str, int]:
    """Messages with a hard bounce (by mail or at once) and with a complaint."""
    return dict(
        installation.rows(
            "SELECT kind, count(DISTINCT message_id) FROM sending_event"
            " WHERE kind IN ('hard_bounced', 'complained') GROUP BY 1"
        )
    )
