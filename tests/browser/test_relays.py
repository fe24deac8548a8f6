"""A relay from the provider to a test that says what is wrong, then paused and resumed."""

from collections.abc import Callable
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User, Workspace
from relays.models import Relay, RelayUse
from tests.browser.looks import check, looks, resize
from tests.chromium import DESKTOP, PHONE
from tests.mailservers.smtp import Habits, serving
from tests.relays import lived


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
    resize(page, PHONE)
    axe(page)
    shot(page, "relay-form-phone")
    resize(page, DESKTOP)
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
    resize(page, PHONE)
    axe(page)
    shot(page, "relay-tested-phone")
    resize(page, DESKTOP)

    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("This relay is paused.")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#relay-now").get_by_text("Active")).to_be_visible()


def test_how_relays_look(  # noqa: PLR0917 - fixtures
    page: Page,
    owner: User,
    workspace: Workspace,
    log_in: Callable[[User], None],
    speak: Callable[[str], None],
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
) -> None:
    now = timezone.now()
    ses = lived.busy(workspace)
    lived.minutes(ses, 24 * 60)
    lived.slowed(ses)
    aliyun = Relay.objects.create(
        workspace=workspace,
        name="DirectMail",
        host="smtpdm.aliyun.com",
        per_day=2000,
        connections=4,
        wait_until=now + timedelta(hours=5),
        wait_reason="per_day",
    )
    hour = now.replace(minute=0, second=0, microsecond=0)
    RelayUse.objects.create(relay=aliyun, hour=hour, count=2000)
    stopped = Relay.objects.create(
        workspace=workspace,
        name="Postfix",
        host="mail.brand.example",
        port=25,
        security="none",
        state=Relay.State.STOPPED,
        state_since=now - timedelta(minutes=7),
        state_reason="login",
        state_words="535 5.7.8 Error: authentication failed",
    )
    drained = Relay.objects.create(
        workspace=workspace,
        name="Old server",
        host="old.brand.example",
        state=Relay.State.DRAINING,
        state_since=now - timedelta(minutes=20),
    )
    Relay.objects.create(
        workspace=workspace,
        name="Sandbox",
        host="127.0.0.1",
        port=8025,
        managed_by="sandbox",
        delivers=False,
    )
    main = lived.pool_of("Main", (ses, 1, 3), (drained, 1, 1), (stopped, 2, 1))
    reserve = lived.pool_of("Reserve", (aliyun, 1, 2), (stopped, 1, 1), (ses, 2, 1))
    log_in(owner)
    pages = {
        "list": reverse("relays", args=[workspace.slug]),
        "busy": reverse("relay", args=[workspace.slug, ses.pk]),
        "stopped": reverse("relay", args=[workspace.slug, stopped.pk]),
        "drained": reverse("relay", args=[workspace.slug, drained.pk]),
        "waits": reverse("relay", args=[workspace.slug, aliyun.pk]),
        "form": reverse("edit_relay", args=[workspace.slug, ses.pk]),
        "presets": reverse("new_relay", args=[workspace.slug]),
        "pool": reverse("pool", args=[workspace.slug, main.pk]),
        "pool-reserve": reverse("pool", args=[workspace.slug, reserve.pk]),
        "pool-form": reverse("edit_pool", args=[workspace.slug, main.pk]),
    }
    for look in looks(page, speak):
        for name, url in pages.items():
            page.goto(url)
            if name == "busy":
                expect(page.locator(".uplot")).to_have_count(2)
            check(page, f"relay-{name}-{look}", axe=axe, shot=shot)
