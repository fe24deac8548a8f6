"""Chromium for tests, one for a run: a pytest plugin, so that every directory's tests share it."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from typing import Any

import psutil
import pytest
from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import (
    Browser,
    BrowserContext,
    CDPSession,
    ConsoleMessage,
    Error,
    Page,
    Playwright,
    Request,
    WebError,
    sync_playwright,
)

# The shell draws the same pages without the windows, menus and bars of a browser.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser")
CHROMIUM = next(filter(None, map(shutil.which, PROGRAMS)), "")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Scripts are told its language, and "C" is none.
ENVIRONMENT: dict[str, str | float | bool] = {**os.environ, "LANG": "en_US.UTF-8", "LC_ALL": ""}
DESKTOP = (1440, 900)
PHONE = (390, 844)


# axe, and what it found: all that it looked at takes as long to hand over as the search itself. No
# rule that is on wants the style sheets, which it would read once more.
AXE = f"""async () => {{
  if (!window.axe) {{ {AXE_SCRIPT} }}
  const found = await axe.run({{ resultTypes: ["violations"], preload: {{ assets: ["media"] }} }});
  return {{ url: found.url, violations: found.violations }};
}}"""

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
            executable_path=CHROMIUM, args=[*ARGUMENTS, self.mark], env=ENVIRONMENT
        )

    def running(self) -> Browser:
        if not self.browser.is_connected():
            self.browser = self._launch()
        return self.browser

    def close(self, one: BrowserContext | Browser) -> None:
        with self.bounded():
            one.close()

    @contextmanager
    def bounded(self) -> Iterator[None]:
        """What lasts too long ends with the browser's death, and the next test has a new one."""
        watchdog = Timer(LONGEST_CLOSE, self._kill)
        watchdog.start()
        try:
            with suppress(Error):
                yield
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


class SharedContext:
    """A context that one test after the other has as new, and that stays warm: the scripts and
    styles of the site are there. A test that sets more than cookies, storage, permissions or routes
    makes a context of its own."""

    def __init__(self, run: Chromium, site: str, **options: Any) -> None:
        self.run = run
        self.site = site
        self.browser = run.running()
        self.context = self.browser.new_context(base_url=site, **options)
        # A page that stays, for what only the browser itself can clear.
        self.first = self.context.new_page()
        self.devtools: CDPSession = self.context.new_cdp_session(self.first)
        self.clean = True

    def usable(self) -> bool:
        return self.clean and self.browser.is_connected()

    def clear(self) -> None:
        """All but the cache of files. What could not be cleared is used no more."""
        self.clean = False
        with self.run.bounded():
            for page in self.context.pages:
                if page is not self.first:
                    page.close()
            self.context.unroute_all()
            self.context.clear_cookies()
            self.context.clear_permissions()
            where = {"origin": self.site, "storageTypes": "all"}
            self.devtools.send("Storage.clearDataForOrigin", where)
            self.clean = True


class Watch:
    """What a page must not do."""

    def __init__(self, context: BrowserContext, site: str) -> None:
        self.context = context
        self.site = site
        self.wrong: list[str] = []
        # Texts that a test expects to see in the console.
        self.expected: list[str] = []
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._request)

    def end(self) -> None:
        """The context's next test has a watch of its own."""
        self.context.remove_listener("console", self._console)
        self.context.remove_listener("weberror", self._error)
        self.context.remove_listener("request", self._request)

    def _error(self, error: WebError) -> None:
        self.wrong.append(str(error.error))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(text in message.text for text in self.expected):
            self.wrong.append(f"console: {message.text} ({message.location.get('url')})")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.site, "data:", "blob:", "about:")):
            self.wrong.append(f"request to elsewhere: {request.url}")


def assert_accessible(page: Page) -> None:
    """axe finds nothing on the page as it is now."""
    found = AxeResults(page.evaluate(AXE))
    assert not found.response["violations"], f"{page.url}\n{found.generate_report()}"
