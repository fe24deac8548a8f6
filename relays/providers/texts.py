"""Texts of providers' files in the language of the page. Pure."""

from collections.abc import Mapping

from django.utils.translation import get_language

LANGUAGES = ("en", "zh")
# {language: text}; all languages, or none.
Text = Mapping[str, str]
NO_TEXT: Text = {}


def same(text: str) -> Text:
    """A text, such as a brand, that is the same in every language."""
    return dict.fromkeys(LANGUAGES, text)


def in_language(text: Text) -> str:
    language = (get_language() or "en").partition("-")[0]
    return text.get(language) or text.get("en", "")
