"""Character references: the rule of attributes and that of text (HTML standard, 13.2.5.73)."""

import pytest

from bounces.reading.parts import plain
from designs.links import Links, track_html
from designs.plaintext import from_html
from designs.references import in_text, in_value
from designs.weblinks import references


@pytest.mark.parametrize(
    ("source", "value", "text"),
    [
        ("a&copy=2", "a&copy=2", "a©=2"),
        ("a&copy;=2", "a©=2", "a©=2"),
        ("a&copy2", "a&copy2", "a©2"),
        ("a&copy", "a©", "a©"),
        ("a&copy&reg;b", "a©®b", "a©®b"),
        ("a&copy/", "a©/", "a©/"),
        ("a&copy-", "a©-", "a©-"),
        ("&lt;&gt;&quot;&apos;&amp;", "<>\"'&", "<>\"'&"),
        ("a&ltb", "a&ltb", "a<b"),
        ("x?a=1&amp;b=2", "x?a=1&b=2", "x?a=1&b=2"),
        ("x?a=1&ampb=2", "x?a=1&ampb=2", "x?a=1&b=2"),
        ("x?a=1&amp=2", "x?a=1&amp=2", "x?a=1&=2"),
        ("x&#x26;y&#38z&#X26=1", "x&y&z&=1", "x&y&z&=1"),
        ("&notit;&notin;", "&notit;∉", "¬it;∉"),
        ("&region=cn&currency=eur", "&region=cn&currency=eur", "®ion=cn¤cy=eur"),
        ("&section=3&timestamp=9&notify=1", "&section=3&timestamp=9&notify=1", None),
        ("&nothing;&;&&#;&#x;", "&nothing;&;&&#;&#x;", "¬hing;&;&&#;&#x;"),
        ("&#128;&#0;", "€\ufffd", "€\ufffd"),
        ("&amp;copy=1", "&copy=1", "&copy=1"),
    ],
)
def test_a_reference_is_read_as_browsers_read_it(source: str, value: str, text: str | None) -> None:
    assert in_value(source) == value
    assert text is None or in_text(source) == text


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("https://a.example/?x=1&copy=2", "https://a.example/?x=1&copy=2"),
        ("https://a.example/?x=1&copy{{ n }}", "https://a.example/?x=1&copy{{ n }}"),
        ("https://a.example/?x=1&copy;{{ n }}", "https://a.example/?x=1©{{ n }}"),
        ("&#104;ttps://a.example/", "https://a.example/"),
        (" https://a.example/\r\n  b\t ", "https://a.example/  b"),
        ("https://a.example/?q=&#123;&#123; n }}", "https://a.example/?q={{ '{{' }} n }}"),
        ("https://a.example/{{ n|replace('&amp;', '+') }}", None),
    ],
)
@pytest.mark.parametrize("quote", ['"', "'"])
def test_the_link_of_an_attribute_is_the_one_that_browsers_follow(
    href: str, url: str | None, quote: str
) -> None:
    links = Links()
    html = f"<a href={quote}{href}{quote}>x</a>"
    if quote in href:
        return
    track_html(html, links)
    assert links.urls == [url or href]


def test_quotes_inside_of_a_bare_value_belong_to_it() -> None:
    links = Links()
    track_html("<a href=https://a.example/it's>a</a> it's <a href='https://b.example'>b</a>", links)
    assert links.urls == ["https://a.example/it's", "https://b.example"]


NINES, ZEROS = "9" * 5000, "0" * 5000


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (f"a&#{NINES};b", "a\ufffdb"),
        (f"a&#{NINES} b", "a\ufffd b"),
        (f"a&#{ZEROS}65;b", "aAb"),
        (f"a&#x{NINES};b", "a\ufffdb"),
        (f"a&#{ZEROS};b", "a\ufffdb"),
        (f"a&amp;#{NINES};b", f"a&#{NINES};b"),
    ],
)
def test_a_number_of_any_length_is_read(source: str, shown: str) -> None:
    assert in_text(source) == shown
    assert in_value(source) == shown


def test_a_mail_with_a_long_number_is_drawn_in_each_part() -> None:
    html = f'<p style="background: url(https://a.example/&#{NINES};)">a&#{NINES};b</p>'

    assert "a\ufffdb" in from_html(html)
    assert [one.url for one in references(html)] == ["https://a.example/\ufffd"]
    assert "a\ufffdb" in plain(html)
