"""A real browser on a live server. Every page opened is watched: an error in the console, a
violation of the content security policy or a request to elsewhere fails the test."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import BrowserContext, Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.chromium import DESKTOP, Watch, assert_accessible

SHOTS = Path(os.environ.get("YANSHU_TEST_SHOTS", settings.ROOT / "test-results" / "shots"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture
def site(live_server: LiveServer) -> str:
    """Address of the running site."""
    return str(live_server.url)


@pytest.fixture
def context(new_context: Callable[..., BrowserContext], site: str) -> BrowserContext:
    width, height = DESKTOP
    context = new_context(
        base_url=site, viewport={"width": width, "height": height}, reduced_motion="reduce"
    )
    context.set_default_timeout(15_000)
    return context


@pytest.fixture
def watch(context: BrowserContext, site: str) -> Iterator[Watch]:
    """What went wrong on the pages so far; `expected` takes texts that may be in the console."""
    watch = Watch(context, site)
    yield watch
    assert not watch.wrong, "\n".join(watch.wrong)


@pytest.fixture
def page(context: BrowserContext, watch: Watch) -> Page:
    return context.new_page()


@pytest.fixture
def log_in(context: BrowserContext, site: str) -> Callable[[User], None]:
    """Makes the browser's next pages those of this person."""

    def log_in(user: User) -> None:
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        value = client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": site}])

    return log_in


@pytest.fixture
def speak(context: BrowserContext, site: str) -> Callable[[str], None]:
    """Chooses the language of the next pages by the switch's cookie."""

    def speak(language: str) -> None:
        cookie = settings.LANGUAGE_COOKIE_NAME
        context.add_cookies([{"name": cookie, "value": language, "url": site}])

    return speak


@pytest.fixture
def axe() -> Callable[[Page], None]:
    return assert_accessible


@pytest.fixture
def shot() -> Callable[[Page, str], None]:
    """Keeps a picture of the page in test-results/shots (or $YANSHU_TEST_SHOTS)."""

    def shot(page: Page, name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / f"{name}.png", full_page=True)

    return shot
