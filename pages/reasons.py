"""Reasons of states: a code in the database, and a sentence for the reader. Each app registers its
own codes in its module `reasons`."""

from collections.abc import Callable, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext

from pages.registry import Registry

sentences: Registry[Promise] = Registry()
# Each translates a stored text that contains values into the reader's language. It returns "" for a
# text that it doesn't know.
translations: Registry[Callable[[str], str]] = Registry()


def register(given: Mapping[str, Promise]) -> None:
    """{code: sentence}. A code means the same in all apps."""
    for code, sentence in given.items():
        sentences.add(sentence, key=code)


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


def cause(code: str, words: str) -> tuple[str, str]:
    """The stored reason of a state in the reader's language: (our sentence, the words by `said`).
    Each may be ""."""
    return text(code) if code else "", said(words)


def line(code: str, words: str) -> str:
    """The same as `cause`, as one line."""
    return ": ".join(filter(None, cause(code, words)))
