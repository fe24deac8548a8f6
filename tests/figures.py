"""Follows every linked figure of a page and compares it with what the page behind it counts.

A figure is a link with `data-figure` (the tag `figure`). The page behind it says its total in
`data-total` (the tag `total`), or for a sum in `data-total-<name>`; and it shows that many rows.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urljoin

from django.test import Client

LINK = re.compile(r"<a\b[^>]*\bdata-figure=[^>]*>")
# Rows of larger tables are not counted: of those only the totals are compared.
MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class Figure:
    page: str
    url: str
    number: int
    # Of a sum over rows: its name on the page behind the link.
    sums: str = ""


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return unescape(found[1]) if found else ""


def on_page(client: Client, page: str) -> list[Figure]:
    answer = client.get(page, follow=True)
    assert answer.status_code in {200, 286}, page
    return [
        Figure(
            page,
            urljoin(page, _attribute(tag, "href")),
            int(_attribute(tag, "data-figure")),
            _attribute(tag, "data-sums"),
        )
        for tag in LINK.findall(answer.content.decode())
    ]


class _Unlinked(HTMLParser):
    """Collects whole numbers in cells and tiles of numbers that no link is around."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        # (name, whether it holds a number) of the elements that are open.
        self.open: list[tuple[str, bool]] = []
        # What stands above the number of a tile.
        self.label = ""
        self.labels = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        classes = (known.get("class") or "").split()
        label = self.label if "figure" in classes else known.get("data-label")
        shows = {"num", "figure"} & set(classes) and label not in NO_PEOPLE
        self.labels = "label" in classes
        if tag not in VOID:
            self.open.append((tag, bool(shows)))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self.labels:
            self.label, self.labels = data.strip(), False
        linked = any(tag == "a" for tag, _shows in self.open)
        number = data.strip().replace(",", "")
        counts = any(shows for _tag, shows in self.open) and not linked
        if counts and number.isdecimal() and int(number):
            self.found.append(data.strip())


# Columns and tiles of numbers that count no people, mails or replies.
NO_PEOPLE = {"Attempts", "Connections", "Line", "Pictures loaded", "Weight"}
VOID = {"img", "input", "br", "hr", "meta", "link", "source", "col", "use", "path", "rect", "wbr"}


def unlinked(client: Client, page: str) -> list[str]:
    """Numbers of the page that open nothing."""
    reader = _Unlinked()
    reader.feed(client.get(page, follow=True).content.decode())
    return [f"{page} does not link {number}" for number in reader.found]


def _pages(client: Client, url: str) -> Iterator[str]:
    for _number in range(MOST_ROWS // 50 + 1):
        html = client.get(url, follow=True).content.decode()
        yield html
        if int(_attribute(html, "data-total") or 0) > MOST_ROWS:
            return
        found = re.search(r'<a\b[^>]*\bhref="([^"]*)" rel="next"', html)
        if not found:
            return
        url = urljoin(url, unescape(found[1]))


def _rows(html: str) -> int:
    """Rows of the table, without those that a search adds below it."""
    table = html.partition("data-total")[2].partition('class="answers"')[0]
    return table.count('class="main"')


def differences(client: Client, figures: Iterable[Figure]) -> list[str]:
    """What differs, in words; each address is opened once."""
    seen: dict[tuple[str, str], tuple[str, int]] = {}
    wrong = []
    for figure in figures:
        key = (figure.url, figure.sums)
        if key not in seen:
            pages = list(_pages(client, figure.url))
            name = f"data-total-{figure.sums}" if figure.sums else "data-total"
            seen[key] = (_attribute(pages[0], name), sum(map(_rows, pages)))
            gone = int(_attribute(pages[0], "data-gone") or 0)
            if gone:  # People whom the number counts and who were deleted since are told apart.
                total, rows = seen[key]
                seen[key] = (str(int(total) + gone), rows + gone)
        total, rows = seen[key]
        counted = figure.sums or figure.number > MOST_ROWS or rows == figure.number
        if total != str(figure.number) or not counted:
            said = f"{figure.number}, its page {total or 'nothing'} and {rows} rows"
            wrong.append(f"{figure.page} says {said}: {figure.url}")
    return wrong
