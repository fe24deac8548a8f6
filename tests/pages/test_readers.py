"""Pages for recipients speak the language that the reader chose, or is known to read."""

import pytest
from django.test import RequestFactory

from pages import publicwords, readers
from pages.publicwords import LANGUAGES


@pytest.mark.parametrize(
    ("query", "known", "accepts", "otherwise", "language"),
    [
        ("", (), "", "", "en"),
        ("", (), "", "zh", "zh-Hans"),
        ("", (), "fr-CA, de;q=0.5", "zh", "fr"),
        ("", ("th",), "fr", "zh", "th"),
        ("?lang=ar", ("th",), "fr", "zh", "ar"),
        ("?lang=ZH-tw", (), "", "", "zh-Hant"),
        ("?lang=xx", ("tlh", "ko"), "fr", "zh", "ko"),
        ("?lang=%00%ff%22%3E" + "x" * 2000, (), "\x00;;q=", "", "en"),
    ],
)
def test_what_the_reader_chose_comes_first(
    query: str, known: tuple[str, ...], accepts: str, otherwise: str, language: str
) -> None:
    request = RequestFactory().get(f"/e/u/x{query}", headers={"Accept-Language": accepts})
    assert readers.of_request(request, known=known, otherwise=otherwise) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_says_its_language_and_offers_the_others(language: str) -> None:
    request = RequestFactory().get(f"/e/u/x?undone=1&lang={language}")
    answer = readers.page(request, "public/missing.html", status=404)
    words = answer.content.decode()
    assert answer.status_code == 404
    assert answer["Content-Language"] == language
    assert f'<html lang="{language}" dir="{publicwords.direction(language)}">' in words
    assert publicwords.texts(language)["missing.text"] in words
    for other in LANGUAGES:
        linked = f'href="?undone=1&amp;lang={other}"' in words
        assert linked == (other != language)


def test_hostile_parameters_are_only_parameters_in_the_links() -> None:
    request = RequestFactory().get('/e/u/x?lang=javascript:1&"><script>=1')
    words = readers.page(request, "public/missing.html").content.decode()
    assert "<script" not in words
    assert "javascript:" not in words


def test_a_redirect_keeps_the_chosen_language() -> None:
    plain, chosen = RequestFactory().get("/e/u/x"), RequestFactory().get("/e/u/x?lang=ar&x=1")
    assert readers.keeping(plain, "/e/u/x") == "/e/u/x"
    assert readers.keeping(plain, "/e/u/x", undone="1") == "/e/u/x?undone=1"
    assert readers.keeping(chosen, "/e/u/x", undone="1") == "/e/u/x?undone=1&lang=ar"
