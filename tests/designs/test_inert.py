"""What a preview looks for in style sheets and attributes, however often it stands there.

Each place is read once. When each was read to the end of the mail, these lasted minutes.
"""

import pytest

from designs.inert import inert
from designs.previews import count_remote, without_remote
from designs.weblinks import references

MANY = 60_000


@pytest.mark.parametrize("opened", ["@import url(", '@import "', "@import '", "@import\n"])
def test_imports_that_never_end(opened: str) -> None:
    style = f"<style>{opened * MANY}</style><p>Hello"

    assert inert(style).endswith("</style><p>Hello")


def test_imports_are_left_out() -> None:
    style = (
        "<style>@import url(http://a.example/a.css) screen;@import 'b.css';\n"
        '@import "c\np { color: red }@import url(d.css</style><p>'
    )

    assert inert(style) == "<style>\n{ color: red }</style><p>"


@pytest.mark.parametrize(
    "opened", ["url(", "url(//", "url( ", 'url("', "url('//", "url(" + " " * 9]
)
def test_pictures_that_never_end(opened: str) -> None:
    html = f"<p style='x'>Hello<style>{opened * MANY}</style>"

    assert count_remote(html) == 0
    assert without_remote(html) == html
    assert list(references(html)) == []


def test_spaces_in_front_of_a_picture_that_never_comes() -> None:
    html = f"<style>p {{ background: url({' ' * 400_000}x{' ' * 400_000}y('</style>"

    assert count_remote(html) == 0
    assert list(references(html)) == []


def test_pictures_of_style_sheets_are_found() -> None:
    html = (
        "<style>a{background:url( 'http://a.example/(1).png' )}"
        "b{background:url(//b.example/b.png )}c{background:url(c\\(1.png)}</style>"
    )

    assert count_remote(html) == 2
    assert [one.url for one in references(html)] == [
        "http://a.example/(1).png",
        "//b.example/b.png",
        "c\\(1.png",
    ]


def test_handlers_lose_their_names() -> None:
    html = """<p onClick = "go()" class=on on="x" data-onload=y ONload='z'>on=</p>"""

    assert inert(html) == """<p Click = "go()" class=on ="x" data-onload=y load='z'>on=</p>"""


def test_a_tag_of_many_handlers() -> None:
    html = f"<p {' '.join(f'on{number}=x' for number in range(40_000))}>Hello"

    assert " on" not in inert(html)
