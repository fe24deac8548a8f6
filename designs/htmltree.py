"""Reads HTML as elements, and tracks which are open and hidden. Pure, linear in the HTML's length.

It follows the HTML standard as far as a plain text needs it: omitted end tags, and end tags that
close nothing.
"""

import re
from collections import Counter
from dataclasses import dataclass

from designs import references
from designs.marks import MARK
from designs.markup import Tag, tokens

BLOCKS = {
    *("p", "div", "section", "article", "aside", "nav", "header", "footer", "main", "hgroup"),
    *("table", "tr", "ul", "ol", "menu", "dir", "dl", "blockquote", "pre", "listing", "address"),
    *("center", "figure", "form", "fieldset", "details", "dialog", "body"),
    *("h1", "h2", "h3", "h4", "h5", "h6"),
}
# Elements without an end tag.
VOID = {
    *("area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "img", "input"),
    *("keygen", "link", "meta", "param", "source", "track", "wbr"),
}
SKIPPED = {"head", "style", "script", "title", "template", "noscript"}
OF_HEAD = {
    *("base", "basefont", "bgsound", "link", "meta", "title", "style", "script", "noscript"),
    "template",
}
# {start tag: (open elements that it ends, elements that limit the search for them)}.
IMPLIED = {
    "li": ({"li"}, {"ul", "ol", "menu", "dir"}),
    "dt": ({"dt", "dd"}, {"dl"}),
    "dd": ({"dt", "dd"}, {"dl"}),
    "td": ({"td", "th"}, {"tr", "table"}),
    "th": ({"td", "th"}, {"tr", "table"}),
    "tr": ({"tr"}, {"table"}),
    "tbody": ({"thead", "tbody", "tfoot"}, {"table"}),
    "tfoot": ({"thead", "tbody", "tfoot"}, {"table"}),
    "option": ({"option"}, {"select", "datalist"}),
    "a": ({"a"}, {"td", "th", "table", "caption"}),
    **dict.fromkeys(BLOCKS - {"tr", "body"}, ({"p"}, {"td", "th", "table", "caption", "button"})),
}
# Elements that an end tag does not reach out of.
SCOPE = {"td", "th", "caption", "table", "template", "body", "html"}
# Elements whose end tags close them even inside unclosed blocks.
FORMATTING = set("a b big code em font i nobr s small strike strong tt u".split())
OF_TABLE = {"tr", "td", "th", "tbody", "thead", "tfoot", "caption"}
# Depth of the search for an open element, as in browsers.
DEEPEST = 512
STYLE = re.compile(r"(?:^|;)\s*([a-z-]+)\s*:\s*([^;]*)")
HIDDEN = {"display": {"none"}, "visibility": {"hidden", "collapse"}}
KEEPS_LINES = {"pre", "pre-wrap", "pre-line", "break-spaces"}


def _reach(name: str) -> set[str]:
    """The elements that the end tag does not reach out of."""
    if name in {"table", "body", "html"}:
        return set()
    if name in OF_TABLE:
        return {"table"}
    if name in IMPLIED and name not in BLOCKS | FORMATTING:
        return SCOPE | IMPLIED[name][1]
    if name in BLOCKS | FORMATTING:
        return SCOPE
    return SCOPE | BLOCKS


@dataclass(slots=True)
class Element:
    """An open element. `hidden`: by itself, not by its parents."""

    name: str
    hidden: bool
    preformatted: bool = False


def style_of(values: dict[str, str]) -> dict[str, str]:
    """{property: value} of the style attribute. The last value wins, or the last important one."""
    style: dict[str, str] = {}
    important: set[str] = set()
    for found in STYLE.finditer(values.get("style", "").lower()):
        name, value = found[1], found[2].strip()
        if value.endswith(("!important", "! important")):
            important.add(name)
            style[name] = value.partition("!")[0].strip()
        elif name not in important:
            style[name] = value
    return style


def keeps_lines(values: dict[str, str]) -> bool:
    return style_of(values).get("white-space") in KEEPS_LINES


def is_hidden(values: dict[str, str]) -> bool:
    """Whether every mail program hides the element. `mso-hide` hides it in Outlook only."""
    style = style_of(values)
    return "hidden" in values or any(style.get(name) in HIDDEN[name] for name in HIDDEN)


class HtmlReader:
    """Calls `begin`, `void`, `words` and `end` for shown elements and text, and `hidden_words` and
    `end_hidden` for hidden ones."""

    def __init__(self) -> None:
        self.open: list[Element] = []
        self.names: Counter[str] = Counter()
        # How many open elements are hidden.
        self.hidden = 0

    def read(self, html: str) -> None:
        for token in tokens(html):
            if isinstance(token, str):
                self._words(token)
            elif token.name.startswith("/"):
                self._end_tag(token.name[1:])
            else:
                self._start_tag(html, token)
        while self.open:
            self._close(len(self.open) - 1)

    def begin(self, element: Element, values: dict[str, str], tag: Tag) -> None: ...
    def void(self, name: str, values: dict[str, str]) -> None: ...
    def words(self, source: str) -> None: ...
    def hidden_words(self, source: str) -> None: ...
    def end(self, element: Element) -> None: ...
    def end_hidden(self) -> None: ...

    def _words(self, source: str) -> None:
        if self.names["head"] and MARK.sub("", source).strip():
            self._end_head()
        if self.hidden:
            self.hidden_words(source)
        elif source:
            self.words(source)

    def _start_tag(self, html: str, tag: Tag) -> None:
        name = tag.name
        if self.names["head"] and name not in OF_HEAD:
            self._end_head()
        if name in IMPLIED:
            self._end_implied(*IMPLIED[name])
        values = {
            key: references.in_value(html[begin:end]) for key, (begin, end) in tag.values.items()
        }
        hidden = name in SKIPPED or is_hidden(values)
        if name in VOID:
            if not hidden and not self.hidden:
                self.void(name, values)
            return
        element = Element(name, hidden)
        self.open.append(element)
        self.names[name] += 1
        self.hidden += hidden
        if not self.hidden:
            self.begin(element, values, tag)

    def _end_head(self) -> None:
        """Closes the head before the first content of the body."""
        place = self._find({"head"}, set())
        if place is not None:
            self._close_from(place)

    def _end_implied(self, names: set[str], until: set[str]) -> None:
        place = self._find(names, until)
        if place is not None:
            self._close_from(place)

    def _end_tag(self, name: str) -> None:
        if name == "br":
            # Browsers read </br> as <br>.
            if not self.hidden:
                self.void("br", {})
            return
        place = self._find({name}, _reach(name))
        if place is None:
            return
        if name in FORMATTING:
            self._close(place)
        else:
            self._close_from(place)

    def _find(self, names: set[str], until: set[str]) -> int | None:
        """The innermost open element with one of these names, if no element of `until` is further
        inside; else None."""
        if not any(self.names[name] for name in names):
            return None
        last = len(self.open) - 1
        for place in range(last, max(last - DEEPEST, -1), -1):
            if self.open[place].name in names:
                return place
            if self.open[place].name in until:
                return None
        return None

    def _close_from(self, place: int) -> None:
        while len(self.open) > place:
            self._close(len(self.open) - 1)

    def _close(self, place: int) -> None:
        element = self.open.pop(place)
        self.names[element.name] -= 1
        if not self.hidden:
            self.end(element)
        self.hidden -= element.hidden
        if element.hidden and not self.hidden:
            self.end_hidden()
