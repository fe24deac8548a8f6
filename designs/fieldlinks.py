"""Gives links that begin with a merge field exactly one scheme, and never a script's. Pure.

Editors turn `{{ site }}` into `https://{{ site }}`, though the values may have schemes of their
own. So a field at the start of a URL gets the filter `link` (`with_scheme`). It adds a scheme to a
value that has none: the scheme before the field, or https.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from contacts import valuekinds
from designs.markup import jinja_spans, split_jinja, tags
from pages.oneline import one_line

SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
HOST_AND_PORT = re.compile(r"[\w.-]+:\d{1,5}(?:[/?#]|\Z)")
ADDRESS = re.compile(r"[^\s/?#:@]+@[\w-]+(?:\.[\w-]+)+(?:\?\S*)?")
WITH_HOST = re.compile(r"[^\s/?#:@.\\]+(?:\.[^\s/?#:@.\\]+)+\.?(?::\d{1,5})?(?:[/?#]|\Z)")
ONE_LABEL = re.compile(r"[^\s/?#:@.\\]+(?::\d{1,5})?(?:[/?#]\S*)?")
# Schemes that run code in the reader's browser or contain a page. A contact's value never needs
# them.
RUNS = {"javascript", "vbscript", "data", "blob"}
NOWHERE = frozenset((*valuekinds.DANGEROUS, "", "http", "https"))
# Web schemes as browsers read them (URL standard, 4.4), and common typing errors: `http:a.example`,
# `https//`, `http：//`, a second scheme that a form put before the first.
WEB = re.compile(r"(https?)(?:[:：][/\\／]*|;?[/\\]{2,})", re.IGNORECASE)
WITH_WEB_HOST = re.compile(r"https?://[^\s/?#\\]", re.IGNORECASE)
# Characters around a pasted URL: blanks of all sorts, joiners, brackets and quotes.
AROUND = '<>"“”\u00ad\u200b\u200c\u200d\u2060\ufeff'
OUTER = AROUND + "".join(one for one in map(chr, range(0x3001)) if one.isspace())
# Browsers drop line breaks and tabs inside a URL, so "java\nscript:" runs.
DROPPED = re.compile("[\x00-\x20\x7f-\x9f\u00ad\u200b-\u200f\u2060]")

LINKING = {"a": "href", "area": "href", "img": "src"}
# Text that may stand before the field: a scheme, or only its slashes.
LEAD = re.compile(r"\s*(?:(?:(https?):)?//\s*)?", re.IGNORECASE)
# Text after a field that is the whole host, or more than the host.
END_OF_HOST = re.compile(r"[/?#]|:\d|\s*\Z")
IN_TEXT = re.compile(r"(?<![\w:/.@-])(https?)://\Z", re.IGNORECASE)
# Text after a field that is only a part of a host.
GOES_ON = re.compile(r"[\w{@%-]|[.:](?!\d)\w|\.\{")
# Our own URLs, which have a scheme; values that went through these filters.
OURS = re.compile(r"\b(?:unsubscribe_url|preferences_url|view_url|open_pixel_url)\b|\btrack\s*\(")
FILTERED = re.compile(r"\|\s*(?:link|urlencode)\b")
CONTROL = re.compile(r"\A\{\{[-+]?|[-+]?\}\}\Z")
KEYWORD = re.compile(r"\{%[-+]?\s*(\w+)")


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the text from `begin` to `end` by `made`. `expression`: the field's expression."""

    begin: int
    end: int
    expression: str
    made: str


def with_scheme(value: str, scheme: str = "") -> str:
    """A contact's URL as a link needs it: with its own scheme, else with `scheme` or https.
    An e-mail address gets mailto:. A URL that would run code becomes "".

    Any other text stays as it is, or becomes "" if the mail itself has a `scheme`."""
    text = one_line(value).strip(OUTER)
    if _scheme_of(text) in valuekinds.DANGEROUS:
        return ""
    own = ""
    while web := WEB.match(text):
        own, text = f"{web[1]}://", text[web.end() :].lstrip(" /\\")
    if own:
        return own + text if text else ""
    if text.startswith("//"):
        return with_scheme(text.lstrip("/"), scheme or "https")
    return _without_web(text, scheme)


def _without_web(text: str, scheme: str) -> str:
    if SCHEME.match(text) and not HOST_AND_PORT.match(text):
        return text
    if ADDRESS.fullmatch(text):
        return f"mailto:{text}"
    if WITH_HOST.match(text) or (scheme and ONE_LABEL.fullmatch(text)):
        return f"{scheme or 'https'}://{text}"
    return "" if scheme else text


def _scheme_of(url: str) -> str:
    """As a browser reads it."""
    found = SCHEME.match(DROPPED.sub("", url))
    return found[1].lower() if found else ""


