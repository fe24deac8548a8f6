"""The marks of list items: "- ", "1. ", "b. ", "IV. ". Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from designs.htmltree import style_of
from designs.marks import Marks
from designs.markup import Tag, tokens

LISTS = {"ol", "ul", "menu", "dir"}
BULLET = "- "
INDENT = "  "
DEEPEST = 6
STYLES = {
    "decimal": "1",
    "lower-alpha": "a",
    "lower-latin": "a",
    "upper-alpha": "A",
    "upper-latin": "A",
    "lower-roman": "i",
    "upper-roman": "I",
}
BULLETS = {"disc", "circle", "square"}
ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l")),
    *((40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
LARGEST_ROMAN = 3_999
NUMBER = re.compile(r"\s*([-+]?\d{1,9})")


@dataclass(slots=True)
class _List:
    # "1", "a", "A", "i", "I"; "" for bullets, None for no mark.
    style: str | None
    number: int = 1
    step: int = 1
    # Number of items so far.
    count: int = 0
    # Number of Jinja statements that were open at the start of the list.
    depth: int = 0
    # The number of the next item depends on conditions or loops.
    unsure: bool = False


class Lists:
    """The open lists, and the open Jinja statements: an item inside an `if` may be absent."""

    def __init__(self, marks: Marks, reversed_items: Mapping[int, int]) -> None:
        self.marks = marks
        self.reversed_items = reversed_items
        self.lists: list[_List] = []
        self.statements: list[str] = []

    def begin(self, name: str, values: dict[str, str], place: int) -> None:
        made = _List(_style(name, values), depth=len(self.statements))
        if name == "ol":
            items = self.reversed_items.get(place)
            start = _number(values.get("start"))
            made.number = start if start is not None else items if items is not None else 1
            made.step = 1 if items is None else -1
        self.lists.append(made)

    def end(self) -> None:
        if self.lists:
            self.lists.pop()

    def statement(self, keyword: str) -> None:
        if keyword in {"if", "for", "with"}:
            self.statements.append(keyword)
        elif keyword.startswith("end") and self.statements:
            self.statements.pop()

    def mark(self, values: dict[str, str]) -> str:
        """The mark of the next item in the innermost list."""
        if not self.lists:
            return BULLET
        here = self.lists[-1]
        indent = INDENT * (min(len(self.lists), DEEPEST) - 1)
        if here.style is None:
            return indent
        if not here.style:
            return indent + BULLET
        value = _number(values.get("value"))
        if value is not None:
            here.number = value
        words = self._words(here)
        here.count += 1
        here.number += here.step
        return f"{indent}{words}"

    def _words(self, here: _List) -> str:
        inside = self.statements[here.depth :]
        first = not here.count and not here.unsure
        if not inside and not here.unsure:
            return f"{_written(here.number, here.style or '1')}. "
        # From here on the numbers depend on the items that are rendered.
        here.unsure = True
        if first and inside == ["for"] and (here.number, here.step, here.style) == (1, 1, "1"):
            return f"{self.marks.add('{{ loop.index }}')}. "
        return BULLET


def items_of_reversed(html: str) -> dict[int, int]:
    """{start of a reversed list: number of its items}."""
    found: dict[int, int] = {}
    if "reversed" not in html.lower():
        return found
    open_lists: list[tuple[int, bool]] = []
    for token in tokens(html):
        if not isinstance(token, Tag):
            continue
        if token.name in LISTS:
            is_reversed = token.name == "ol" and "reversed" in token.values
            open_lists.append((token.begin, is_reversed))
            if is_reversed:
                found[token.begin] = 0
        elif token.name[1:] in LISTS and open_lists:
            open_lists.pop()
        elif token.name == "li" and open_lists and open_lists[-1][1]:
            found[open_lists[-1][0]] += 1
    return found


def _style(name: str, values: dict[str, str]) -> str | None:
    style = style_of(values)
    for word in (style.get("list-style-type", "") or style.get("list-style", "")).split():
        if word == "none":
            return None
        if word in STYLES:
            return STYLES[word]
        if word in BULLETS:
            return ""
    if name != "ol":
        return ""
    kind = values.get("type", "").strip()
    return kind if kind in {"a", "A", "i", "I"} else "1"


def _number(value: str | None) -> int | None:
    found = NUMBER.match(value or "")
    return int(found[1]) if found else None


def _written(number: int, style: str) -> str:
    if style in "aA" and number > 0:
        letters = ""
        while number:
            number, letter = divmod(number - 1, 26)
            letters = chr(ord(style) + letter) + letters
        return letters
    if style in "iI" and 0 < number <= LARGEST_ROMAN:
        roman = ""
        for value, letters in ROMAN:
            times, number = divmod(number, value)
            roman += letters * times
        return roman if style == "i" else roman.upper()
    return str(number)
