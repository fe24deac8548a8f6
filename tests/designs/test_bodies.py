"""Where pixel and preheader stand, and what CSS may hold."""

from pathlib import Path

import pytest

from designs.checks import MailSource, check
from designs.rendering import CompiledPart
from designs.services import PIXEL, PREHEADER, compile_parts, with_pixel, with_preheader

LEAVE = "<a href='{{ unsubscribe_url }}'>x</a>"


@pytest.mark.parametrize(
    "html",
    [
        "<body>x@</body></html>",
        "<body>x@</body><!-- </body> -->",
        "<body>x<!-- </body> -->@",
        "<body><!--[if mso]></body><![endif]-->t@</BODY >",
        "<p title='</body>'>x</p>@",
        "<p>x<script>'</body>'</script>@",
        "<p>x@<!-- never closed",
        "<p>x@<style>.a{}",
        "<p>x@<a href='",
        "x@</html>",
        "y</body>z@</body>",
        "{% raw %}</body>{% endraw %}@",
        "{# </body> #}x@</body>",
        "<p>x</p>@",
    ],
)
def test_the_pixel_is_the_last_thing_that_is_shown(html: str) -> None:
    assert with_pixel(html.replace("@", "")) == html.replace("@", PIXEL)


@pytest.mark.parametrize(
    "html",
    [
        "<!doctype html>@<p>x",
        "<!-- <body> --><html><head></head>@<p>",
        "<html><body class='a > b'>@x",
        "<html>@x",
        "@x",
    ],
)
def test_the_preheader_is_the_first_thing_that_is_shown(html: str) -> None:
    assert with_preheader(html.replace("@", "")) == html.replace("@", PREHEADER)


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<style>@media x{#a{b:c}}</style>d{# e #}f", "<style>@media x{#a{b:c}}</style>df"),
        ("<STYLE type=x>@media x{#a{b:c}#d{e:f}}</STYLE>", None),
        (
            "<style>{#a-b .c{}}</style>x<style>{# note #}.d{}</style>",
            "<style>{#a-b .c{}}</style>x<style>.d{}</style>",
        ),
        ("<style>{# .a{} #}.b{color:{{ color }}}</style>", "<style>.b{color:red}</style>"),
        ("<style>@media x{#a{}}{# note #}</style>", "<style>@media x{#a{}}</style>"),
        ("<!--[if mso]><style>x{#a{}}</style><![endif]--> #}", None),
        ("{# <style> #}x{#a{b}#}y", "xy"),
        ("<script>class A{#b;c(){}}</script>#}", None),
        ("<style>x{#a{}}", None),
    ],
)
def test_css_is_no_comment(html: str, shown: str | None) -> None:
    assert CompiledPart(html, "html").render({"color": "red"}) == (html if shown is None else shown)


def test_minified_css_leaves_the_mail_whole() -> None:
    html = Path("tests/cases/mail/11-minified-css-comment.html").read_text(encoding="utf-8")
    parts = compile_parts(subject="s", preheader="p", html=html, text="", track_clicks=True)
    sent = CompiledPart(parts["html"], "html").render({"unsubscribe_url": "https://m.example/u"})
    assert "{#outer{width:100%}}</style>" in sent
    assert "<h1>Big sale</h1><p>Everything half price</p>" in sent
    assert "footer" not in sent
    assert "Everything half price" in parts["text"]


def test_a_comment_that_takes_html_with_it_is_told() -> None:
    html = f"<p>a {{#1</p>\n<p>b #}}</p>{{# quiet #}}{LEAVE}"
    problems = check(MailSource(subject="s", html=html), fields=[])
    told = [(one.code, one.line) for one in problems]
    assert told == [("comment_with_html", 1)]
    assert "to line 2" in problems[0].text
