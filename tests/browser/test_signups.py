"""A form with a field for each type of attribute: on its page, and built by the script."""
# ruff: noqa: PLR0917 - fixtures and cases

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Workspace
from contacts.models import Attribute, List
from relays.models import Relay
from signups import puzzles
from signups.models import Signup, SignupForm
from tests.chromium import DESKTOP, PHONE

pytestmark = pytest.mark.django_db(transaction=True)
TYPES = ("number", "date", "day", "boolean", "choice", "choices")
STORED = {
    "attribute:number": 12.5,
    "attribute:date": "2001-02-03",
    "attribute:day": "02-29",
    "attribute:boolean": False,
    "attribute:choice": "Rome",
    "attribute:choices": ["Rome", "Oslo"],
}


@pytest.fixture
def form(
    workspace: Workspace, settings: Any, site: str, monkeypatch: pytest.MonkeyPatch
) -> SignupForm:
    settings.PUBLIC_URL = site
    monkeypatch.setattr(puzzles, "BITS", 4)
    monkeypatch.setattr(puzzles, "SOONEST", 0)
    known = {"workspace": workspace, "choices": ["Rome", "Oslo"]}
    for type_ in TYPES:
        Attribute.objects.create(key=type_, label=f"My {type_}", type=type_, **known)
    relay = Relay.objects.create(workspace=workspace, name="R", host="127.0.0.1")
    one = SignupForm.objects.create(
        workspace=workspace,
        name="Website",
        title="Letters from the shop",
        intro="Once a week.",
        relay=relay,
        fields=[{"key": f"attribute:{type_}", "required": True} for type_ in TYPES],
    )
    one.lists.add(List.objects.create(workspace=workspace, name="News"))
    return one


def fill(page: Page) -> None:
    page.locator("[name=email]").fill("lan@people.example")
    page.locator("[name=attribute_number]").fill("old")
    page.locator("[name=attribute_date]").fill("2001-02-03")
    page.locator("[name='attribute_day.month']").select_option("2")
    page.locator("[name='attribute_day.day']").select_option("29")
    page.locator("[name=attribute_boolean]").select_option("false")
    page.locator("[name=attribute_choice]").select_option("Rome")
    for box in page.locator("[name=attribute_choices]").all():
        box.check()
    page.locator("[name=consent]").check()


@pytest.mark.parametrize(
    ("language", "size", "scheme"),
    [("en", DESKTOP, "light"), ("ar", PHONE, "dark")],
)
def test_the_page(
    page: Page,
    form: SignupForm,
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
    language: str,
    size: tuple[int, int],
    scheme: str,
) -> None:
    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"/f/{form.key}?lang={language}")
    axe(page)
    fill(page)
    page.locator("main button").click()
    wrong = page.locator("#signup_attribute_number_error")
    expect(wrong).to_be_visible()
    axe(page)
    shot(page, f"signup-{language}")
    for box in page.locator("[name=attribute_choices]").all():
        expect(box).to_be_checked()
    expect(page.locator("[name='attribute_day.month']")).to_have_value("2")
    page.locator("[name=attribute_number]").fill("12.5")
    page.locator("main button").click()
    page.wait_for_url("**done=1**")
    assert Signup.objects.get().values == STORED


def test_the_form_in_a_foreign_page(
    page: Page, form: SignupForm, site: str, shot: Callable[[Page, str], None]
) -> None:
    page.set_content(f'<main><script src="{site}/f/{form.key}.js" async></script></main>')
    expect(page.locator("form h2")).to_have_text("Letters from the shop")
    fill(page)
    page.locator("[name='attribute_day.day']").select_option("31")
    page.locator("form button").click()
    errors = page.locator(".yanshu-error:visible")
    expect(errors).to_have_text(
        ["Please enter a number, such as 12.5.", "Please choose a month and a day that exist."]
    )
    expect(page.locator("[name=attribute_number]")).to_be_focused()
    shot(page, "signup-script")
    page.locator("[name=attribute_number]").fill("12.5")
    page.locator("[name='attribute_day.day']").select_option("29")
    page.locator("form button").click()
    expect(page.locator(".yanshu-thanks h2")).to_be_visible()
    assert Signup.objects.get().values == STORED
