"""Compiled parts: the same limits, and values that are remembered without being mixed up."""

import time
from typing import Any

import pytest

from designs.compiling import Uncompiled, compile_bytes, compile_words
from designs.fixed import Fixed
from tests.designs.test_rendering import HOSTILE_SOURCES

FIXED = Fixed(
    workspace={"name": "Brand"},
    unsubscribe=("https://m.example/u/", ""),
    view=("https://m.example/v/", ""),
    click=("https://m.example/c/", "/"),
    open_pixel=None,
)


def html(source: str, **fields: object) -> bytes:
    out: list[Any] = []
    compile_bytes(source, "html", FIXED)(out, fields.get, b"tok=\r\n", "tok")
    return b"".join(out)


@pytest.mark.parametrize("source", HOSTILE_SOURCES)
def test_what_would_never_end_is_stopped_soon(source: str) -> None:
    begun = time.process_time()
    with pytest.raises(Exception):  # noqa: B017, PT011, PT012
        html(source, text="q" * 4_900)
        html(source, text="q" * 15_000)
    assert time.process_time() - begun < 10


def test_values_that_are_equal_stay_what_they_are() -> None:
    out: list[Any] = []
    part = compile_bytes("{{ a }};{{ a|default('x') }};", "html", FIXED)
    for value in (1, True, 1.0, "1", True, 1, 1.0, 0, False, None, "", 0):
        part(out, {"a": value}.get, b"", "")
    shown = b"".join(out).replace(b"=\r\n", b"").decode()
    assert shown == "1;1;True;True;1.0;1.0;1;1;True;True;1;1;1.0;1.0;0;0;False;False;;x;;x;0;0;"


def test_tokens_stand_between_what_is_ready() -> None:
    assert html("<a href='{{ track(3) }}'>{{ view_url }}") == (
        b"<a href=3D'https://m.example/c/=\r\ntok=\r\n/3'>https://m.example/v/=\r\ntok=\r\n"
    )
    assert html("{{ view_url|upper }}") == b"HTTPS://M.EXAMPLE/V/TOK=\r\n"


def test_values_are_escaped_and_encoded() -> None:
    assert html("{{ a }}", a="<é>") == b"&lt;=C3=A9&gt;=\r\n"
    assert html("{{ a }}", a=".\n.") == b"=2E\r\n=2E=\r\n"
    assert html("a{{ a }}b", a="") == b"a=\r\nb=\r\n"


def test_a_subject_is_text() -> None:
    out: list[Any] = []
    compile_words("{{ a }} of {{ workspace.name }}", "subject", FIXED)(out, {"a": "é"}.get, "", "")
    assert "".join(out) == "é of Brand"


@pytest.mark.parametrize("source", ["{{ self }}", "{{ track }}", "{% set view_url = 1 %}", "{{ a"])
def test_some_parts_are_left_to_plain_rendering(source: str) -> None:
    with pytest.raises(Uncompiled):
        compile_bytes(source, "html", FIXED)
