"""The way in with a real browser: set-up, log-in, invitation, and the plain pages' looks."""

import re
from collections.abc import Callable

import pytest
from django.conf import settings
from django.core.cache import cache
from playwright.sync_api import Page, expect

from accounts import notices, services
from accounts.models import Membership, User, Workspace
from accounts.permissions import Role
from accounts.services import invitations
from tests.browser.looks import check, looks
from tests.chromium import Watch
from tests.conftest import PASSWORD

Axe = Callable[[Page], None]
Shot = Callable[[Page, str], None]
Speak = Callable[[str], None]


@pytest.fixture(autouse=True)
def _no_throttle_left(live_server: object) -> None:
    cache.clear()


@pytest.fixture
def look(page: Page, speak: Speak, axe: Axe, shot: Shot) -> Callable[[str, str], None]:
    """Opens the page at both widths, in both languages and themes; axe finds nothing."""

    def look(name: str, url: str) -> None:
        for look in looks(page, speak):
            page.goto(url)
            expect(page.locator("h1")).to_be_visible()
            expect(page.locator("html")).to_have_attribute("lang", look.language)
            check(page, f"{name}-{look}", axe=axe, shot=shot)

    return look


def setup_path() -> str:
    return services.setup_link().removeprefix(settings.PUBLIC_URL)


def test_set_up_by_a_newcomer(page: Page, axe: Axe) -> None:
    page.goto(setup_path())
    zone = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    expect(page.get_by_label("Time zone")).to_have_value(zone)
    expect(page.get_by_label("Name of the workspace")).to_have_value("My company")
    page.get_by_label("Your name").fill("Wei")
    page.get_by_label("E-mail address").fill("wei@brand.example")
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_label("Password")).to_have_attribute("type", "text")
    page.get_by_label("Time zone").fill("shanghai")
    page.get_by_role("button", name="Create account").click()
    expect(page.locator("#id_password_error")).to_be_visible()
    expect(page.get_by_label("Your name")).to_have_value("Wei")
    axe(page)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url("**/w/my-company/**")
    assert User.objects.get().timezone == "Asia/Shanghai"


def test_log_in_and_out(page: Page, owner: User) -> None:
    page.goto("/w/brand/members/")
    page.get_by_label("E-mail address").fill(owner.email)
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("address or the password is wrong")
    expect(page.get_by_label("E-mail address")).to_have_value(owner.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/w/brand/members/")
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(re.compile("/login/"))


def test_plain_pages_for_nobody(
    look: Callable[[str, str], None], watch: Watch, transactional_db: None
) -> None:
    watch.expected.append("status of 4")
    look("setup", setup_path())
    look("login", "/login/")
    look("reset", "/password/reset/")
    look("reset-sent", "/password/reset/sent/")
    look("reset-used", "/password/reset/1-abc-def/")
    look("setup-expired", "/setup/owner/")
    look("invitation-gone", "/invitations/unknown/")


def test_invitation(
    look: Callable[[str, str], None], owner: User, monkeypatch: pytest.MonkeyPatch, watch: Watch
) -> None:
    watch.expected.append("status of 4")
    monkeypatch.setattr(invitations, "_new_token", lambda: "token")
    by = Membership.objects.get(user=owner)
    invitations.invite(by.workspace, email="ann@brand.example", role=Role.EDITOR, by=by)
    look("invitation", "/invitations/token/")
    User.objects.create_user("ann@brand.example", PASSWORD)
    look("invitation-log-in", "/invitations/token/")


def test_plain_pages_for_somebody(
    look: Callable[[str, str], None],
    owner: User,
    log_in: Callable[[User], None],
    monkeypatch: pytest.MonkeyPatch,
    watch: Watch,
) -> None:
    watch.expected.append("status of 4")
    User.objects.update(name="王伟", can_create_workspaces=True)
    monkeypatch.setattr(invitations, "_new_token", lambda: "token")
    by = Membership.objects.get(user=owner)
    invitations.invite(by.workspace, email="ann@brand.example", role=Role.EDITOR, by=by)
    log_in(owner)
    look("profile", "/profile/")
    look("change-password", "/password/change/")
    look("new-workspace", "/workspaces/new/")
    look("logout", "/logout/")
    look("invitation-wrong", "/invitations/token/")
    look("members-invited", "/w/brand/members/")
    monkeypatch.setattr(notices, "stay_here", lambda: True)
    look("members-without-a-mail-server", "/w/brand/members/")
    look("member", f"/w/brand/members/{by.pk}/")
    Workspace.objects.all().delete()
    look("no-workspace", "/")
