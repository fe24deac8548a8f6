"""How pages are looked at: English in the light and Chinese in the dark, each at the width of a
desktop and of a phone."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Literal, NamedTuple

from playwright.sync_api import Error, Page

from tests.chromium import DESKTOP, PHONE


class Look(NamedTuple):
    """`size`: of the window in which pages are opened; `check` looks at the other one, too."""

    language: str
    size: tuple[int, int]
    scheme: Literal["light", "dark"]

    def __str__(self) -> str:
        return f"{self.language}-{self.scheme}"


LOOKS = (Look("en", DESKTOP, "light"), Look("zh-hans", PHONE, "dark"))
WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def looks(page: Page, speak: Callable[[str], None]) -> Iterator[Look]:
    """Sets the page to one look after the other, for what it opens next."""
    for look in LOOKS:
        speak(look.language)
        resize(page, look.size)
        page.emulate_media(color_scheme=look.scheme, reduced_motion="reduce")
        yield look


def resize(page: Page, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})


def check(
    page: Page, name: str, *, axe: Callable[[Page], None], shot: Callable[[Page, str], None]
) -> None:
    """At both widths, nothing makes the page wider than the window, and it is accessible."""
    opened = page.viewport_size
    assert opened is not None
    for size in (DESKTOP, PHONE):
        resize(page, size)
        # Charts are drawn anew for the other width.
        with suppress(Error):
            page.wait_for_function(f"!({WIDE})", timeout=3000)
        assert not page.evaluate(WIDE), f"{name}: {page.url} is wider than {size[0]}"
        axe(page)
        shot(page, f"{name}-{size[0]}")
    resize(page, (opened["width"], opened["height"]))
