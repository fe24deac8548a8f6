"""The starter designs in templates/email. Each is a folder with HTML and text in each language, and
a manifest.toml with names, subjects and the order."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings

FOLDER: Path = settings.ROOT / "templates" / "email"
LANGUAGES = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Starter:
    key: str
    language: str
    name: str
    description: str
    subject: str
    preheader: str
    html: str
    text: str


@cache
def _read() -> dict[tuple[str, str], Starter]:
    found: list[tuple[int, Starter]] = []
    for manifest in sorted(FOLDER.glob("*/manifest.toml")):
        given = tomllib.loads(manifest.read_text(encoding="utf-8"))
        for language in LANGUAGES:
            html, text = (
                (manifest.parent / f"{language}.{kind}").read_text(encoding="utf-8")
                for kind in ("html", "txt")
            )
            starter = Starter(
                manifest.parent.name, language, html=html, text=text, **given[language]
            )
            found.append((given["order"], starter))
    found.sort(key=lambda pair: pair[0])
    return {(starter.key, starter.language): starter for _order, starter in found}


def every(language: str) -> list[Starter]:
    """The starters of one language, in the gallery's order."""
    return [starter for starter in _read().values() if starter.language == language]


def get(key: str, language: str) -> Starter | None:
    return _read().get((key, language))


def proposed(language: str | None) -> str:
    """The language of starters for a person's language (zh-hans -> zh)."""
    short = (language or "").partition("-")[0]
    return short if short in LANGUAGES else LANGUAGES[0]
