"""Tags in a browser: typed with suggestions, removed by keyboard, for many, in a file, and their
page, in both languages and at both widths."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User, Workspace
from contacts.models import Contact, Tag
from contacts.provenance import BY_HAND
from contacts.services import tags
from tests.browser import looks
from tests.factories import make_list

Axe = Callable[[Page], None]
Shot = Callable[[Page, str], None]
NAMES = ("VIP", "展会2026", "Bath, Somerset", "wants the printed catalogue in autumn", "Trade")


@pytest.fixture
def people(workspace: Workspace, owner: User, log_in: Callable[[User], None]) -> list[Contact]:
    """Twelve, of whom some have tags."""
    make_list(workspace, [f"person{n}@x.example" for n in range(12)])
    found = list(Contact.objects.order_by("pk"))
    for number, tag in enumerate(tags.make(workspace, NAMES), 1):
        some = [one.pk for one in found[::number]]
        tags.add(tag, Contact.objects.filter(pk__in=some), source=BY_HAND)
    log_in(owner)
    return found


def test_pages_of_tags(  # noqa: PLR0917 - fixtures
    page: Page,
    site: str,
    people: list[Contact],
    speak: Callable[[str], None],
    axe: Axe,
    shot: Shot,
) -> None:
    vip = Tag.objects.get(key="vip")
    for look in looks.looks(page, speak):
        for name, path in (
            ("tags", "tags/"),
            ("tag", f"tags/{vip.pk}/edit/"),
            ("tag-merge", f"tags/{vip.pk}/merge/?tag_name=trade"),
            ("tagged-contact", f"contacts/{people[0].pk}/"),
            ("tagged-contacts", f"contacts/?tag={vip.pk}"),
        ):
            page.goto(f"{site}/w/brand/{path}")
            if name == "tagged-contacts":
                page.locator("[name=pk]").first.check()
                expect(page.locator(".bulk [name=tag_name]")).to_be_visible()
            looks.check(page, f"{name}-{look}", axe=axe, shot=shot)


def test_a_tag_is_typed_with_suggestions_and_removed_by_keyboard(
    page: Page, site: str, people: list[Contact]
) -> None:
    page.goto(f"{site}/w/brand/contacts/{people[1].pk}/")
    field = page.get_by_label("Tags, with commas between them")
    field.press_sequentially("tr")
    expect(page.locator("#tag-names option")).to_have_count(1)
    expect(page.locator("#tag-names option")).to_have_attribute("value", "Trade")
    field.fill("trade; New one")
    field.press("Enter")
    expect(page.get_by_role("link", name="New one")).to_be_visible()
    assert people[1].tagged.filter(tag__name__in=["Trade", "New one"]).count() == 2
    page.get_by_role("button", name="Remove the tag New one").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="New one")).to_have_count(0)


def test_many_are_tagged_and_it_is_undone(page: Page, site: str, people: list[Contact]) -> None:
    page.goto(f"{site}/w/brand/contacts/")
    page.locator("[data-select-page]").check()
    page.locator(".bulk [name=tag_name]").fill("Spring")
    page.locator(".bulk [name=tag_name]").press("Enter")
    expect(page.get_by_text("12 contacts got the tag “Spring”.")).to_be_visible()
    assert Tag.objects.get(name="Spring").tagged.count() == len(people)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone for 12 people.")).to_be_visible()
    assert not Tag.objects.get(name="Spring").tagged.exists()


def test_the_check_of_a_file_names_new_tags(  # noqa: PLR0917 - fixtures
    page: Page, site: str, people: list[Contact], tmp_path: Path, axe: Axe, shot: Shot
) -> None:
    file = tmp_path / "people.csv"
    file.write_text("email,标签\nnew@x.example,vip；老客户\n", encoding="utf-8")
    page.goto(f"{site}/w/brand/imports/new/")
    page.locator("input[type=file]").set_input_files(file)
    page.wait_for_url(re.compile(r"/imports/\d+/$"))
    expect(page.get_by_label("What 标签 becomes")).to_have_value("tags")
    page.get_by_role("button", name="Check what would happen").click()
    expect(page.get_by_text("1 tag would be new:")).to_be_visible()
    looks.check(page, "import-tags", axe=axe, shot=shot)
