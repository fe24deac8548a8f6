"""Chromium for tests, one for a run: a pytest plugin, so that every directory's tests share it."""

import os
import shutil
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    sync_playwright,
)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = (1440, 900)
PHONE = (390, 844)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for the run; CI fails without it, elsewhere the tests are skipped."""
    if not CHROMIUM:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is not installed")
        pytest.skip("Chromium is not installed (apt install chromium)")
    # Playwright's loop runs in this thread, where the tests also use the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Watch:
    """What a page must not do."""

    def __init__(self, context: BrowserContext, site: str) -> None:
        self.site = site
        self.wrong: list[str] = []
        # Texts that a test expects to see in the console.
        self.expected: list[str] = []
        context.on("console", self._console)
        context.on("weberror", lambda error: self.wrong.append(str(error.error)))
        context.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(text in message.text for text in self.expected):
            self.wrong.append(f"console: {message.text} ({message.location.get('url')})")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.site, "data:", "blob:", "about:")):
            self.wrong.append(f"request to elsewhere: {request.url}")


def assert_accessible(page: Page) -> None:
    """axe finds nothing on the page as it is now."""
    found = Axe().run(page)
    assert not found.response["violations"], f"{page.url}\n{found.generate_report()}"
