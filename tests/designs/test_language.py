"""Values in the language of the mail, and words with capitals."""

import datetime as dt
from pathlib import Path

import pytest

from designs.filters import filters
from designs.language import of_mail
from designs.rendering import Renderer
from tests.designs.test_rendering import Urls

ENGLISH = "<p>The spring sale of our shop begins on Monday</p>"
CHINESE = "<p>春季促销将于本周一开始，欢迎光临本店</p>"


@pytest.mark.parametrize(
    ("html", "language"),
    [
        (ENGLISH, "en"),
        (CHINESE, "zh"),
        (f'<html lang="zh-Hans">{ENGLISH}', "zh"),
        (f"<html lang='zh'>{ENGLISH}", "zh"),
        # What templates declare and nobody changes.
        (f'<html lang="en">{CHINESE}', "zh"),
        (f'<html lang="de">{CHINESE}', "en"),
        (f"{CHINESE}<style>a{{}}</style>{'<!-- english words -->' * 99}", "zh"),
        (f"{ENGLISH}品牌", "en"),
        ("<p>春のセールは月曜日から始まります</p>", "en"),
        ("", "en"),
    ],
)
def test_the_language_is_that_of_the_words(html: str, language: str) -> None:
    assert of_mail({"html": html}) == language


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (ENGLISH, "yes no 3 2.5 1234567 yes! Mar 9, 2026 NO"),
        (CHINESE, "是 否 3 2.5 1234567 是! 2026年3月9日 否"),
    ],
)
def test_values_are_shown_in_the_language_of_the_mail(words: str, shown: str) -> None:
    values = "{{ a }} {{ b }} {{ c }} {{ d }} {{ e }} {{ a ~ '!' }} {{ f|date }} {{ b|upper }}"
    renderer = Renderer(subject=values, html=f"{words}{values}", text=values)
    fields = {"a": True, "b": False, "c": 3.0, "d": 2.5, "e": 1234567, "f": dt.date(2026, 3, 9)}
    rendered = renderer.render(fields, Urls())
    assert rendered.html == f"{words}{shown}"
    assert rendered.text == rendered.subject == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (1.0, "1"),
        (-0.0, "0"),
        (1e16, "10000000000000000"),
        (1e-7, "0.0000001"),
        (10.5, "10.5"),
        (100.0, "100"),
    ],
)
def test_a_number_is_written_as_people_do(number: float, shown: str) -> None:
    assert Renderer(subject="{{ n }}").render({"n": number}, Urls()).subject == shown


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("macy's", "Macy's"),
        ("don't stop", "Don't Stop"),
        ("o'reilly's", "O'Reilly's"),
        ("O’NEILL’S", "O’Neill’s"),
        ("i'm, i'll, it's, y'all", "I'm, I'll, It's, Y'all"),
        ("l'oréal d'angelo", "L'Oréal D'Angelo"),
        ("rock'n'roll", "Rock'n'Roll"),
        ("anne-marie j.r.r. tolkien", "Anne-Marie J.R.R. Tolkien"),
        ("1ST 3rd 5pm", "1st 3rd 5pm"),
        ("'quoted' words'", "'Quoted' Words'"),
        ("cafe\u0301s straße 李 lan", "Cafe\u0301s Straße 李 Lan"),
    ],
)
def test_title_knows_apostrophes(words: str, shown: str) -> None:
    assert filters("en")["title"](words) == shown


def test_the_cases_of_title() -> None:
    words = Path("tests/cases/mail/14-title-filter.txt").read_text(encoding="utf-8")
    made = [filters("en")["title"](line) for line in words.splitlines()]
    assert made == ["Macy's", "Don't Stop", "O'Reilly's"]
