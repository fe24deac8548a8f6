"""Links whose address begins with a merge field: one scheme, and nothing that runs. Pure.

Editors make `https://{{ site }}` of `{{ site }}`, whatever the values are. So a field at the
beginning of an address goes through the filter `link` (`with_scheme`), which gives a value without
a scheme one; a scheme before the field says which.
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
# They run in the reader's browser, or hold a page of their own: no contact's value is for that.
RUNS = {"javascript", "vbscript", "data", "blob"}
NOWHERE = frozenset((*valuekinds.DANGEROUS, "", "http", "https"))
# As browsers read them (URL standard, 4.4), with what people mistype: `http:a.example`, `https//`,
# `http：//`, a second scheme that a form put before the first.
WEB = re.compile(r"(https?)(?:[:：][/\\／]*|;?[/\\]{2,})", re.IGNORECASE)
WITH_WEB_HOST = re.compile(r"https?://[^\s/?#\\]", re.IGNORECASE)
# Around what is pasted: blanks of all sorts, joiners, brackets and quotes.
AROUND = '<>"“”\u00ad\u200b\u200c\u200d\u2060\ufeff'
OUTER = AROUND + "".join(one for one in map(chr, range(0x3001)) if one.isspace())
# Browsers drop line breaks and tabs inside of a URL: "java\nscript:" runs.
DROPPED = re.compile("[\x00-\x20\x7f-\x9f\u00ad\u200b-\u200f\u2060]")

LINKING = {"a": "href", "area": "href", "img": "src"}
# What may stand before the field: a scheme, or only its slashes.
LEAD = re.compile(r"\s*(?:(?:(https?):)?//\s*)?", re.IGNORECASE)
# Behind a field that is the whole host, or more.
END_OF_HOST = re.compile(r"[/?#]|:\d|\s*\Z")
IN_TEXT = re.compile(r"(?<![\w:/.@-])(https?)://\Z", re.IGNORECASE)
# The field is only a part of a host.
GOES_ON = re.compile(r"[\w{@%-]|[.:](?!\d)\w|\.\{")
# Ours, which have a scheme; and what went through these filters.
OURS = re.compile(r"\b(?:unsubscribe_url|view_url|open_pixel_url)\b|\btrack\s*\(")
FILTERED = re.compile(r"\|\s*(?:link|urlencode)\b")
CONTROL = re.compile(r"\A\{\{[-+]?|[-+]?\}\}\Z")
KEYWORD = re.compile(r"\{%[-+]?\s*(\w+)")


@dataclass(frozen=True, slots=True)
class Edit:
    """What stands between `begin` and `end` is to become `made`. `expression`: the field's."""

    begin: int
    end: int
    expression: str
    made: str


def with_scheme(value: str, scheme: str = "") -> str:
    """A contact's web address as a link needs it: with its own scheme, else with `scheme` or https.
    An address of mail gets mailto:; what would run in a browser becomes nothing.

    What is no address stays as it is, or becomes nothing where the mail itself has a `scheme`."""
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
    """Whether the address leads to a place on the web, so that a redirect can lead there."""
    return WITH_WEB_HOST.match(url) is not None


def alone(url: str) -> str:
    """An address that is none of the web, as a link has it; empty for what leads nowhere."""
    return "" if _scheme_of(url) in NOWHERE else url


def add_schemes(html: str) -> str:
    """HTML whose links and pictures that begin with a merge field have one scheme."""
    return _edited(html, edits(html))


def schemes_in_text(text: str) -> str:
    """Typed text whose addresses that begin with a merge field have one scheme. A field without a
    scheme before it is no address."""
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
    """The fields that an address may begin with: several where `if` decides."""

    def __init__(self, value: str, offset: int) -> None:
        self.pieces = split_jinja(value)
        self.place = offset
        # Whether nothing stands before, but a scheme from `lead` on.
        self.at_begin = True
        self.lead: int | None = None
        self.scheme = ""
        # Of each open `if`: how it was before, and whether each branch left it so.
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
    """The field through the filter; "" for ours, which have a scheme."""
    if not expression or OURS.search(expression):
        return f"{{{{ {expression} }}}}" if expression and scheme else ""
    if "|" in expression or " " in expression:
        expression = f"({expression})"
    brackets = {"": "", "https": "(true)"}.get(scheme.lower(), f"('{scheme.lower()}')")
    return f"{{{{ {expression}|link{brackets} }}}}"
