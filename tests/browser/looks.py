"""How pages are looked at: in both languages, light and dark, at the width of a desktop and of a
phone."""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from playwright.sync_api import Page

from tests.chromium import DESKTOP, PHONE


class Look(NamedTuple):
    language: str
    size: tuple[int, int]
    scheme: Literal["light", "dark"]

    def __str__(self) -> str:
        return f"{self.language}-{self.size[0]}-{self.scheme}"


# Both values of each; four looks would take twice the time and find nothing more. The other width
# of each look is seen by `fits`.
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


def fits(page: Page) -> bool:
    """Nothing makes the page wider than the window, at neither width."""
    size = page.viewport_size
    assert size is not None
    wide = False
    for width in (DESKTOP, PHONE):
        resize(page, width)
        wide = wide or bool(page.evaluate(WIDE))
    resize(page, (size["width"], size["height"]))
    return not wide
