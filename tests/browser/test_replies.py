"""A reply is pasted and explained, at both widths, in both languages."""

from collections.abc import Callable

from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User, Workspace
from tests.browser.looks import check, looks

REPLY = (
    "550-5.1.1 The email account that you tried to reach does not exist. Please try\n"
    "550-5.1.1 double-checking the recipient's email address for typos.\n"
    "550 5.1.1 https://support.google.com/mail/?p=NoSuchUser a1-2.3 - gsmtp"
)


def test_a_reply_is_explained(  # noqa: PLR0917 - fixtures
    page: Page,
    owner: User,
    workspace: Workspace,
    log_in: Callable[[User], None],
    speak: Callable[[str], None],
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
) -> None:
    log_in(owner)
    for look in looks(page, speak):
        page.goto(reverse("replies", args=[workspace.slug]))
        page.locator("#id_reply").fill(REPLY)
        page.locator("#id_stage").select_option("rcpt")
        page.locator("main form button[type=submit]").click()
        expect(page.get_by_text("gmail.no-such-user")).to_be_visible()
        page.locator("details summary").last.click()
        expect(page.get_by_text("address.code")).to_be_visible()
        expect(page.locator("#id_reply")).to_have_value(REPLY)
        check(page, f"reply-{look}", axe=axe, shot=shot)
