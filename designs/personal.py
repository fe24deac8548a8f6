"""The personal part of a link, as arguments of `track`. Pure.

A counted link carries its personal part, so later changes of the person's fields don't change the
link's target. In `https://shop.example/?id={{ code }}&from=mail` the personal part is the code; the
content holds the rest.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from designs.fieldlinks import alone, is_web
from designs.markup import jinja_spans, split_jinja

# Bytes of the personal part: mail programs cut URLs of more than about 2,000 characters.
LONGEST = 1_000
# Characters of a URL that is written into the mail without a redirect.
LONGEST_ADDRESS = 10_000
# Jinja's whitespace control, which isn't needed: URLs have no blanks.
CONTROL = re.compile(r"^[-+]|-$")
STATEMENT = re.compile(r"\{%[-+]?\s*(\w+)(.*?)[-+]?%\}", re.DOTALL)


def around(url: str) -> tuple[str, str] | None:
    """The text before and after the personal part; None if the link is the same for all."""
    spans = list(jinja_spans(url))
    return (url[: spans[0][0]], url[spans[-1][1] :]) if spans else None


def arguments(url: str) -> str:
    """Expressions that together give the personal part. "" if the link is the same for all, or if
    no expression can give it (loops)."""
    outer = around(url)
    if outer is None:
        return ""
    before, after = outer
    parts = _expressions(url[len(before) : len(url) - len(after)])
    return ", ".join(parts) if parts else ""


def rest(url: str) -> str | None:
    """The text after the values, if the URL begins with them, so that its scheme depends on them;
    None for other links."""
    outer = around(url)
    return outer[1] if outer and not outer[0] else None


def leads(
    values: Iterable[Any], rest: str | None, as_text: Callable[[Any], str]
) -> tuple[str | None, str | None]:
    """For a link in one mail: (personal part for the counted URL, None), or (None, the URL to write
    instead). A personal part that is too long is None. Only http(s) URLs are counted: a redirect
    can't open `mailto:` and `tel:`."""
    if rest is None:
        return joined(values, as_text), None
    whole = joined(values, as_text, longest=LONGEST_ADDRESS)
    if whole is None or is_web(whole + rest):
        short = whole is not None and len(whole.encode(errors="replace")) <= LONGEST
        return whole if short else None, None
    return None, alone(whole + rest)


def joined(
    pieces: Iterable[Any], as_text: Callable[[Any], str], *, longest: int = LONGEST
) -> str | None:
    """The values of `arguments` as one text; None if it is too long for a link."""
    texts, room = [], longest
    for piece in pieces:
        text = as_text(piece)
        room -= len(text)
        if room < 0:
            return None
        texts.append(text)
    whole = "".join(texts)
    return whole if len(whole.encode(errors="replace")) <= longest else None


def _expressions(source: str) -> list[str] | None:
    """The pieces of a template as expressions. An `if` becomes one expression. None for loops."""
    reader = _ConditionReader()
    for piece, is_jinja in split_jinja(source):
        if not is_jinja:
            reader.parts.append(quoted(piece))
        elif piece.startswith("{{"):
            reader.parts.append(f"({CONTROL.sub('', piece[2:-2]).strip()})")
        elif not piece.startswith("{#") and not reader.read(piece):
            return None
    return None if reader.outer else reader.parts


class _ConditionReader:
    """Turns `{% if %}` into conditional expressions."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        # For each open `if`: the parts before it, and its branches with their conditions.
        self.outer: list[tuple[list[str], list[tuple[str, list[str]]]]] = []

    def read(self, statement: str) -> bool:
        """Reads a statement. Returns whether it can be turned into an expression."""
        found = STATEMENT.fullmatch(statement)
        keyword = found[1] if found else ""
        if keyword == "if":
            self.outer.append((self.parts, []))
        elif keyword not in {"elif", "else", "endif"} or not self.outer:
            return False
        before, branches = self.outer[-1]
        if keyword == "endif":
            self.outer.pop()
            before.append(_choice(branches))
            self.parts = before
        else:
            self.parts = []
            branches.append((found[2].strip() if found else "", self.parts))
        return True


def _choice(branches: list[tuple[str, list[str]]]) -> str:
    """An expression that gives the first branch whose condition is true. `else` has the condition
    ""."""
    chosen = "''"
    for condition, parts in reversed(branches):
        words = " ~ ".join(parts) or "''"
        chosen = f"({words} if ({condition}) else {chosen})" if condition else f"({words})"
    return chosen


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"
