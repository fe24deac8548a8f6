"""The text that is made from HTML: what readers of HTML see, in their order."""

from pathlib import Path

import pytest

from designs.links import Links, counting
from designs.plaintext import from_html
from designs.rendering import CompiledPart
from tests import cputime

SHOP = '<a href="https://a.example/shop">shop</a>'
LEAVE = '<a href="https://a.example/leave">leave</a>'
CASES = Path("tests/cases/mail")


def case(name: str) -> str:
    return (CASES / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (SHOP + LEAVE, "shop (https://a.example/shop) leave (https://a.example/leave)"),
        (f"{SHOP}now", "shop (https://a.example/shop) now"),
        (f"{SHOP}, {LEAVE}.", "shop (https://a.example/shop), leave (https://a.example/leave)."),
        (f"({SHOP})", "(shop (https://a.example/shop))"),
        (f"{SHOP}{{{{ first_name }}}}", "shop (https://a.example/shop) {{ first_name }}"),
        (f"{SHOP}查看", "shop (https://a.example/shop) 查看"),
    ],
)
def test_the_address_of_a_link_stands_apart_from_what_follows(html: str, text: str) -> None:
    assert from_html(f"<p>{html}</p>") == f"{text}\n"


def test_the_parts_of_an_image_map_are_links() -> None:
    html = (
        '<img usemap="#m" src="https://a.example/p.png" alt="Sale"><map name="m">'
        '<area href="https://a.example/men" alt="Men"><area href="https://a.example/women">'
        '<area nohref alt="none"><area href="#top" alt="Top"></map>More'
    )
    assert from_html(html) == ("Sale\nMen (https://a.example/men)\nhttps://a.example/women\nMore\n")


def test_a_bulletproof_button_is_there_once() -> None:
    text = from_html(case("06-bulletproof-button.html"))
    assert text.count("Buy now") == 1
    assert "Buy now (https://shop.example/buy)" in text


def test_lines_and_numbers_are_kept() -> None:
    text = from_html(case("15-pre-and-ol.html"))
    assert text.startswith("10:00 Opening\n11:00 Talk\n12:00 Lunch\n")
    assert "\n1. Register\n2. Pay\n" in text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        # What is hidden, and no more than that.
        ('a<img style="display:none" alt=x>b', "ab"),
        ("a<input hidden>b<br hidden>c<wbr hidden>d<source hidden>e", "abcde"),
        ('<div style="mso-hide:all">a</div>', "a"),
        ('<div style="MSO-HIDE: all; display: block">a</div>', "a"),
        ('<div style="DISPLAY : None !important">a</div>b', "b"),
        ('<div style="display:none;display:block">a</div>', "a"),
        ('<div style="display:none!important;display:block">a</div>b', "b"),
        ('<div style="visibility:hidden">a</div>b', "b"),
        ('<div style="background:url(display:none)">a</div>', "a"),
        ("<p hidden>a<p>b", "b"),
        ("<ul><li hidden>a<li>b</ul>", "- b"),
        ("<table><tr><td hidden>a<td>b<tr hidden><td>c<tr><td>d</table>", "b\n\nd"),
        ("<div hidden><div>a</div>b</div>c", "c"),
        ("<div hidden>a<span>b</div>c", "c"),
        ("<head><style>x</style><body>a", "a"),
        ("<!--[if mso]>a<![endif]-->b", "b"),
        ("<!--[if !mso]><!-->a<!--<![endif]-->", "a"),
        ("<!--[if !mso]><!-- -->a<!-- <![endif]-->", "a"),
        ("<![if !mso]>a<![endif]>", "a"),
        # Lines.
        ("<pre>\n  a\n\n\n  b <b>c</b></pre>d", "  a\n\n\n  b c\n\nd"),
        ('<div style="white-space:pre-line">a\nb</div>', "a\nb"),
        ("<nav>a</nav><aside>b</aside>", "a\n\nb"),
        ("<dl><dt>a<dd>b</dl>", "a\nb"),
        ("<p>\u3000\u3000缩进&nbsp; x</p>", "\u3000\u3000缩进 x"),
        # Lists.
        ("<ol start=3><li>a<li>b</ol>", "3. a\n4. b"),
        ("<ol reversed><li>a<li>b</ol>", "2. a\n1. b"),
        ("<ol reversed start=9><li>a<li>b</ol>", "9. a\n8. b"),
        ('<ol type="a"><li>a<li>b</ol><ol type=I start=4><li>c</ol>', "a. a\nb. b\n\nIV. c"),
        ("<ol><li value=7>a<li>b</ol>", "7. a\n8. b"),
        ("<ol><li>a<ol><li>b</ol><li>c</ol>", "1. a\n  1. b\n2. c"),
        ("<ol><li>a<ul><li>b</ul><li>c</ol>", "1. a\n  - b\n2. c"),
        ("<ol><li><p>a</p></li><li><div>b</div></li></ol>", "1. a\n\n2. b"),
        ('<ol style="list-style-type:lower-roman"><li>a<li>b</ol>', "i. a\nii. b"),
        ('<ul style="list-style:none"><li>a<li>b</ul>', "a\nb"),
        ("<li>a", "- a"),
        ("<ol><li></li><li>b</li><li>c<ul>d</li>e</ul></ol>", "1.\n2. b\n3. c\nde"),
        # Links.
        ('<a href="https://a.example/x">https://a.example/x</a>', "https://a.example/x"),
        (
            'a<a href="https://a.example/x"><p>https://a.example/x</p></a>b',
            "a\n\nhttps://a.example/x b",
        ),
        ('<a href="https://a.example/a b|c^(d">x</a>', "x (https://a.example/a%20b%7Cc%5E%28d)"),
        ('<a href="https://例子.中国/路">x</a>', "x (https://xn--fsqu00a.xn--fiqs8s/%E8%B7%AF)"),
        ('<a href="https://a.example">a<a href="https://b.example">b</a>', None),
        ('<a href="https://a.example">a', "a (https://a.example)"),
        ('<a href="mailto:a@b.example?subject=x">a@b.example</a>', "a@b.example"),
        ('<a href="#top">top</a><a href="">none</a>', "topnone"),
        # Braces of the words are no expression.
        ("&#123;&#123; 1 }} {% raw %}<b>{{ 2 }}</b>{% endraw %}", "{{ 1 }} {{ 2 }}"),
    ],
)
def test_what_readers_see_is_there_and_nothing_else(html: str, text: str | None) -> None:
    shown = CompiledPart(from_html(html), "text").render({})
    assert shown == (text or "a (https://a.example) b (https://b.example)") + "\n"


