"""The page where recipients choose their mails, in each of its states."""
# ruff: noqa: PLR0917 - fixtures and cases

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page

from accounts.models import Workspace
from contacts.audience import Audience
from contacts.models import Contact, List, Subscription, Suppression
from contacts.preferencemodels import AddressChange, MailFrequency, PreferenceChoice
from contacts.provenance import Source
from relays.models import Relay
from sending.compose import tokens
from sending.models import Message, StreamItem
from tests import factories
from tests.chromium import DESKTOP, PHONE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def path(workspace: Workspace) -> str:
    news = List.objects.create(
        workspace=workspace, name="Newsletter 电子简报", description="Once a week, on Mondays"
    )
    List.objects.create(workspace=workspace, name="Events", public=True)
    lan = Contact.objects.create(workspace=workspace, email="lan@people.example")
    Subscription.objects.create(list=news, contact=lan)
    mailing = factories.make_mailing(
        workspace,
        source=Source("campaign", 7),
        content=factories.make_content(workspace),
        from_email="news@brand.example",
        relay=Relay.objects.create(workspace=workspace, name="R", host="127.0.0.1"),
        audience=Audience.of_lists(workspace.pk, [news.pk]).as_json(),
        retry_for=timedelta(days=1),
    )
    message = Message.objects.create(mailing=mailing, contact_id=lan.pk, address=lan.email, state=2)
    return f"/e/s/{tokens.make(message.pk)}"


@pytest.mark.parametrize(
    ("language", "size", "scheme"),
    [
        ("en", DESKTOP, "light"),
        ("zh-Hans", PHONE, "dark"),
        ("ar", PHONE, "light"),
        ("ar", DESKTOP, "dark"),
        ("de", PHONE, "light"),
    ],
)
def test_a_person_chooses_on_the_page(
    page: Page,
    path: str,
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
    language: str,
    size: tuple[int, int],
    scheme: str,
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]

    def seen(name: str) -> None:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        axe(page)
        shot(page, f"preferences-{name}-{language}-{size[0]}-{scheme}")

    page.goto(f"{path}?lang={language}")
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("html").get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
    seen("asks")
    page.get_by_label("Events").check()
    page.locator("input[name=frequency][value=month]").check()
    page.locator("input[name=pause][value='2']").check()
    page.locator("form").first.locator("button").click()
    page.wait_for_load_state()
    assert page.locator("[role=status]").count() == 1
    assert page.locator("html").get_attribute("lang") == language
    seen("saved")
    assert MailFrequency.objects.get().most == "month"
    assert Suppression.objects.get().reason == "paused"
    page.go_back()
    page.go_forward()
    page.locator("a[href*='part=address']").click()
    page.locator("#email").fill("nobody")
    page.locator("form button").click()
    page.wait_for_load_state()
    assert page.locator("#email").input_value() == "nobody"
    seen("wrong")
    page.locator("#email").fill("lan.new@people.example")
    page.locator("form button").click()
    page.wait_for_load_state()
    assert AddressChange.objects.count() == 1
    url = StreamItem.objects.get().data["confirm_url"]
    page.goto("/e/a/" + url.rpartition("/")[2])
    seen("confirm")
    page.locator("main button").click()
    page.wait_for_load_state()
    assert Contact.objects.get().email == "lan.new@people.example"
    seen("confirmed")


def test_leaving_asks_why_afterwards(
    page: Page, path: str, axe: Callable[[Page], None], shot: Callable[[Page, str], None]
) -> None:
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page.goto(f"{path}?lang=zh-Hans")
    page.locator("main a").last.click()
    page.wait_for_url("**/e/u/**")
    assert page.locator("textarea").count() == 0
    page.get_by_role("button").first.click()
    page.wait_for_load_state()
    page.locator("input[value=too_often]").check()
    page.locator("textarea").fill("每天一封，太多了")
    axe(page)
    shot(page, "why")
    page.get_by_role("button").last.click()
    page.wait_for_load_state()
    axe(page)
    shot(page, "why-sent")
    assert page.locator("textarea").count() == 0
    assert PreferenceChoice.objects.get(kind="because").words == "每天一封，太多了"
