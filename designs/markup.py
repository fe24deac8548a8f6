"""Reads an HTML design's tags without changing it. Pure, and linear in the source's length.

Jinja tags are masked by as many other characters first, so a quote or `>` inside an expression
misleads nobody, and every position in the masked source is the same position in the source. What
closes nowhere ends the reading, as it does in a browser.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MASK = "\x01"
JINJA_OPEN = re.compile(r"\{[{%#]")
RAW_BLOCK = re.compile(r"\{%[-+]?\s*raw\s*[-+]?%\}")
RAW_END = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")
JINJA_CLOSE = {"{{": "}}", "{%": "%}", "{#": "#}"}
TAG_OPEN = re.compile(r"<(!--|[!?]|/?[a-zA-Z][^\s/>\x01]*)")
TAG_REST = re.compile(r"""(?:[^>"']|"[^"]*"|'[^']*')*+>""")
ATTRIBUTE = re.compile(r"""([^\s=>"'/\x01]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+)))?""")
# Their content is no markup.
RAW = {"script", "style", "title", "textarea", "xmp"}


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag: where it stands, and where its attributes' values stand, without quotes."""

    # Lower case; an end tag's begins with "/".
    name: str
    begin: int
    end: int
    values: dict[str, tuple[int, int]]


def jinja_spans(source: str) -> Iterator[tuple[int, int]]:
    """Where `{{ }}`, `{% %}` and `{# #}` stand; a raw block is one span with what is in it."""
    position = 0
    # What is not closed after here is not looked for again.
    hopeless: set[str] = set()
    while found := JINJA_OPEN.search(source, position):
        raw = RAW_BLOCK.match(source, found.start())
        raw_end = RAW_END.search(source, raw.end()) if raw and "raw" not in hopeless else None
        if raw and not raw_end:
            hopeless.add("raw")
        if raw_end:
            yield found.start(), raw_end.end()
            position = raw_end.end()
            continue
        closing = JINJA_CLOSE[found[0]]
        end = -1 if closing in hopeless else source.find(closing, found.end())
        if end < 0:
            hopeless.add(closing)
            position = found.end()
            continue
        yield found.start(), end + 2
        position = end + 2


def split_jinja(source: str) -> list[tuple[str, bool]]:
    """The source in pieces, each with whether it is a Jinja tag."""
    pieces, last = [], 0
    for begin, end in jinja_spans(source):
        pieces += [(source[last:begin], False), (source[begin:end], True)]
        last = end
    return [piece for piece in [*pieces, (source[last:], False)] if piece[0]]


def without_jinja(source: str) -> str:
    """The source without Jinja tags; line breaks inside them stay, so lines keep their numbers."""
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
    """Start tags, end tags, and the text between them; without comments and what is in scripts,
    style sheets and the like.

    Not html.parser: it takes quadratic time on what never closes, and raises on some of it.
    """
    hidden = masked(source)
    position = 0
    while found := TAG_OPEN.search(hidden, position):
        yield source[position : found.start()]
        name = found[1].lower()
        if name[0] in "!?":
            # From the "--" of "<!--" on: "<!-->" is a whole comment.
            closing = "-->" if name == "!--" else ">"
            position = _after(hidden, closing, found.start() + 2)
            continue
        rest = TAG_REST.match(hidden, found.end())
        if rest is None:
            return
        position = rest.end()
        yield Tag(name, found.start(), position, _values(hidden, found.end(), position))
        if name in RAW:
            end = re.compile(rf"</{name}\b", re.IGNORECASE).search(hidden, position)
            position = end.start() if end else len(hidden)
    yield source[position:]


def _after(text: str, closing: str, position: int) -> int:
    end = text.find(closing, position)
    return len(text) if end < 0 else end + len(closing)


def _values(hidden: str, begin: int, end: int) -> dict[str, tuple[int, int]]:
    values: dict[str, tuple[int, int]] = {}
    for found in ATTRIBUTE.finditer(hidden, begin, end - 1):
        group = next((n for n in (2, 3, 4) if found[n] is not None), 1)
        span = found.span(group) if group > 1 else (found.end(), found.end())
        values.setdefault(found[1].lower(), span)
    return values
