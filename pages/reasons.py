"""Reasons of states: a code in the database, and a sentence for the reader. Each app registers its
own codes in its module `reasons`."""

from collections.abc import Callable, Mapping
from functools import cache

from django.utils.functional import Promise
from django.utils.translation import gettext, override

from pages.registry import Registry

sentences: Registry[Promise] = Registry()
# Each translates a stored text that contains values into the reader's language. It returns "" for a
# text that it doesn't know.
translations: Registry[Callable[[str], str]] = Registry()


def register(given: Mapping[str, Promise]) -> None:
    """{code: sentence}. A code means the same in all apps."""
    for code, sentence in given.items():
        sentences.add(sentence, key=code)
    _english.cache_clear()


def text(code: str) -> str:
    """The sentence for a code; the code itself if it isn't registered."""
    return str(sentences[code]) if code in sentences else code


def said(words: str) -> str:
    """Translates our own words, which stand in for a missing reply, into the reader's language. A
    server's reply stays as it came."""
    for translation in translations:
        if text := translation(words):
            return text
    return gettext(words) if words and not words[0].isdigit() else words


def with_words(code: str, words: str) -> str:
    """The sentence and the server's words as one text, in English, for columns that hold one
    text."""
    return f"{_english()[code]}: {words}" if words else _english()[code]


def cause(stored: str) -> tuple[str, str]:
    """Splits a text of `with_words` and translates it: (our sentence, the words by `said`). Any
    other text gives ("", the words)."""
    sentence, colon, words = stored.partition(": ")
    for code, english in _english().items():
        if english == (sentence if colon else stored):
            return text(code), said(words)
    return "", said(stored)


@cache
def _english() -> dict[str, str]:
    with override("en"):
        return {str(code): str(sentence) for code, sentence in sentences.items()}
