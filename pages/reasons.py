"""Why something is as it is: a code in the database, a sentence for the reader. Each app registers
its own codes in its module `reasons`."""

from collections.abc import Callable, Mapping
from functools import cache

from django.utils.functional import Promise
from django.utils.translation import gettext, override

from pages.registry import Registry

sentences: Registry[Promise] = Registry()
# Each gives a stored text with values in it in the reader's language; "" where the text is none of
# its own.
translations: Registry[Callable[[str], str]] = Registry()


def register(given: Mapping[str, Promise]) -> None:
    """{code: sentence}. A code means the same in all apps."""
    for code, sentence in given.items():
        sentences.add(sentence, key=code)
    _english.cache_clear()


def text(code: str) -> str:
    """The sentence for a code; the code itself where it is none of ours."""
    return str(sentences[code]) if code in sentences else code


def said(words: str) -> str:
    """A server's words as they came; words of ours, which stand where there was no reply, in the
    reader's language."""
    for translation in translations:
        if text := translation(words):
            return text
    return gettext(words) if words and not words[0].isdigit() else words


def with_words(code: str, words: str) -> str:
    """Sentence and server's words, as it is stored where only one text can be: in English."""
    return f"{_english()[code]}: {words}" if words else _english()[code]


def cause(stored: str) -> tuple[str, str]:
    """What `with_words` stored, in the reader's language: (our sentence, words as `said` has
    them). Of any other text all is words."""
    sentence, colon, words = stored.partition(": ")
    for code, english in _english().items():
        if english == (sentence if colon else stored):
            return text(code), said(words)
    return "", said(stored)


@cache
def _english() -> dict[str, str]:
    with override("en"):
        return {str(code): str(sentence) for code, sentence in sentences.items()}
