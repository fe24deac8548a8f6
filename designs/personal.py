"""The part of a link that differs from person to person, as arguments of `track`. Pure.

The address that a mail said goes with its link: what the person's fields are later changes nothing.
For `https://shop.example/?id={{ code }}&from=mail` it is the code; the rest stands in the content.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from designs.fieldlinks import alone, is_web
from designs.markup import jinja_spans, split_jinja

# Of what differs, in bytes: mail programs cut addresses of more than about 2,000 characters.
LONGEST = 1_000
# Of an address that stands in the mail as it is.
LONGEST_ADDRESS = 10_000
# Whitespace control: addresses have no blanks.
CONTROL = re.compile(r"^[-+]|-$")
STATEMENT = re.compile(r"\{%[-+]?\s*(\w+)(.*?)[-+]?%\}", re.DOTALL)


def around(url: str) -> tuple[str, str] | None:
    """What stands before and after the part that differs; None: the link is the same for all."""
    spans = list(jinja_spans(url))
    return (url[: spans[0][0]], url[spans[-1][1] :]) if spans else None


def arguments(url: str) -> str:
    """Expressions that together give what stands between `around(url)`; empty where the link is the
    same for all, or no expression can say it (loops)."""
    outer = around(url)
    if outer is None:
        return ""
    before, after = outer
    parts = _expressions(url[len(before) : len(url) - len(after)])
    return ", ".join(parts) if parts else ""


def rest(url: str) -> str | None:
    """What follows the values where the address begins with them, so that they say its scheme, too;
    None for other links."""
    outer = around(url)
    return outer[1] if outer and not outer[0] else None


def leads(
    values: Iterable[Any], rest: str | None, as_text: Callable[[Any], str]
) -> tuple[str | None, str | None]:
    """Of a link in somebody's mail: what goes with its counted address (`joined`), and the address
    that stands there instead. Only addresses of the web are counted: `mailto:` and `tel:` are
    opened by no redirect."""
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
    """The values of `arguments`; None where they are too long to go with a link."""
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
    """The pieces of a template as expressions; an `if` is one."""
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
        # Of each open `if`: what stands before it, and its branches, each with its condition.
        self.outer: list[tuple[list[str], list[tuple[str, list[str]]]]] = []

    def read(self, statement: str) -> bool:
        """Whether the statement is one that can be turned."""
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
    """The branch whose condition is true; the condition of `else` is empty."""
    chosen = "''"
    for condition, parts in reversed(branches):
        words = " ~ ".join(parts) or "''"
        chosen = f"({words} if ({condition}) else {chosen})" if condition else f"({words})"
    return chosen


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"
