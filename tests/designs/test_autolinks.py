"""Addresses in typed text: where they end, and that no word is lost."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from designs.links import Links, track_text
from tests import cputime

CASES = Path("tests/cases/mail")


def found(text: str) -> list[str]:
    links = Links()
    made = track_text(text, links)
    for number, url in enumerate(links.urls):
        made = made.replace(f"{{{{ track({number}) }}}}", url)
    assert made == text
    return links.urls


def test_chinese_words_and_marks_end_an_address() -> None:
    assert found((CASES / "04-text-url-cjk.txt").read_text(encoding="utf-8")) == [
        "https://shop.example/sale",
        "https://shop.example/new",
        "https://shop.example/a",
        "https://shop.example/b",
        "https://shop.example/c",
    ]


def test_signs_that_addresses_have_belong_to_them() -> None:
    assert found((CASES / "05-text-url-delimiters.txt").read_text(encoding="utf-8")) == [
        "https://maps.example/place/Jack's+Bar/@43.7,-79.3",
        "https://en.example/wiki/Kite_(toy)",
        "https://shop.example/?utm_campaign=a|b",
    ]


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        # RFC 3986 and GFM.
        ("(https://a.example/x_(y))", ["https://a.example/x_(y)"]),
        ("see https://a.example/x). And", ["https://a.example/x"]),
        ("https://a.example/a).", ["https://a.example/a"]),
        ("[https://a.example/?a[]=1]", ["https://a.example/?a[]=1"]),
        # A bracket that opened before the address closes it.
        (
            "(https://a.example/x),(https://b.example/y)",
            ["https://a.example/x", "https://b.example/y"],
        ),
        (
            "[a](https://a.example/x_(y)),[b](https://b.example/?c[]=1)。",
            ["https://a.example/x_(y)", "https://b.example/?c[]=1"],
        ),
        ("(https://a.example/x)(y", ["https://a.example/x"]),
        # The root's dot.
        (
            "https://a.example./x https://b.example. Then",
            ["https://a.example./x", "https://b.example"],
        ),
        (
            "'https://a.example/', \"https://b.example/\"",
            ["https://a.example/", "https://b.example/"],
        ),
        ("<https://a.example/> **https://b.example**", ["https://a.example/", "https://b.example"]),
        ("https://a.example/?a=1&hl=en&amp; next", ["https://a.example/?a=1&hl=en"]),
        ("https://a.example/?a^b|c.", ["https://a.example/?a^b|c"]),
        ("https://a.example/a,b;c:d!?!", ["https://a.example/a,b;c:d"]),
        ("HTTPS://A.example:8080/#f...", ["HTTPS://A.example:8080/#f"]),
        (
            "https://a.example/x—and https://a.example/y…",
            ["https://a.example/x", "https://a.example/y"],
        ),
        ("http://10.0.0.1/x", ["http://10.0.0.1/x"]),
        # Two never become one.
        ("https://a.example,https://b.example|https://c.example", None),
        ("https://a.examplehttps://b.example/xhttps://c.example", None),
        ("https://a.example；https://b.example、https://c.example", None),
        ("https://a.example/?to=https://b.example", ["https://a.example/?to=https://b.example"]),
        # Words without blanks.
        ("在https://a.example看", ["https://a.example"]),
        ("https://a.example:8080看", ["https://a.example:8080"]),
        ("https://a.example/sale?x=1查看", ["https://a.example/sale?x=1"]),
        (
            "https://a.example/をご覧ください https://b.example에서",
            ["https://a.example/", "https://b.example"],
        ),
        (
            "《https://a.example/》（https://b.example/）",
            ["https://a.example/", "https://b.example/"],
        ),
        ("https://a.example/查看", ["https://a.example/"]),
        ("https://a.example.查看", ["https://a.example"]),
        ("https://a.example/café?ü=ж.", ["https://a.example/café?ü=ж"]),
        # Hosts in other letters.
        ("https://例子.中国/路径。", ["https://例子.中国/路径"]),
        ("https://例子.中国/sale查看", ["https://例子.中国/sale"]),
        ("https://例子.中国查看详情", ["https://例子.中国"]),
        ("https://www.例子.com/a", ["https://www.例子.com/a"]),
        ("http://münchen.example/", ["http://münchen.example/"]),
        # What is doubtful stays.
        ("https://localhost/x https:// https://. ftp://a.example", []),
        ("https://a.example/{{ code }} https://b.example?{{ x }}&u=https://c.example", []),
        ("{{ base }}/x?u=https://a.example", []),
        ("{{ first_name }}: https://a.example", ["https://a.example"]),
        ("{{ unsubscribe_url }}", []),
    ],
)
def test_an_address_ends_where_it_ends(text: str, urls: list[str] | None) -> None:
    three = found(text) if urls is None else []
    assert urls is not None or [url[:17] for url in three] == [
        "https://a.example",
        "https://b.example",
        "https://c.example",
    ]
    assert urls is None or found(text) == urls


PIECES = st.sampled_from(
    [
        *(
            "https://",
            "http://",
            "a.example",
            "例子.中国",
            "/",
            "?a=1",
            "&amp;",
            "(",
            ")",
            "'",
            "|",
        ),
        *(
            "。",
            "，",
            "查看",
            "路",
            " ",
            "\n",
            ".",
            ",",
            "{{ x }}",
            "{% if x %}",
            "{# c #}",
            "é",
            "^",
        ),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_no_character_is_lost(text: str) -> None:
    links = Links()
    made = track_text(text, links)
    put_back = re.sub(r"\{\{ track\((\d+)\) \}\}", lambda call: links.urls[int(call[1])], made)
    assert put_back == text
    for url in links.urls:
        assert len(re.findall("(?<![/?#&=+])https?://", url)) == 1
        assert not re.search(r"[\s，。]", url)


def test_a_hostile_text_is_read_in_linear_time() -> None:
    pieces = ("https://a.example/(((", "https://a.b/x)", "https://a.a.", "https://", "a-", ";")
    with cputime.at_most(10):
        for piece in pieces:
            track_text("https://a.example/" + piece * (300_000 // len(piece)), Links())
