"""A real browser on a live server. Every page opened is watched: an error in the console, a
violation of the content security policy or a request to elsewhere fails the test."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import BrowserContext, Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.chromium import DESKTOP, Chromium, SharedContext, Watch, assert_accessible

SHOTS = os.environ.get("YANSHU_TEST_SHOTS")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture
def site(live_server: LiveServer) -> str:
    """Address of the running site."""
    return str(live_server.url)


@pytest.fixture(scope="session")
def shared(
    django_db_setup: None, live_server: LiveServer, chromium_run: Chromium
) -> Iterator[list[SharedContext]]:
    """The context of the last test, if there was one. The database comes first, so that the server
    ends before it is dropped."""
    shared: list[SharedContext] = []
    yield shared
    for one in shared:
        chromium_run.close(one.context)
    # Threads of the server that end with their connection, and use the database until then.
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            thread.join(20)


@pytest.fixture
def context(
    shared: list[SharedContext], chromium_run: Chromium, site: str
) -> Iterator[BrowserContext]:
    """As a new one of this person's browser, at the size of a desktop."""
    if not (shared and shared[0].usable()):
        for one in shared:
            chromium_run.close(one.context)
        width, height = DESKTOP
        viewport = {"width": width, "height": height}
        shared[:] = [SharedContext(chromium_run, site, viewport=viewport, reduced_motion="reduce")]
        shared[0].context.set_default_timeout(15_000)
    yield shared[0].context
    shared[0].clear()


@pytest.fixture
def watch(context: BrowserContext, site: str) -> Iterator[Watch]:
    """What went wrong on the pages so far; `expected` takes texts that may be in the console."""
    watch = Watch(context, site)
    yield watch
    watch.end()
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
    """Keeps a picture of the page in $YANSHU_TEST_SHOTS, if that is set."""

    def shot(page: Page, name: str) -> None:
        if SHOTS:
            Path(SHOTS).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)

    return shot
