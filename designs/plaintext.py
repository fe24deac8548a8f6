"""Makes the plain text of an HTML design; Jinja tags survive. Pure."""

import re
from html import unescape

from designs.markup import Tag, split_jinja, tokens

BLOCKS = {
    *("p", "div", "section", "article", "header", "footer", "main", "table", "tr", "ul", "ol"),
    *("blockquote", "pre", "address", "center", "figure"),
}
HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
# Elements without an end tag.
EMPTY = {"img", "br", "hr", "input", "meta", "link"}
SKIPPED = {"head", "style", "script", "title", "template", "noscript"}
# Stands for the n-th Jinja tag while the HTML is read: a private-use pair around its number.
MARK = re.compile("\ue000(\\d+)\ue001")
# What may not stand right behind the address of a link, as two buttons side by side do in HTML.
WORD = re.compile("[\\w(\ue000]")


def from_html(html: str) -> str:
    """Text with one blank line between blocks, links as "words (URL)", lists as "- "."""
    tags: list[str] = []
    masked: list[str] = []
    for piece, is_jinja in split_jinja(html):
        # Jinja's comments leave no trace when rendered.
        if is_jinja and not piece.startswith("{#"):
            masked.append(f"\ue000{len(tags)}\ue001")
            tags.append(piece)
        elif not is_jinja:
            masked.append(piece.replace("\ue000", ""))
    reader = _Reader()
    reader.read("".join(masked))
    text = MARK.sub(lambda found: tags[int(found[1])], reader.text()).strip()
    return f"{text}\n" if text else ""


class _Reader:
    def __init__(self) -> None:
        self.lines: list[str] = [""]
        self.skipping: list[str] = []
        self.links: list[tuple[str, int, int]] = []
        # Where the address of the last link ended: (line, column).
        self.after_link = (-1, -1)

    def read(self, html: str) -> None:
        for token in tokens(html):
            if isinstance(token, str):
                self._text(unescape(token))
            elif token.name.startswith("/"):
                self._end(token.name[1:])
            else:
                self._start(token.name, _values(html, token))

    def _start(self, tag: str, values: dict[str, str]) -> None:
        if tag in SKIPPED or _is_hidden(values):
            if tag not in EMPTY:
                self.skipping.append(tag)
            return
        if self.skipping:
            if tag == self.skipping[-1]:
                self.skipping.append(tag)
            return
        self._begin(tag, values)

    def _begin(self, tag: str, values: dict[str, str]) -> None:
        if tag in BLOCKS or tag in HEADINGS:
            self._break(2)
        elif tag == "li":
            self._break(1)
            self._add("- ")
        elif tag == "br":
            self._break(1, force=True)
        elif tag == "hr":
            self._break(2)
            self._add("-" * 20)
            self._break(2)
        elif tag == "img" and values.get("alt"):
            self._add(values["alt"])
        elif tag == "a":
            self.links.append((values.get("href", ""), len(self.lines) - 1, len(self.lines[-1])))

    def _end(self, tag: str) -> None:
        if self.skipping:
            if tag == self.skipping[-1]:
                self.skipping.pop()
            return
        if tag in BLOCKS or tag in HEADINGS:
            self._break(2)
        elif tag in {"td", "th"} and self.lines[-1] and not self.lines[-1].endswith(" "):
            self._add(" ")
        elif tag == "a" and self.links:
            self._end_link(*self.links.pop())

    def _end_link(self, href: str, line: int, column: int) -> None:
        words = "".join([self.lines[line][column:], *self.lines[line + 1 :]]).strip()
        href = href.strip()
        if not href or href.startswith("#"):
            return
        target = href.removeprefix("mailto:").removeprefix("tel:")
        if words and words != target:
            # A link that was a block (a button in a table) has its words on an earlier line.
            while len(self.lines) > 1 and not self.lines[-1].strip():
                self.lines.pop()
            self.lines[-1] = self.lines[-1].rstrip() + f" ({target})"
            self.after_link = len(self.lines) - 1, len(self.lines[-1])
        elif not words:
            self._add(target)

    def _text(self, data: str) -> None:
        if data and not self.skipping:
            self._add(re.sub(r"[\s\u00a0]+", " ", data))

    def _add(self, words: str) -> None:
        line = self.lines[-1]
        if not line or line.endswith(" "):
            words = words.lstrip(" ")
        elif self.after_link == (len(self.lines) - 1, len(line)) and WORD.match(words):
            words = f" {words}"
        self.lines[-1] = line + words

    def _break(self, count: int, *, force: bool = False) -> None:
        """Begins a new line (1) or paragraph (2); never more than one blank line."""
        if self.lines[-1].strip() or force:
            self.lines.append("")
        if count == 2 and len(self.lines) > 1 and self.lines[-2].strip():
            self.lines.append("")

    def text(self) -> str:
        text = "\n".join(line.rstrip() for line in self.lines)
        return re.sub(r"\n{3,}", "\n\n", text)


def _values(html: str, tag: Tag) -> dict[str, str]:
    return {name: unescape(html[begin:end]) for name, (begin, end) in tag.values.items()}


def _is_hidden(values: dict[str, str]) -> bool:
    style = values.get("style", "").replace(" ", "").lower()
    return "display:none" in style or "mso-hide:all" in style or "hidden" in values
