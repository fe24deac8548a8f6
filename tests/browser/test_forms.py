"""Forms as somebody types them: errors, focus, and words that an input method composes."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User, Workspace
from contacts.models import Contact
from designs.models import Design

Check = Callable[[Page], None]


@pytest.fixture
def inside(page: Page, owner: User, workspace: Workspace, log_in: Callable[[User], None]) -> Page:
    log_in(owner)
    return page


def test_errors_lead_to_their_fields_and_go_when_mended(inside: Page, axe: Check) -> None:
    inside.goto("/w/brand/contacts/new/")
    expect(inside.locator("#id_email")).to_be_focused()
    inside.locator("#id_email").fill("nobody@")
    inside.get_by_role("button", name="Add").click()
    summary = inside.locator("[data-problems]")
    expect(summary).to_contain_text("Please correct the following")
    expect(inside.locator("#id_email")).to_be_focused()
    axe(inside)
    inside.locator("#id_first_name").focus()
    summary.get_by_role("link").click()
    expect(inside.locator("#id_email")).to_be_focused()
    inside.locator("#id_email").fill("nobody@reader.example")
    expect(summary).not_to_be_visible()
    expect(inside.locator("#id_email_error")).not_to_be_visible()
    expect(inside.locator("#id_email")).not_to_have_attribute("aria-invalid", "true")
    # What was refused is refused again.
    inside.locator("#id_email").fill("nobody@")
    expect(summary).to_be_visible()
    expect(inside.locator("#id_email_error")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "field"),
    [("lists/new/", "name"), ("attributes/new/", "label"), ("suppressions/add/", "lines")],
)
def test_focus_is_where_people_type_first(inside: Page, path: str, field: str) -> None:
    inside.goto(f"/w/brand/{path}")
    expect(inside.locator(f"#id_{field}")).to_be_focused()


def test_preview_as_begins_with_the_search(inside: Page, workspace: Workspace) -> None:
    Contact.objects.create(workspace=workspace, email="lan@reader.example")
    design = Design.objects.create(workspace=workspace, name="Spring", subject="S", html="<p>x</p>")
    inside.goto(f"/w/brand/designs/{design.pk}/")
    inside.locator("#preview-form .dropdown-toggle").click()
    expect(inside.get_by_label("Search people", exact=True)).to_be_focused()


def test_keys_that_compose_a_word_are_not_the_pages(inside: Page) -> None:
    """Enter takes the candidate of the input method; it must not open the first hit."""
    inside.goto("/w/brand/lists/")
    inside.keyboard.press("Control+k")
    inside.keyboard.type("lists")
    expect(inside.locator("#palette-hits a[aria-selected=true]")).to_be_visible()
    for how in ("isComposing: true", "keyCode: 229"):
        taken = inside.evaluate(
            "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', "
            f"{{key: 'Enter', bubbles: true, cancelable: true, {how}}}))"
        )
        assert taken, "the page took the key"
    expect(inside.locator("#palette")).to_be_visible()
