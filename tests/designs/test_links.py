"""Links: every byte but the counted URLs stays, and what people need to leave is never counted."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from designs.links import Links, hrefs, track_html, track_text, url_template

# In the pieces below, `{{ a }}` is the only expression.
PERSONAL_CALL = re.compile(r"\{\{ track\(\d+, .*?\) \}\}", re.DOTALL)


def tracked(html: str) -> tuple[str, list[str]]:
    links = Links()
    return track_html(html, links), links.urls


def test_counted_links_become_calls() -> None:
    html = (
        "<A class=x HREF='https://a.example/?x=1&amp;y=2'>a</A>\r\n"
        '<area href="http://b.example">\t<a title="a > b" href=https://c.example/>c</a>'
        '<a href="https://b.example/{{ first_name|default(">") }}">d</a>'
    )
    made, urls = tracked(html)
    assert urls == [
        "https://a.example/?x=1&y=2",
        "http://b.example",
        "https://c.example/",
        'https://b.example/{{ first_name|default(">") }}',
    ]
    assert made == (
        "<A class=x HREF='{{ track(0) }}'>a</A>\r\n"
        '<area href="{{ track(1) }}">\t<a title="a > b" href={{ track(2) }}>c</a>'
        '<a href="{{ track(3, (first_name|default(">"))) }}">d</a>'
    )


def test_the_same_url_has_one_number_in_both_parts() -> None:
    links = Links()
    track_html('<a href="https://a.example">a</a><a href="https://b.example">b</a>', links)
    text = track_text("See https://b.example, or (https://a.example).", links)
    assert text == "See {{ track(1) }}, or ({{ track(0) }})."
    assert links.urls == ["https://a.example", "https://b.example"]


@pytest.mark.parametrize(
    "html",
    [
        '<a href="{{ unsubscribe_url }}">leave</a>',
        '<a href="{{ view_url }}">view</a>',
        '<a href="mailto:a@b.example">mail</a>',
        '<a href="tel:+861012345678">call</a>',
        '<a href="#top">top</a>',
        '<a href="">nothing</a>',
        '<a href="javascript:alert(1)">bad</a>',
        '<link href="https://a.example/x.css">',
        '<!-- <a href="https://a.example">hidden</a> -->',
        "<style>a::after { content: '<a href=\"https://a.example\">' }</style>",
        "<img alt='<a href=\"https://a.example\">'>",
        '<a data-href="https://a.example">no link</a>',
        "<a title='href=\"https://a.example\"'>no link</a>",
        '{% raw %}<a href="https://a.example">{% endraw %}',
        '{% for x in range(3) %}<a href="https://a.example/{{ x }}">{{ x }}</a>{% endfor %}',
        '<a href="https://a.example',
        "<a href='https://a.example/{{ broken '>x</a>",
    ],
)
def test_what_is_not_counted_stays(html: str) -> None:
    assert tracked(html) == (html, [])


def test_a_text_url_that_goes_on_in_an_expression_stays() -> None:
    text = "https://a.example/{{ first_name }} and {{ 'https://b.example' }}"
    assert track_text(text, Links()) == text
    assert track_text("网址:https://a.example/a，好。", Links()) == "网址:{{ track(0) }}，好。"


PIECES = st.sampled_from(
    [
        *(
            "<p>",
            "</p>",
            "\r\n",
            "\n",
            "\r",
            "<!--",
            "-->",
            "<style>",
            "</style>",
            "<",
            ">",
            '"',
            "'",
        ),
        *(
            "{{ a }}",
            "{% if b %}",
            "{% endif %}",
            "{#",
            "#}",
            "{{",
            "}}",
            "{% raw %}",
            "{% endraw %}",
        ),
        *('<a href="https://a.example/x?y=1&amp;z">', "<a href='http://b.example'", "</a>", "<A\n"),
        *("HREF=https://c.example ", '<img alt="', "字", "\x00", "&amp;", "<title>", "</title>"),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES | st.text(max_size=5), max_size=25).map("".join))
def test_all_bytes_but_the_urls_are_equal(html: str) -> None:
    links = Links()
    made = track_html(html, links)
    assert strip_calls(made, links) == strip_urls(html, links)


def strip_calls(made: str, links: Links) -> str:
    for number in range(len(links.urls)):
        made = made.replace(f"{{{{ track({number}) }}}}", "@")
    return PERSONAL_CALL.sub("@", made)


def strip_urls(html: str, links: Links) -> str:
    pieces, last = [], 0
    for begin, end in hrefs(html):
        if url_template(html[begin:end]) in links.urls:
            pieces += [html[last:begin], "@"]
            last = end
    return "".join([*pieces, html[last:]])


def test_hostile_sources_are_read_in_linear_time() -> None:
    for piece in ("{{", "{%", "{#", "<a ", '<a "', "<!--", "<style>", "<a href='", "{% raw %}"):
        hrefs(piece * (400_000 // len(piece)))
