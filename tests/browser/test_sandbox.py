"""The mail sandbox in a browser."""

from collections.abc import Callable

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User, Workspace
from sandbox.models import SandboxMail
from tests.chromium import DESKTOP, PHONE

RAW = (
    "From: Paper Kite <letters@brand.example>\r\nTo: ada@people.example\r\n"
    "Subject: Spring\r\nMIME-Version: 1.0\r\n"
    "Content-Type: multipart/alternative; boundary=x\r\n\r\n"
    "--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nPlain words\r\n"
    "--x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    '<html lang="en"><title>Spring</title><body><main><h1>春天来了</h1>'
    "<p>Letters from the shop</p></main></body></html>\r\n--x--\r\n"
)


@pytest.fixture
def mails(workspace: Workspace) -> list[SandboxMail]:
    return SandboxMail.objects.bulk_create(
        SandboxMail(
            workspace=workspace,
            envelope_from="bounces+abc@sandbox.example",
            envelope_to=recipient,
            subject="春季书单 Spring books",
            outcome=outcome,
            raw=RAW.encode(),
            received_at=timezone.now(),
        )
        for recipient, outcome in (
            ("ada@people.example", "delivered"),
            ("bounce+17@people.example", "hard_bounced"),
            ("complain@people.example", "complained"),
        )
    )


def test_mails_are_found_opened_and_cleared(  # noqa: PLR0917 - fixtures
    page: Page,
    site: str,
    owner: User,
    workspace: Workspace,
    mails: list[SandboxMail],
    log_in: Callable[[User], None],
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
) -> None:
    log_in(owner)
    page.goto(site + reverse("sandbox", args=[workspace.slug]))
    axe(page)
    shot(page, "sandbox")
    page.get_by_role("searchbox", name="Recipient").fill("bounce")
    expect(page.get_by_role("link", name="ada@people.example")).to_have_count(0)
    page.get_by_role("link", name="bounce+17@people.example").click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="春天来了")).to_be_visible()
    expect(page.get_by_text("the mailbox does not exist (5.1.1)")).to_be_visible()
    shot(page, "sandbox-mail")
    for name, words in (
        ("Plain text", "Plain words"),
        ("Headers", "letters@brand.example"),
        ("Source", "boundary=x"),
    ):
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.locator("main").get_by_text(words).first).to_be_visible()
        axe(page)
    page.goto(site + reverse("sandbox", args=[workspace.slug]))
    page.get_by_role("button", name="Clear").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("3 mails are removed from the sandbox")
    dialog.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Nothing was sent here yet")).to_be_visible()
    assert not SandboxMail.objects.exists()


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "dark"), (PHONE, "light")])
def test_looks(  # noqa: PLR0917 - fixtures
    size: tuple[int, int],
    scheme: str,
    page: Page,
    site: str,
    owner: User,
    workspace: Workspace,
    mails: list[SandboxMail],
    log_in: Callable[[User], None],
    speak: Callable[[str], None],
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
) -> None:
    log_in(owner)
    speak("zh-hans")
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    urls = {
        "sandbox": reverse("sandbox", args=[workspace.slug]),
        "sandbox-mail": reverse("sandbox_mail", args=[workspace.slug, mails[1].pk]),
        "sandbox-headers": reverse("sandbox_mail", args=[workspace.slug, mails[1].pk])
        + "?show=headers",
        "sandbox-addresses": reverse("sandbox_addresses", args=[workspace.slug]),
    }
    for name, url in urls.items():
        page.goto(site + url)
        if name != "sandbox-mail":  # axe can't look into the frame: it has no scripts
            axe(page)
        shot(page, f"{name}-{size[0]}-{scheme}")


def test_mails_of_the_platform(  # noqa: PLR0917 - fixtures
    page: Page,
    site: str,
    owner: User,
    mails: list[SandboxMail],
    log_in: Callable[[User], None],
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
) -> None:
    User.objects.filter(pk=owner.pk).update(can_create_workspaces=True)
    SandboxMail.objects.filter(pk=mails[0].pk).update(workspace=None, subject="Reset it")
    log_in(owner)
    page.goto(site + reverse("platform_mails"))
    axe(page)
    shot(page, "platform-mails")
    page.get_by_role("link", name="Reset it").click()
    expect(page.frame_locator("iframe").get_by_role("heading", name="春天来了")).to_be_visible()