def test_an_item_that_may_not_be_there_changes_no_number() -> None:
    loop = "<ol>{% for x in range(3) %}<li>{{ x }}</li>{% endfor %}<li>z</li></ol>"
    lines = CompiledPart(from_html(loop), "text").render({}).split()
    assert lines == ["1.", "0", "2.", "1", "3.", "2", "-", "z"]
    maybe = "<ol><li>a{% if b %}<li>b{% endif %}<li>c</ol>"
    assert CompiledPart(from_html(maybe), "text").render({}).split() == ["1.", "a", "-", "c"]


def test_statements_in_what_is_hidden_are_kept_where_the_rest_needs_them() -> None:
    html = (
        '<div hidden>{% set a = "A" %}{% if b %}</div>x{% endif %}{{ a }}'
        "<div hidden>{% if b %}y{% endif %}</div>"
    )
    assert from_html(html) == '{% set a = "A" %}{% if b %}x{% endif %}{{ a }}\n'


def test_links_are_put_in_while_the_text_is_made() -> None:
    html = (
        '<a href="https://a.example/it\'s (a) b|c">one</a>查看'
        '<a href="https://b.example/">https://b.example/</a>看 https://c.example/'
        '<a href="{{ unsubscribe_url }}">leave</a>'
    )
    links = Links()
    text = from_html(html, counting(html, links))
    assert links.urls == ["https://a.example/it's (a) b|c", "https://b.example/"]
    assert text == (
        "one ({{ track(0) }}) 查看{{ track(1) }} 看 https://c.example/leave "
        "({{ unsubscribe_url }})\n"
    )


@pytest.mark.parametrize(
    "piece",
    [
        "<b>",
        "</b>",
        "<div><b>",
        "<p hidden>",
        "<ol reversed><li>",
        "</div>",
        "<pre>\n",
        "<a href=x>",
    ],
)
def test_hostile_html_is_read_in_linear_time(piece: str) -> None:
    with cputime.at_most(5):
        from_html(piece * (120_000 // len(piece)) + "</b></span>" * 5_000)
