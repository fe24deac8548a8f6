"""Two contacts are merged in a browser: found, compared, and one."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User, Workspace
from contacts.models import Contact, List, Subscription
from contacts.services import attributes
from tests import factories
from tests.browser import looks

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_become_one(  # noqa: PLR0917 - fixtures
    page: Page,
    site: str,
    workspace: Workspace,
    owner: User,
    log_in: Callable[[User], None],
    speak: Callable[[str], None],
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
) -> None:
    attributes.add(workspace, label="City", type_="text")
    kept = factories.make_contact(
        workspace, "ann@b.example", first_name="Ann", attributes={"city": "Bern"}
    )
    other = factories.make_contact(
        workspace, "anna.old@b.example", last_name="Lee", attributes={"city": "Basel"}
    )
    news = List.objects.create(workspace=workspace, name="News")
    Subscription.objects.create(list=news, contact=kept)
    Subscription.objects.create(list=news, contact=other, status="unsubscribed")
    log_in(owner)
    for look in looks.looks(page, speak):
        for name, path in (("find", "?q=anna"), ("merge-contacts", f"{other.pk}/")):
            page.goto(f"{site}/w/brand/contacts/{kept.pk}/merge/{path}")
            looks.check(page, f"{name}-{look}", axe=axe, shot=shot)
    speak("en")
    page.goto(f"{site}/w/brand/contacts/{kept.pk}/")
    page.get_by_role("link", name="Merge…").click()
    page.get_by_label("Address or name of the other contact").fill("anna")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="anna.old@b.example").click()
    page.get_by_role("radio", name="City: Bern").check()
    page.get_by_role("button", name="Merge the contacts").click()
    expect(page.get_by_text("Former addresses")).to_be_visible()
    one = Contact.objects.get()
    assert (one.first_name, one.last_name, one.attributes) == ("Ann", "Lee", {"city": "Bern"})
    looks.check(page, "merged", axe=axe, shot=shot)
