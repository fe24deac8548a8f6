"""Attributes in a browser: their order, groups, and the page before a merge."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from accounts.models import User, Workspace
from contacts.models import Attribute, Contact
from contacts.services import attributes
from tests import factories
from tests.browser import looks

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def some(workspace: Workspace) -> dict[str, Attribute]:
    given = {"City": "Address", "Street": "Address", "Points": "Shop", "Note": ""}
    made = {
        name: attributes.add(workspace, label=name, type_="text", group=group)
        for name, group in given.items()
    }
    Contact.objects.create(
        workspace=workspace, email="a@b.example", attributes={"city": "Bern", "street": "Basel"}
    )
    factories.make_design(workspace, name="Spring", html="{{ city }}")
    return made


def order(workspace: Workspace) -> list[str]:
    return [one.label for one in Attribute.objects.filter(workspace=workspace)]


def test_moved_by_keys_and_by_the_mouse(  # noqa: PLR0917 - fixtures
    page: Page,
    site: str,
    workspace: Workspace,
    owner: User,
    log_in: Callable[[User], None],
    some: dict[str, Attribute],
) -> None:
    log_in(owner)
    page.goto(f"{site}/w/brand/attributes/")
    expect(page.get_by_role("link", name="Design “Spring”")).to_be_visible()
    with page.expect_response("**/attributes/order/"):
        page.get_by_role("button", name="Move City down").press("Enter")
    assert order(workspace) == ["Street", "City", "Points", "Note"]
    with page.expect_response("**/attributes/order/"):
        page.get_by_role("button", name="Move Shop up").press("Enter")
    assert order(workspace) == ["Points", "Street", "City", "Note"]
    grip = page.locator("tr", has_text="City").locator(".grip")
    box = grip.bounding_box()
    above = page.locator("tr", has_text="Street").bounding_box()
    assert box
    assert above
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 5, above["y"] + 2, steps=4)
    with page.expect_response("**/attributes/order/"):
        page.mouse.up()
    assert order(workspace) == ["Points", "City", "Street", "Note"]


def test_looks(  # noqa: PLR0917 - fixtures
    page: Page,
    site: str,
    workspace: Workspace,
    owner: User,
    log_in: Callable[[User], None],
    speak: Callable[[str], None],
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
    some: dict[str, Attribute],
) -> None:
    log_in(owner)
    merge = f"{some['Street'].pk}/merge/?into={some['City'].pk}"
    for look in looks.looks(page, speak):
        for name, path in (
            ("attributes", ""),
            ("attribute", f"{some['City'].pk}/edit/"),
            ("merge", merge),
        ):
            page.goto(f"{site}/w/brand/attributes/{path}")
            if not path:
                expect(page.get_by_role("link", name="Spring")).to_be_visible()
            looks.check(page, f"{name}-{look}", axe=axe, shot=shot)


def test_values_of_each_type(  # noqa: PLR0917 - fixtures
    page: Page,
    site: str,
    workspace: Workspace,
    owner: User,
    log_in: Callable[[User], None],
    speak: Callable[[str], None],
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
) -> None:
    choices = ["Red", "Blue", "绿"]
    attributes.add(workspace, label="Birthday", type_="day", group="Private")
    attributes.add(workspace, label="Likes", type_="choices", choices=choices, group="Private")
    attributes.add(workspace, label="Orders", type_="objects", group="Shop")
    given = {"birthday": "02-29", "likes": ["Red", "绿"], "orders": [{"name": "Tea"}]}
    person = Contact.objects.create(workspace=workspace, email="a@b.example", attributes=given)
    log_in(owner)
    for look in looks.looks(page, speak):
        for name, path in (
            ("contact-form", f"contacts/{person.pk}/edit/"),
            ("contact", f"contacts/{person.pk}/"),
        ):
            page.goto(f"{site}/w/brand/{path}")
            looks.check(page, f"{name}-{look}", axe=axe, shot=shot)
    speak("en")
    page.goto(f"{site}/w/brand/segments/new/")
    page.get_by_label("What the condition is about").select_option(label="Birthday")
    page.get_by_label("Month and day, such as 03-09").fill("29 Feb")
    expect(page.get_by_text("100% of all contacts")).to_be_visible()
    looks.check(page, "segment-day", axe=axe, shot=shot)


def test_a_value_in_its_place(  # noqa: PLR0917 - fixtures
    page: Page,
    site: str,
    workspace: Workspace,
    owner: User,
    log_in: Callable[[User], None],
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
    some: dict[str, Attribute],
) -> None:
    attributes.add(workspace, label="Visits", type_="number")
    person = Contact.objects.get()
    log_in(owner)
    page.goto(f"{site}/w/brand/contacts/{person.pk}/")

    def link(name: str) -> Locator:
        return page.get_by_role("link", name=f"Edit {name}")

    # By keys alone: Enter opens it and saves, and the focus is back.
    link("City").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("City")).to_be_focused()
    page.keyboard.type("Chur")
    page.keyboard.press("Enter")
    expect(link("City")).to_be_focused()
    expect(link("City")).to_contain_text("Chur")
    # Escape gives up.
    page.keyboard.press("Enter")
    page.get_by_label("City").fill("Oslo")
    page.keyboard.press("Escape")
    expect(link("City")).to_contain_text("Chur")
    expect(link("City")).to_be_focused()
    # What is wrong stays, with its error; leaving saves what is right.
    link("Visits").click()
    page.get_by_label("Visits").fill("many")
    page.get_by_role("heading", name="What we know").click()
    expect(page.get_by_text("Enter a number, such as 12.5.")).to_be_visible()
    expect(page.get_by_label("Visits")).to_have_value("many")
    looks.check(page, "value-error", axe=axe, shot=shot)
    page.get_by_label("Visits").fill("12")
    page.get_by_role("heading", name="What we know").click()
    expect(link("Visits")).to_contain_text("12")
    # Leaving without a change gives up.
    link("Street").click()
    expect(page.get_by_label("Street")).to_be_focused()
    page.get_by_role("heading", name="What we know").click()
    expect(link("Street")).to_contain_text("Basel")
    person.refresh_from_db()
    assert person.attributes == {"city": "Chur", "street": "Basel", "visits": 12}
