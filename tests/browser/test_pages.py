"""Every page of a workspace, at both widths, in both languages, light and dark."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User, Workspace
from tests.browser.looks import check, looks
from tests.browser.walk import plain_pages


def _is_page(owner: User, url: str) -> bool:
    """Whether a GET gives a whole page: not a part, a file, a redirect or "POST only"."""
    client = Client()
    client.force_login(owner, backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = client.get(url)
    if answer.status_code in {302, 405}:
        return False
    assert answer.status_code == 200, url
    return b"<html" in getattr(answer, "content", b"")


@pytest.mark.parametrize("name", plain_pages())
def test_page(  # noqa: PLR0917 - fixtures
    name: str,
    page: Page,
    owner: User,
    workspace: Workspace,
    log_in: Callable[[User], None],
    speak: Callable[[str], None],
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
) -> None:
    url = reverse(name, args=[workspace.slug])
    if not _is_page(owner, url):
        return
    log_in(owner)
    for look in looks(page, speak):
        answer = page.goto(url)
        assert answer is not None
        assert answer.status == 200
        expect(page.locator("h1")).to_be_visible()
        assert page.locator("html").get_attribute("lang") == look.language
        check(page, f"{name}-{look}", axe=axe, shot=shot)
