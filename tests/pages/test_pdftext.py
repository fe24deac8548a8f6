"""Text of any script in a PDF: fonts, Arabic forms, the order of a line, and lines."""

import pytest

from pages import pdftext


@pytest.mark.parametrize(
    ("char", "font"),
    [
        ("a", pdftext.PLAIN),
        ("Ж", pdftext.PLAIN),
        ("م", pdftext.PLAIN),
        ("雁", pdftext.HAN),
        ("，", pdftext.HAN),
        ("カ", pdftext.HAN),
        ("한", pdftext.KOREAN),
        ("ส", ""),
        ("😀", ""),
        ("𠮷", ""),
    ],
)
def test_a_character_has_a_font(char: str, font: str) -> None:
    assert pdftext.font_of(char) == font


@pytest.mark.parametrize(
    ("text", "shown", "named"),
    [
        ("Lan 张伟 محمد", "Lan 张伟 محمد", False),
        ("a\u202eb\x00c", "abc", False),
        ("สม!", "‹so sua mo ma›!", True),
        ("नम", "‹na ma›", True),
        ("Hi 😀", "Hi ‹grinning face›", True),
        ("𠮷", "‹U+20BB7›", True),
    ],
)
def test_what_no_font_has_is_named(text: str, shown: str, named: bool) -> None:
    assert pdftext.readable(text) == (shown, named)


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        # Initial, medial, medial, final.
        ("محمد", "\ufee3\ufea4\ufee4\ufeaa"),
        # Alef joins only what is before it; lam and alef are one sign.
        ("سلام", "\ufeb3\ufefc\ufee1"),
        ("دار", "\ufea9\ufe8d\ufead"),
        # A mark between two letters parts nothing.
        ("بَب", "\ufe91\u064e\ufe90"),
        # The sign that parts them, of Persian.
        ("ب\u200cب", "\ufe8f\ufe8f"),
        ("abc", "abc"),
    ],
)
def test_arabic_letters_have_the_forms_of_their_place(text: str, forms: str) -> None:
    assert pdftext.shaped(text) == forms


def line(text: str) -> str:
    (only,) = pdftext.lines(text, 10, 1_000)
    return only


@pytest.mark.parametrize(
    ("text", "glyphs"),
    [
        ("abc (1)", "abc (1)"),
        # Hebrew has no forms, so that the order can be seen.
        ("a אב b", "a בא b"),
        ("אב 12.5 גד", "דג 12.5 בא"),
        ("אב (ג)", "(ג) בא"),
        ("אב abc גד", "דג abc בא"),
        ("to אב, גד: ok", "to דג ,בא: ok"),
        ("אבג.", ".גבא"),
    ],
)
def test_the_order_from_left_to_right(text: str, glyphs: str) -> None:
    assert line(text) == glyphs


def test_lines_break_after_words_beside_hanzi_and_in_long_words() -> None:
    assert pdftext.lines("one two three", 10, 50) == ["one two", "three"]
    assert pdftext.lines("雁书是邮件平台", 10, 30) == ["雁书是", "邮件平", "台"]
    assert len(pdftext.lines("x" * 100, 10, 60)) == 10
    assert pdftext.lines("", 10, 60) == [""]
    # The first words of Arabic are on the first line.
    first, second = pdftext.lines("אאאא בבבב", 10, 40)
    assert (first, second) == ("אאאא", "בבבב")


def test_runs_have_one_font_each() -> None:
    assert list(pdftext.runs("a雁b")) == [
        (pdftext.PLAIN, "a"),
        (pdftext.HAN, "雁"),
        (pdftext.PLAIN, "b"),
    ]
