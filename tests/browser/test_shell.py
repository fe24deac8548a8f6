"""The shell in a browser: palette, theme, menu, toasts, drafts."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from accounts.models import User, Workspace
from contacts.models import List
from tests.chromium import PHONE

TEMPLATES = Path(__file__).parent.parent / "pages" / "templates"


@pytest.fixture
def sample(
    settings: Settings,
    owner: User,
    workspace: Workspace,
    log_in: Callable[[User], None],
    page: Page,
) -> Page:
    """The sample page of tests.pages, opened."""
    settings.ROOT_URLCONF = "tests.pages.sample"
    engine = {**settings.TEMPLATES[0]}
    settings.TEMPLATES = [{**engine, "DIRS": [*engine["DIRS"], TEMPLATES]}]
    for number in range(5):
        List.objects.create(workspace=workspace, name=f"List {number}")
    log_in(owner)
    page.goto("/w/brand/sample/")
    return page


def test_palette_finds_an_action_and_goes_there(sample: Page) -> None:
    sample.keyboard.press("Control+k")
    expect(sample.locator("#palette")).to_be_visible()
    sample.keyboard.type("sampl")
    expect(sample.locator("#palette-hits a[aria-selected=true]")).to_contain_text("Sample action")
    sample.keyboard.press("Enter")
    sample.wait_for_url("**/w/brand/sample/")


def test_theme_is_kept(sample: Page) -> None:
    sample.get_by_role("button", name="Light or dark").click()
    sample.get_by_role("button", name="Dark", exact=True).click()
    expect(sample.locator("html")).to_have_attribute("data-bs-theme", "dark")
    sample.reload()
    expect(sample.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_menu_of_a_narrow_window(sample: Page) -> None:
    sample.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    expect(sample.locator("#sidebar")).not_to_be_visible()
    sample.get_by_role("button", name="Menu", exact=True).click()
    expect(sample.locator("#sidebar")).to_be_visible()
    sample.keyboard.press("Escape")
    expect(sample.locator("#sidebar")).not_to_be_visible()


def test_shortcuts_open_and_close(sample: Page, axe: Callable[[Page], None]) -> None:
    sample.keyboard.press("?")
    expect(sample.locator("#shortcuts")).to_be_visible()
    axe(sample)
    sample.keyboard.press("Escape")
    expect(sample.locator("#shortcuts")).not_to_be_visible()


def test_what_was_typed_is_there_after_a_reload(sample: Page) -> None:
    sample.get_by_label("Address").fill("half@typed")
    expect(sample.locator("form[data-draft][data-kept]")).to_be_attached()
    sample.reload()
    expect(sample.get_by_label("Address")).to_have_value("half@typed")
    sample.get_by_role("button", name="Discard").click()
    expect(sample.get_by_label("Address")).to_have_value("")


def test_errors_stand_beside_their_field(sample: Page, axe: Callable[[Page], None]) -> None:
    sample.get_by_label("Address").fill("nonsense")
    sample.get_by_role("button", name="Save").click()
    expect(sample.get_by_label("Address")).to_have_attribute("aria-invalid", "true")
    expect(sample.get_by_label("Address")).to_have_value("nonsense")
    expect(sample.locator("#id_email_error")).to_be_visible()
    axe(sample)


def test_undo_toast(sample: Page) -> None:
    sample.get_by_role("button", name="Delete").click()
    toast = sample.locator(".note", has_text="Deleted.")
    expect(toast).to_be_visible()
    toast.get_by_role("button", name="Undo").click()
    expect(sample.locator(".note", has_text="Restored.")).to_be_visible()


def test_selection_of_a_page_and_of_the_whole_result(sample: Page) -> None:
    sample.get_by_label("Select this page").check()
    expect(sample.locator("[data-bulk-count]")).to_have_text("2 selected")
    sample.get_by_label("Select all 5 in this result").check()
    expect(sample.locator("[data-bulk-count]")).to_have_text("All 5 in this result are selected")
    sample.get_by_role("button", name="Archive").click()
    expect(sample.locator(".note")).to_contain_text("5 archived")


def test_filter_while_typing(sample: Page) -> None:
    sample.get_by_placeholder("Name of the list").fill("List 3")
    expect(sample.locator("#results tbody tr")).to_have_count(1)
    sample.wait_for_url("**/sample/?q=List+3")


def test_rows_by_arrow_keys(sample: Page) -> None:
    sample.locator("tbody a").first.focus()
    sample.keyboard.press("ArrowDown")
    expect(sample.locator("tbody tr:nth-child(2) a")).to_be_focused()


def test_editor_keeps_the_textarea_in_step(sample: Page) -> None:
    sample.locator(".cm-content").click()
    sample.keyboard.type("<p>Hello {{ fir")
    sample.locator(".cm-tooltip-autocomplete li", has_text="First name").click()
    expect(sample.locator("#id_html")).to_have_value("<p>Hello {{ first_name}}")


def test_chart_and_its_table(sample: Page, axe: Callable[[Page], None]) -> None:
    expect(sample.locator("figure canvas").first).to_be_visible()
    sample.get_by_text("Show as a table").first.click()
    expect(sample.locator("figure tbody tr").first).to_contain_text("12")
    axe(sample)