def is_web(url: str) -> bool:
    """Whether it is a complete http(s) URL, so that a redirect can lead there."""
    return WITH_WEB_HOST.match(url) is not None


def alone(url: str) -> str:
    """A URL that isn't http(s), for a link; "" if it leads nowhere."""
    return "" if _scheme_of(url) in NOWHERE else url


def add_schemes(html: str) -> str:
    """The HTML, in which links and images that begin with a merge field have exactly one scheme."""
    return _edited(html, edits(html))


def schemes_in_text(text: str) -> str:
    """The plain text, in which URLs that begin with a merge field have exactly one scheme. A field
    without a scheme before it isn't taken for a URL."""
    return _edited(text, _edits_in_text(text))


def _edited(source: str, found: Iterator[Edit]) -> str:
    pieces, last = [], 0
    for edit in found:
        pieces += [source[last : edit.begin], edit.made]
        last = edit.end
    return "".join([*pieces, source[last:]])


def edits(html: str) -> Iterator[Edit]:
    for tag in tags(html):
        name = LINKING.get(tag.name, "")
        if name in tag.values:
            begin, end = tag.values[name]
            if "{" in html[begin:end]:
                yield from _Beginnings(html[begin:end], begin).edits()


def _edits_in_text(text: str) -> Iterator[Edit]:
    for begin, end in jinja_spans(text):
        found = IN_TEXT.search(text, max(begin - 10, 0), begin)
        if found is None or not text.startswith("{{", begin) or GOES_ON.match(text, end):
            continue
        expression = _expression(text[begin:end])
        if made := _made(expression, found[1]):
            yield Edit(found.start(), end, expression, made)


class _Beginnings:
    """The fields that a URL may begin with. With `if` there can be several."""

    def __init__(self, value: str, offset: int) -> None:
        self.pieces = split_jinja(value)
        self.place = offset
        # Whether only blanks, or a scheme that begins at `lead`, stand before the current piece.
        self.at_begin = True
        self.lead: int | None = None
        self.scheme = ""
        # For each open `if`: `at_begin` before it, and `at_begin` at the end of each branch.
        self.outer: list[tuple[bool, list[bool]]] = []

    def edits(self) -> Iterator[Edit]:
        for number, (piece, is_jinja) in enumerate(self.pieces):
            if not is_jinja:
                self._literal(piece)
            elif piece.startswith("{%"):
                self._statement(piece)
            elif piece.startswith("{{"):
                if self.at_begin and (edit := self._edit(number, piece)):
                    yield edit
                self.at_begin = False
            self.place += len(piece)

    def _literal(self, piece: str) -> None:
        found = LEAD.fullmatch(piece)
        if found is None or self.lead is not None:
            self.at_begin = self.at_begin and not piece.strip()
        elif piece.strip():
            self.lead, self.scheme = self.place, found[1] or "https"

    def _statement(self, piece: str) -> None:
        found = KEYWORD.match(piece)
        keyword = found[1] if found else ""
        if keyword in {"if", "for"}:
            self.outer.append((self.at_begin, []))
        elif keyword in {"elif", "else"} and self.outer:
            before, branches = self.outer[-1]
            branches.append(self.at_begin)
            self.at_begin = before
            self.lead = None if before else self.lead
        elif keyword in {"endif", "endfor"} and self.outer:
            _before, branches = self.outer.pop()
            self.at_begin = self.at_begin and all(branches)
        elif keyword == "raw":
            self.at_begin = False

    def _edit(self, number: int, piece: str) -> Edit | None:
        expression, end = _expression(piece), self.place + len(piece)
        if self.lead is None:
            made = "" if FILTERED.search(expression) else _made(expression, "")
            return Edit(self.place, end, expression, made) if made else None
        following = self.pieces[number + 1 :]
        rest, is_jinja = following[0] if following else ("", False)
        if OURS.search(expression):
            return Edit(self.lead, end, expression, piece)
        if rest.startswith("{{") or not (is_jinja or END_OF_HOST.match(rest)):
            return None
        made = _made(expression, self.scheme)
        return Edit(self.lead, end, expression, made) if made else None


def _expression(tag: str) -> str:
    return CONTROL.sub("", tag).strip()


def _made(expression: str, scheme: str) -> str:
    """The expression with the filter `link`; "" for our own URLs, which have a scheme."""
    if not expression or OURS.search(expression):
        return f"{{{{ {expression} }}}}" if expression and scheme else ""
    if "|" in expression or " " in expression:
        expression = f"({expression})"
    brackets = {"": "", "https": "(true)"}.get(scheme.lower(), f"('{scheme.lower()}')")
    return f"{{{{ {expression}|link{brackets} }}}}"
