"""A relay from the provider to a test that says what is wrong, then paused and resumed."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User, Workspace
from sending.models import Relay, RelayUse
from tests.chromium import DESKTOP, PHONE
from tests.sending.smtpserver import Habits, serving


def _size(page: Page, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})


def test_a_relay_is_added_tested_mended_paused_and_resumed(  # noqa: PLR0917 - fixtures
    page: Page,
    owner: User,
    workspace: Workspace,
    log_in: Callable[[User], None],
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
) -> None:
    log_in(owner)
    page.goto(reverse("relays", args=[workspace.slug]))
    page.get_by_role("main").get_by_role("link", name="New relay").first.click()
    page.get_by_role("link", name="Amazon SES").click()
    expect(page.get_by_role("textbox", name="Server")).to_have_value(
        "email-smtp.REGION.amazonaws.com"
    )
    expect(page.get_by_label("A second")).to_have_value("14")
    axe(page)
    _size(page, PHONE)
    axe(page)
    shot(page, "relay-form-phone")
    _size(page, DESKTOP)
    shot(page, "relay-form")

    habits = Habits(extensions=("AUTH PLAIN",), replies={"AUTH": b"535 5.7.8 No such user\r\n"})
    with serving(habits) as port:
        page.get_by_role("textbox", name="Server").fill("localhost")
        page.get_by_label("Port").fill(str(port))
        page.get_by_label("Encryption").select_option("none")
        page.get_by_label("User").fill("ann")
        page.get_by_label("Password").fill("s3cret")
        page.get_by_label("Bounce address").fill("bounces@brand.example")
        page.get_by_role("button", name="Test these settings").click()
        expect(page.get_by_text("The server refuses this user and password.")).to_be_visible()
        expect(page.get_by_role("region", name="The dialogue")).to_contain_text("535 5.7.8")
        # What the provider wants, since it explains it.
        expect(page.locator("#tried")).to_contain_text("SMTP credentials of its own")
        axe(page)
        shot(page, "relay-form-tried")
        page.get_by_role("button", name="Add this relay").click()
        expect(page.locator("h1")).to_have_text("Amazon SES")

        habits.replies.clear()
        page.get_by_label("Send a real mail to it").check()
        page.get_by_role("button", name="Test this relay").click()
        expect(page.get_by_text("It works: the server took the mail.")).to_be_visible()
    assert len(habits.mails) == 1
    assert "s3cret" not in page.content()
    axe(page)
    shot(page, "relay-tested")
    _size(page, PHONE)
    axe(page)
    shot(page, "relay-tested-phone")
    _size(page, DESKTOP)

    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("This relay is paused.")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#relay-now").get_by_text("Active")).to_be_visible()


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_how_relays_look(  # noqa: PLR0917 - fixtures
    language: str,
    page: Page,
    owner: User,
    workspace: Workspace,
    log_in: Callable[[User], None],
    speak: Callable[[str], None],
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
) -> None:
    now = timezone.now()
    ses = Relay.objects.create(
        workspace=workspace,
        name="SES",
        preset="ses",
        host="email-smtp.eu-west-1.amazonaws.com",
        username="AKIA",
        per_second=14,
        per_day=50000,
        wait_until=now + timedelta(hours=5),
        wait_reason="per_day",
        bounce_address="bounces@brand.example",
    )
    RelayUse.objects.create(
        relay=ses, hour=now.replace(minute=0, second=0, microsecond=0), count=50000
    )
    stopped = Relay.objects.create(
        workspace=workspace,
        name="Postfix",
        host="mail.brand.example",
        port=25,
        security="none",
        state=Relay.State.STOPPED,
        state_since=now - timedelta(minutes=7),
        state_reason="The relay refuses the login: 535 5.7.8 Error: authentication failed",
    )
    Relay.objects.create(
        workspace=workspace, name="Sandbox", host="127.0.0.1", port=8025, is_sandbox=True
    )
    log_in(owner)
    speak(language)
    for scheme, size in (("light", DESKTOP), ("dark", PHONE)):
        _size(page, size)
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        for name, url in (
            ("relays", reverse("relays", args=[workspace.slug])),
            ("stopped", reverse("relay", args=[workspace.slug, stopped.pk])),
            ("waits", reverse("relay", args=[workspace.slug, ses.pk])),
            ("presets", reverse("new_relay", args=[workspace.slug])),
        ):
            page.goto(url)
            axe(page)
            shot(page, f"relay-{name}-{language}-{size[0]}")
