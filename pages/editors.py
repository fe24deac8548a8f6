"""The order of saves from pages that save automatically.

Each such page has a random id and numbers its saves (frontend/src/saving.js). A page that is closed
sends its last text at once, while an earlier save may still be under way. Both saves name the same
version. The later save follows the page's own earlier one, so it is no conflict; if the earlier one
arrives late, it changes nothing. A save by another page in between is a conflict, as usual.
"""

import re

from django.core.cache import cache
from django.http import HttpRequest

HEADER = "X-Editor"
SAID = re.compile(r"([0-9a-z]{8,40})\.(\d{1,9})")
KEPT = 3600


def _said(request: HttpRequest) -> tuple[str, int] | None:
    match = SAID.fullmatch(request.headers.get(HEADER, ""))
    return (match[1], int(match[2])) if match else None


def base(request: HttpRequest, key: str, *, named: int, current: int) -> int:
    """The version that this save replaces: the one that the page `named`, or the `current` one if
    the same page saved that."""
    said, last = _said(request), cache.get(f"editor-{key}")
    if said is None or last is None:
        return named
    page, number, version = last
    follows = said[0] == page and said[1] > number and version == current
    return current if follows else named


def saved(request: HttpRequest, key: str, version: int) -> None:
    if said := _said(request):
        cache.set(f"editor-{key}", (*said, version), KEPT)
