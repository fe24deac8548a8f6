"""Reads an HTML design's tags without changing it. Pure, and linear in the source's length.

Jinja tags are first masked, character by character. So a quote or `>` inside an expression has no
effect, and positions in the masked source are positions in the source. A tag or comment that never
closes ends the reading, as in a browser.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

MASK = "\x01"
JINJA_OPEN = re.compile(r"\{[{%#]")
# Possible starts of Jinja tags, and the elements in which `{#` may be text.
OPENING = re.compile(r"\{[{%#]|<(style|script)(?=[\s/>])", re.IGNORECASE)
SHEET_END = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in ("style", "script")
}
RAW_BLOCK = re.compile(r"\{%[-+]?\s*raw\s*[-+]?%\}")
RAW_END = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")
JINJA_CLOSE = {"{{": "}}", "{%": "%}", "{#": "#}"}
STRING = r""""(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'"""
# As in Jinja2's lexer, `}}` or `%}` inside a string doesn't close a tag.
JINJA_END = {
    "{{": re.compile(rf"""(?:[^"'}}]|{STRING}|\}}(?!\}}))*+\}}\}}""", re.DOTALL),
    "{%": re.compile(rf"""(?:[^"'%]|{STRING}|%(?!\}}))*+%\}}""", re.DOTALL),
}
# In a style sheet: a selector of an id with its block, and not a Jinja comment.
ID_SELECTOR = re.compile(r"\{#(?=[-\w\\])[^{}]*\{")
TAG_OPEN = re.compile(r"<(!--|[!?]|/?[a-zA-Z][^\s/>\x01]*)")
# Quotes belong to a value only where the value begins with one.
VALUE = r"""\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"'][^\s>]*)|(?=>))"""
NAME = r"[^\s/>\x01][^\s/>=\x01]*+"
# Without groups: in a possessive repetition they make Python 3.11 fail (SystemError).
ANY_VALUE = r"""\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>"'][^\s>]*|(?=>))"""
TAG_REST = re.compile(rf"(?:[\s/\x01]++|{NAME}(?:{ANY_VALUE}|(?!\s*=)))*+>")
ATTRIBUTE = re.compile(rf"({NAME})(?:{VALUE})?")
# From the "--" of "<!--" on: "<!-->" is a whole comment.
COMMENT_END = re.compile("--!?>")
# Elements whose content is no markup.
RAW = {"script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes"}
RAW_TEXT_END = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in RAW}


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag: its position, and the positions of its attributes' values, without quotes."""

    # Lower case. The name of an end tag begins with "/".
    name: str
    begin: int
    end: int
    values: dict[str, tuple[int, int]]


def jinja_spans(source: str) -> Iterator[tuple[int, int]]:
    """The positions of `{{ }}`, `{% %}` and `{# #}`. A raw block with its content is one span."""
    return ((begin, end) for begin, end, is_jinja in _openings(source) if is_jinja)


def readable(source: str) -> str:
    """The source for Jinja2: a `{#` that is CSS is escaped, so it doesn't begin a comment."""
    if "{#" not in source:
        return source
    pieces, last = [], 0
    for begin, end, is_jinja in _openings(source):
        if not is_jinja:
            pieces += [source[last:begin], literal(source[begin:end])]
            last = end
    return "".join([*pieces, source[last:]])


def literal(text: str) -> str:
    """A template that shows the text."""
    return JINJA_OPEN.sub(lambda found: f"{{{{ '{found[0]}' }}}}", text)


def comments(source: str) -> Iterator[tuple[int, int]]:
    """The positions of Jinja's comments."""
    return (span for span in jinja_spans(source) if source.startswith("{#", span[0]))


# A page reads the same source some thirty times.
@lru_cache(maxsize=4)
def _openings(source: str) -> tuple[tuple[int, int, bool], ...]:
    return tuple(_read_openings(source))


def _read_openings(source: str) -> Iterator[tuple[int, int, bool]]:
    """Each place where a Jinja tag may begin: (begin, end, whether it is one)."""
    position = 0
    # Closing marks that don't occur any more: they aren't searched again.
    hopeless: set[str] = set()
    sheet = _Sheet(source)
    while found := OPENING.search(source, position):
        begin, position = found.span()
        if found[1]:
            sheet.open(found)
        elif found[0] == "{#" and sheet.is_text(begin):
            yield begin, position, False
        elif end := _end_of_jinja(source, found, hopeless):
            yield begin, end, True
            position = end


