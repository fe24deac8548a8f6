"""Why something is as it is: a code in the database, a sentence for the reader. Each app registers
its own codes (`relays.reasons`, `sending.reasons`)."""

from collections.abc import Callable, Mapping
from functools import cache

from django.utils.functional import Promise
from django.utils.translation import gettext, override

_sentences: dict[str, Promise] = {}
_translations: list[Callable[[str], str]] = []


def register(sentences: Mapping[str, Promise]) -> None:
    """{code: sentence}. A code means the same in all apps."""
    _sentences.update(sentences)
    _english.cache_clear()


def register_translation(translation: Callable[[str], str]) -> None:
    """`translation`: of a stored text with values in it, to the reader's language; "" where the
    text is none of its own."""
    _translations.append(translation)


def sentences() -> Mapping[str, Promise]:
    return _sentences


def text(code: str) -> str:
    """The sentence for a code; the code itself where it is none of ours."""
    return str(_sentences.get(code, code))


def said(words: str) -> str:
    """A server's words as they came; words of ours, which stand where there was no reply, in the
    reader's language."""
    for translation in _translations:
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
        return {code: str(sentence) for code, sentence in _sentences.items()}
