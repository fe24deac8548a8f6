"""The table of contacts in a browser: filters, columns by keyboard and mouse, and views."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User, Workspace
from contacts.models import Attribute, Contact, List, Subscription
from contacts.services import savedviews
from contacts.tablemodels import SavedView, TableSettings
from tests.chromium import DESKTOP, PHONE

Axe = Callable[[Page], None]
Shot = Callable[[Page, str], None]


@pytest.fixture
def people(workspace: Workspace) -> None:
    news = List.objects.create(workspace=workspace, name="News")
    for number in range(6):
        Attribute.objects.create(
            workspace=workspace, key=f"a{number}", label=f"属性 {number}", position=number
        )
    for name in ("ann", "bob", "王伟"):
        person = Contact.objects.create(
            workspace=workspace,
            email=f"{name}@{'a' if name == 'ann' else 'b'}.example",
            first_name=name,
            attributes={f"a{number}": f"value {number}" for number in range(6)},
        )
        Subscription.objects.create(list=news, contact=person)


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1440", "390"])
def test_filter_columns_and_view(  # noqa: PLR0917 - fixtures and cases
    page: Page,
    site: str,
    workspace: Workspace,
    owner: User,
    log_in: Callable[[User], None],
    axe: Axe,
    shot: Shot,
    size: tuple[int, int],
) -> None:
    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    log_in(owner)
    savedviews.choose_columns(
        workspace, owner, ["status", *(f"attribute:a{number}" for number in range(6)), "added"]
    )
    page.goto(f"{site}/w/{workspace.slug}/contacts/")
    expect(page.get_by_text("bob@b.example")).to_be_visible()
    page.get_by_text("More filters").click()
    page.get_by_label("Domain of the address").fill("a.example")
    expect(page.get_by_text("bob@b.example")).to_have_count(0)
    expect(page).to_have_url(f"{site}/w/{workspace.slug}/contacts/?domain=a.example")
    axe(page)
    shot(page, f"table-{width}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.get_by_role("link", name="Columns").click()
    expect(page.locator(".column-order")).to_be_visible()
    axe(page)
    shot(page, f"columns-{width}")
    # By keyboard: a button of its own, and Alt with an arrow.
    page.get_by_role("button", name="Move Status down").press("Enter")
    said = page.locator("[data-order-said]")
    expect(said).to_contain_text("Status is at place 2 of")
    page.get_by_label("Added", exact=True).press("Alt+ArrowUp")
    # By mouse: the grip of the first one, to the third place.
    first = page.locator(".column-order > li").first
    grip, third = first.locator(".grip"), page.locator(".column-order > li").nth(2)
    grip.hover()
    page.mouse.down()
    box = third.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 10, box["y"] + box["height"] - 2, steps=4)
    page.mouse.up()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page).to_have_url(f"{site}/w/{workspace.slug}/contacts/?domain=a.example&view=0")
    keys = ["status", "attribute:a1", "attribute:a0", "attribute:a2", "attribute:a3"]
    assert TableSettings.objects.get().columns == [*keys, "attribute:a4", "added", "attribute:a5"]

    page.get_by_role("link", name="Save as a view").click()
    page.get_by_label("Name").fill("只看 A")
    page.get_by_label("Show it to everybody").check()
    axe(page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The view 只看 A is saved.")).to_be_visible()
    view = SavedView.objects.get()
    assert view.parameters == {"domain": "a.example"}
    # What is typed afterwards can be kept in it.
    page.get_by_label("Domain of the address").fill("b.example")
    expect(page.get_by_text("bob@b.example")).to_be_visible()
    page.get_by_role("button", name="Save the changes for everybody").click()
    expect(page.get_by_text("bob@b.example")).to_be_visible()
    view.refresh_from_db()
    assert view.parameters["domain"] == "b.example"
    page.get_by_role("link", name="Manage views").click()
    axe(page)
    shot(page, f"views-{width}")
