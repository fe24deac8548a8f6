"""Prints the values and links of a compiled part. Pure."""

from collections.abc import Callable
from typing import Any

from markupsafe import escape

from designs.encoding import LONGEST_VALUE, html_piece, text_piece
from designs.filters import as_text
from designs.fixed import Fixed
from designs.fuel import LimitError
from designs.personal import joined, leads
from designs.sandbox import shown_in


def html_value(language: str) -> Callable[[Any], bytes]:
    shown = shown_in(language)

    def value(one: Any) -> bytes:
        if one.__class__ is str:
            return html_piece(one)
        return text_piece(str(escape(shown(one))))

    return value


def text_value(language: str) -> Callable[[Any], bytes]:
    shown = shown_in(language)
    return lambda one: text_piece(one if one.__class__ is str else str(shown(one)))


def word_value(language: str) -> Callable[[Any], str]:
    shown = shown_in(language)

    def value(one: Any) -> str:
        text = str(shown(one))
        if len(text) > LONGEST_VALUE:
            raise LimitError("a value is too long")
        return text

    return value


def clicks(fixed: Fixed) -> Callable[..., str]:
    """The function `track` of a compiled part. Its first argument is the message's token."""

    def shown(one: Any) -> str:
        return as_text(one, fixed.language)

    def click(words: str, number: int, *values: Any, rest: str | None = None) -> str:
        address = f"{words.join(fixed.click)}{number}"
        said, other = leads(values, rest, shown) if values else (None, None)
        if other is not None:
            return other
        return address if said is None else address + fixed.sign(number, said)

    return click


def signed(fixed: Fixed) -> Callable[[Any, int], str]:
    """Makes the text after the number of a link with one value; "" if the value is too long."""

    def sign(value: Any, number: int) -> str:
        said = joined((value,), lambda one: as_text(one, fixed.language))
        return "" if said is None else fixed.sign(number, said)

    return sign
