"""Chromium for tests, one for a run: a pytest plugin, so that every directory's tests share it."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Timer
from typing import Any

import psutil
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Playwright,
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


# Once in some thousand times closing a context waits for ever, also for a page that is at rest.
LONGEST_CLOSE = 20.0


class Chromium:
    """The browser of the run; another one where it had to be killed."""

    def __init__(self, playwright: Playwright) -> None:
        self.playwright = playwright
        self.number = 0
        self.browser = self._launch()

    def _launch(self) -> Browser:
        self.number += 1
        # Chromium itself takes no notice of it.
        self.mark = f"--yanshu-tests={os.getpid()}-{self.number}"
        return self.playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*ARGUMENTS, self.mark]
        )

    def running(self) -> Browser:
        if not self.browser.is_connected():
            self.browser = self._launch()
        return self.browser

    def close(self, one: BrowserContext | Browser) -> None:
        """Within a bound: then the browser is killed, and the next test has a new one."""
        watchdog = Timer(LONGEST_CLOSE, self._kill)
        watchdog.start()
        try:
            with suppress(Error):
                one.close()
        finally:
            watchdog.cancel()

    def _kill(self) -> None:
        for process in self.processes():
            process.kill()

    def processes(self) -> list[psutil.Process]:
        """The browser's first process; the others end with it."""
        every = psutil.process_iter(["cmdline"])
        return [one for one in every if self.mark in (one.info["cmdline"] or ())]


@pytest.fixture(scope="session")
def chromium_run() -> Iterator[Chromium]:
    """One browser for the run; CI fails without it, elsewhere the tests are skipped."""
    if not CHROMIUM:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is not installed")
        pytest.skip("Chromium is not installed (apt install chromium)")
    # Playwright's loop runs in this thread, where the tests also use the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        run = Chromium(playwright)
        yield run
        run.close(run.browser)


@pytest.fixture
def chromium(chromium_run: Chromium) -> Browser:
    return chromium_run.running()


@pytest.fixture
def new_context(
    chromium: Browser, chromium_run: Chromium
) -> Iterator[Callable[..., BrowserContext]]:
    """Makes contexts, as Browser.new_context does, that are closed after the test."""
    made: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        made.append(chromium.new_context(**options))
        return made[-1]

    yield make
    for context in made:
        chromium_run.close(context)


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
