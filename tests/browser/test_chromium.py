"""The tests' own browser: what hangs is replaced."""

import pytest

from tests import chromium as ours
from tests.chromium import Chromium, SharedContext


def test_a_browser_that_answers_no_more_is_replaced(
    chromium_run: Chromium, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours, "LONGEST_CLOSE", 0.5)
    first = chromium_run.running()
    context = first.new_context()
    context.new_page()
    for process in chromium_run.processes():
        process.suspend()
    chromium_run.close(context)
    assert not first.is_connected()
    page = chromium_run.running().new_page()
    assert page.evaluate("1 + 1") == 2
    page.close()


def test_a_shared_context_is_as_new(chromium_run: Chromium, site: str) -> None:
    shared = SharedContext(chromium_run, site)
    page = shared.context.new_page()
    page.goto("/login/")
    page.evaluate("localStorage.left = 1; sessionStorage.left = 1; document.cookie = 'left=1'")
    shared.context.route("**", lambda route: route.abort())
    shared.clear()
    assert shared.usable()
    assert shared.context.cookies() == []
    page = shared.context.new_page()
    page.goto("/login/")
    assert page.evaluate("[localStorage.left, sessionStorage.left]") == [None, None]
    chromium_run.close(shared.context)