def _end_of_jinja(source: str, found: re.Match[str], hopeless: set[str]) -> int:
    """The end of the Jinja tag; 0 if it never ends."""
    raw = RAW_BLOCK.match(source, found.start())
    if raw and "raw" not in hopeless:
        if end := RAW_END.search(source, raw.end()):
            return end.end()
        hopeless.add("raw")
    opening = found[0]
    if opening in JINJA_END and "string" not in hopeless:
        if end := JINJA_END[opening].match(source, found.end()):
            return end.end()
        hopeless.add("string")
    closing = JINJA_CLOSE[opening]
    place = -1 if closing in hopeless else source.find(closing, found.end())
    if place < 0:
        hopeless.add(closing)
        return 0
    return place + 2


class _Sheet:
    """The style sheet or script that is being read: minified CSS has `{#` in
    `@media screen{#outer{width:100%}}`."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.end = 0
        # The next `#}` in it; -1: none.
        self.close = -1

    def open(self, found: re.Match[str]) -> None:
        if found.start() >= self.end:
            end = SHEET_END[found[1].lower()].search(self.source, found.end())
            self.end = end.start() if end else len(self.source)
            self.close = self.source.find("#}", found.end(), self.end)

    def is_text(self, begin: int) -> bool:
        """Whether the `{#` at `begin` is in the sheet and doesn't begin a Jinja comment."""
        if begin >= self.end:
            return False
        if 0 <= self.close < begin + 2:
            self.close = self.source.find("#}", begin + 2, self.end)
        return self.close < 0 or ID_SELECTOR.match(self.source, begin, self.close) is not None


def split_jinja(source: str) -> list[tuple[str, bool]]:
    """The source in pieces: [(piece, whether it is a Jinja tag)]."""
    pieces, last = [], 0
    for begin, end in jinja_spans(source):
        pieces += [(source[last:begin], False), (source[begin:end], True)]
        last = end
    return [piece for piece in [*pieces, (source[last:], False)] if piece[0]]


def without_jinja(source: str) -> str:
    """The source without Jinja tags. Line breaks inside them stay, so lines keep their numbers."""
    return "".join(
        "\n" * piece.count("\n") if is_jinja else piece for piece, is_jinja in split_jinja(source)
    )


def masked(source: str) -> str:
    return "".join(
        MASK * len(piece) if is_jinja else piece for piece, is_jinja in split_jinja(source)
    )


def tags(source: str) -> Iterator[Tag]:
    """The start tags of HTML, not those in comments, scripts and style sheets."""
    for token in tokens(source):
        if isinstance(token, Tag) and not token.name.startswith("/"):
            yield token


def tokens(source: str) -> Iterator[Tag | str]:
    """Start tags, end tags, and the text between them, without comments and the content of scripts,
    style sheets and the like.

    We don't use html.parser: it takes quadratic time for markup that never closes, or raises.
    """
    return (token for token, _begin in placed_tokens(source))


def placed_tokens(source: str) -> Iterator[tuple[Tag | str, int]]:
    """The tokens, each with its start. Markup that never closes is left out, with all text after
    it."""
    hidden = masked(source)
    position = 0
    while found := TAG_OPEN.search(hidden, position):
        yield source[position : found.start()], position
        name = found[1].lower()
        end = _end_of_tag(hidden, found)
        if end is None:
            return
        if name[0] not in "!?":
            yield Tag(name, found.start(), end, _values(hidden, found.end(), end)), found.start()
        position = end
        if name in RAW:
            closing = RAW_TEXT_END[name].search(hidden, position)
            if closing is None:
                return
            position = closing.start()
    yield source[position:], position


def _end_of_tag(hidden: str, found: re.Match[str]) -> int | None:
    """The end of the tag, comment or declaration that begins with `found`; None if it never
    ends."""
    if found[1] == "!--":
        closed = COMMENT_END.search(hidden, found.start() + 2)
    elif found[1] in {"!", "?"}:
        place = hidden.find(">", found.start() + 2)
        return place + 1 or None
    else:
        closed = TAG_REST.match(hidden, found.end())
    return closed.end() if closed else None


def _values(hidden: str, begin: int, end: int) -> dict[str, tuple[int, int]]:
    values: dict[str, tuple[int, int]] = {}
    for found in ATTRIBUTE.finditer(hidden, begin, end - 1):
        group = next((n for n in (2, 3, 4) if found[n] is not None), 1)
        span = found.span(group) if group > 1 else (found.end(), found.end())
        values.setdefault(found[1].lower(), span)
    return values
