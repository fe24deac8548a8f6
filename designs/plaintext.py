"""Makes the plain text of an HTML design, with its Jinja tags. Pure, linear in the HTML's
length."""

import re
from collections.abc import Callable

from designs import htmltree, references, weburls
from designs.htmltree import Element
from designs.marks import Marks
from designs.markup import Tag
from designs.textlines import Lines
from designs.textlists import LISTS, Lists, items_of_reversed

LINES = {"li", "dt", "dd", "option", "legend", "summary", "caption", "figcaption"}
PREFORMATTED = {"pre", "listing"}
# HTML's white space. An ideographic space has the width of a letter, and stays.
BLANKS = re.compile("[ \t\n\r\f\v\u00a0]+")


def from_html(html: str, link: Callable[[str], str] = weburls.in_text) -> str:
    """Text with one blank line between blocks, links as "words (URL)", lists with their marks.

    `link` writes a URL template into the text; by default unchanged, as a text shows it.
    """
    marks = Marks()
    reader = _TextReader(marks.hide(html), marks, link)
    text = marks.show(reader.text())
    return f"{text}\n" if text else ""


class _TextReader(htmltree.HtmlReader):
    def __init__(self, html: str, marks: Marks, link: Callable[[str], str]) -> None:
        super().__init__()
        self.html = html
        self.marks = marks
        self.link = link
        self.lines = Lines()
        self.lists = Lists(marks, items_of_reversed(html))
        # For each open link: its URL, and the place where its words begin.
        self.links: list[tuple[str, tuple[int, int]]] = []
        # The statements inside hidden elements.
        self.unseen: list[str] = []
        self.read(html)

    def text(self) -> str:
        return self.lines.text()

    # -- Called by htmltree.HtmlReader for shown elements

    def begin(self, element: Element, values: dict[str, str], tag: Tag) -> None:
        name = element.name
        self._break(name)
        if name in LISTS:
            self.lists.begin(name, values, tag.begin)
        elif name == "li":
            self.lines.add_mark(self.lists.mark(values))
        elif name == "a":
            self.links.append((self._url(values), self.lines.place()))
        if name in PREFORMATTED or htmltree.keeps_lines(values):
            self.lines.begin_preformatted()
            element.preformatted = True

    def void(self, name: str, values: dict[str, str]) -> None:
        if name == "br":
            self.lines.end_line(force=True)
        elif name == "hr":
            self.lines.end_paragraph()
            self.lines.add("-" * 20)
            self.lines.end_paragraph()
        elif name == "img":
            self.lines.add(BLANKS.sub(" ", values.get("alt", "")))
        elif name == "area":
            self._area(values)

    def end(self, element: Element) -> None:
        name = element.name
        if element.preformatted:
            self.lines.end_preformatted()
        if name == "a" and self.links:
            self._end_link(*self.links.pop())
        if name in LISTS:
            self.lists.end()
        elif name == "li":
            self.lines.end_item()
        if name in {"td", "th"}:
            self.lines.end_cell()
        else:
            self._break(name)

    def _break(self, name: str) -> None:
        is_inner_list = name in LISTS and bool(self.lists.lists)
        if name in htmltree.BLOCKS and not is_inner_list:
            self.lines.end_paragraph()
        elif name in LINES or is_inner_list:
            self.lines.end_line()

    def hidden_words(self, source: str) -> None:
        self.unseen += self.marks.statements(source)

    def end_hidden(self) -> None:
        """Keeps hidden statements that the rest needs: a `set`, or the start of an `if`."""
        unseen, self.unseen = self.unseen, []
        if unseen and self.marks.matter(unseen):
            self.words("".join(unseen))

    def words(self, source: str) -> None:
        for mark in self.marks.statements(source):
            self.lists.statement(self.marks.keyword(mark))
        words = references.in_text(source)
        if self.lines.is_preformatted:
            self.lines.add_preformatted(words)
        else:
            self.lines.add(BLANKS.sub(" ", words))

    # -- Links

    def _url(self, values: dict[str, str]) -> str:
        """The template of the link's URL; "" if it leads to a place in the same mail."""
        url = weburls.clean(values.get("href", ""))
        return "" if url.startswith("#") else url

    def _area(self, values: dict[str, str]) -> None:
        """Writes a linked part of an image on its own line."""
        if url := self._url(values):
            self.lines.end_line()
            place = self.lines.place()
            self.lines.add(BLANKS.sub(" ", values.get("alt", "")))
            self._end_link(url, place)
            self.lines.end_line()

    def _end_link(self, url: str, place: tuple[int, int]) -> None:
        if not url:
            return
        words = self.lines.words_since(place)
        scheme = re.match("(mailto|tel|sms):", url, re.IGNORECASE)
        target = url[scheme.end() :].partition("?")[0] if scheme else url
        shown = target if scheme else self.marks.add(self.link(self.marks.show(url)))
        if not words:
            self.lines.add(shown)
            self.lines.end_address()
        elif words != target:
            self.lines.add_address(shown)
        elif not scheme:
            self.lines.replace_since(place, shown)
