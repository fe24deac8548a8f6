"""Texts of pages for recipients (sign up, leave, choose lists), in the languages that recipients
read. The site itself has fewer. Pure.

Each language has one file, <code>.toml: its own name, its direction of writing, and the texts by
key. Every file has the same keys, and each text the same names in braces, as English has
(tests/pages/test_publicwords.py).
"""

import tomllib
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

from babel import Locale
from babel.dates import format_date
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation.trans_real import parse_accept_lang_header

ENGLISH = "en"
# In the order of a switch on a page.
LANGUAGES = (ENGLISH, "zh-Hans", "zh-Hant", "es", "fr", "de", "ja", "ko", "ar", "th")
# Tags that begin like this mean another file than their first part says (BCP 47).
ELSEWHERE = {
    "zh-hant": "zh-Hant",
    "zh-tw": "zh-Hant",
    "zh-hk": "zh-Hant",
    "zh-mo": "zh-Hant",
    "zh": "zh-Hans",
}


def known(tag: str) -> str:
    """The language of a BCP 47 tag in any case: zh-TW -> zh-Hant, fr-CA -> fr. "": not one of
    ours."""
    parts = tag[:40].lower().replace("_", "-").split("-")
    for length in range(len(parts), 0, -1):
        start = "-".join(parts[:length])
        found = ELSEWHERE.get(start) or next((c for c in LANGUAGES if c.lower() == start), "")
        if found:
            return found
    return ""


def choose(asked: Iterable[str], *, accepts: str = "", otherwise: str = ENGLISH) -> str:
    """The first of the tags `asked` that we have; else the best of the header Accept-Language
    (RFC 9110, 12.5.4); else `otherwise`."""
    wanted = (*asked, *(tag for tag, _ in parse_accept_lang_header(accepts[:500])), otherwise)
    return next(filter(None, map(known, wanted)), ENGLISH)


def name(language: str) -> str:
    """The language's name in itself: 简体中文. Another code as it is."""
    if language not in LANGUAGES:
        return language
    return str(_file(language)["name"])


def direction(language: str) -> str:
    """The HTML attribute `dir`: "ltr" or "rtl"."""
    return str(_file(language)["direction"])


def say(language: str, key: str, **values: object) -> SafeString:
    """The text as HTML: `values` are escaped, unless they are safe already. Raises KeyError."""
    text = texts(language)[key]
    return format_html(text, **values) if values else SafeString(text.format())


def day(language: str, moment: datetime) -> str:
    """The date as one writes it in the language: 3. März 2027."""
    locale = Locale.parse(language, sep="-")
    return str(format_date(timezone.localtime(moment).date(), "long", locale=locale))


def months(language: str) -> list[str]:
    """The names of the twelve months, as they stand alone."""
    names = Locale.parse(language, sep="-").months["stand-alone"]["wide"]
    return [str(names[number]) for number in range(1, 13)]


@cache
def texts(language: str) -> dict[str, str]:
    """All texts of a language by key; {name} stands for a value."""
    return {
        f"{part}.{key}": text
        for part, some in _file(language)["texts"].items()
        for key, text in some.items()
    }


@cache
def _file(language: str) -> dict[str, Any]:
    file = resources.files(__package__) / f"{language}.toml"
    return tomllib.loads(file.read_text("utf-8"))
