"""Texts for recipients: each language has all of them, with the same values."""

import string
from pathlib import Path

import pytest
from django.template import Context, Template

from pages import publicwords
from pages.publicwords import ENGLISH, LANGUAGES

# Apps with pages or mails for recipients.
OURS = ("pages", "tracking", "signups", "sending", "contacts")


def names_in(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_each_text_with_the_same_values(language: str) -> None:
    english, ours = publicwords.texts(ENGLISH), publicwords.texts(language)
    assert list(ours) == list(english)
    for key, text in ours.items():
        assert names_in(text) == names_in(english[key]), key
        assert text.strip() == text, key
        assert text, key


def test_each_text_is_said_somewhere() -> None:
    """A text that no page says is missing on the page that should say it."""
    root = Path(__file__).parents[2]
    sources = [*root.glob("templates/**/*.html"), *root.glob("[!.]*/**/*.py")]
    words = "".join(
        one.read_text() for one in sources if one.relative_to(root).parts[0] in {"templates", *OURS}
    )
    # Names that are put together (a number, "bad_" with a type), and those that a function takes
    # without the section.
    parts = {key: key.partition(".")[2] for key in publicwords.texts(ENGLISH)}
    unsaid = [
        key
        for key, name in parts.items()
        if f'"{key}"' not in words
        and f'"{name}"' not in words
        and not name[-1].isdecimal()
        and not name.startswith("bad_")
    ]
    assert unsaid == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_knows_its_name_and_direction(language: str) -> None:
    assert publicwords.name(language)
    assert publicwords.direction(language) == ("rtl" if language == "ar" else "ltr")


def test_a_code_of_another_language_is_its_name() -> None:
    assert [publicwords.name(code) for code in ("", "xx", "../en")] == ["", "xx", "../en"]


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("en-GB", "en"),
        ("fr_CA", "fr"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-Hans-SG", "zh-Hans"),
        ("ZH-TW", "zh-Hant"),
        ("zh-Hant-HK", "zh-Hant"),
        ("zh-HK", "zh-Hant"),
        ("ar-EG", "ar"),
        ("thx", ""),
        ("xx", ""),
        ("", ""),
        ("-" * 1000, ""),
    ],
)
def test_tags_of_browsers_are_understood(tag: str, language: str) -> None:
    assert publicwords.known(tag) == language


def test_what_was_asked_for_comes_first_then_the_browser_then_the_rest() -> None:
    accepts = "nl, ja;q=0.5, ko;q=0.9"
    assert publicwords.choose(["de"], accepts=accepts, otherwise="fr") == "de"
    assert publicwords.choose(["xx", ""], accepts=accepts, otherwise="fr") == "ko"
    assert publicwords.choose([], accepts="nl", otherwise="fr") == "fr"
    assert publicwords.choose([], accepts="*;;q=\x00", otherwise="xx") == "en"


def test_values_are_escaped_and_texts_are_not_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publicwords, "texts", lambda _language: {"a.b": "Hello {name}"})
    assert publicwords.say("en", "a.b", name="<b>") == "Hello &lt;b&gt;"
    shown = Template('{% load publicwords %}{% say "a.b" name=name %}')
    assert shown.render(Context({"reader": "en", "name": "<i>"})) == "Hello &lt;i&gt;"
    with pytest.raises(KeyError):
        publicwords.say("en", "a.b")
