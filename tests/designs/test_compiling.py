"""Compiled parts: the same limits, and values that are remembered without being mixed up."""

import quopri
from typing import Any

import pytest

from designs.compiling import Uncompiled, compile_bytes, compile_words
from designs.encoding import Memo
from designs.fixed import Fixed
from designs.rendering import Renderer
from tests import cputime
from tests.designs.test_rendering import HOSTILE_SOURCES

FIXED = Fixed(
    workspace={"name": "Brand"},
    unsubscribe=("https://m.example/u/", ""),
    preferences=("https://m.example/s/", ""),
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
    with cputime.at_most(10), pytest.raises(Exception):  # noqa: B017, PT011, PT012
        html(source, text="q" * 4_900)
        html(source, text="q" * 15_000)


def test_values_that_are_equal_stay_what_they_are() -> None:
    out: list[Any] = []
    part = compile_bytes("{{ a }};{{ a|default('x') }};", "html", FIXED)
    for value in (1, True, 1.0, "1", True, 1, 1.0, 0, False, None, "", 0):
        part(out, {"a": value}.get, b"", "")
    shown = b"".join(out).replace(b"=\r\n", b"").decode()
    assert shown == "1;1;yes;yes;1;1;1;1;yes;yes;1;1;1;1;0;0;no;no;;x;;x;0;0;"


@pytest.mark.parametrize(
    "source",
    [
        "{% for n in range(2) %}{{ a }}{{ a }}{% endfor %}",
        "{% for n in range(2) %}{{ a|upper }}{{ a|upper }}{% endfor %}{{ a }}{{ a }}",
        "{{ a }}{{ a }}{% for n in range(2) %}{{ a }}{% endfor %}",
        "{% if a %}{{ a }}{{ a }}{% else %}{{ b }}{{ b }}{% endif %}{{ b }}",
        "{% for n in 'xy' %}{% for m in 'xy' %}{{ a }}{{ b }}{{ a }}{% endfor %}{% endfor %}",
        "{% for a in ('x', 'y') %}{{ a }}{{ a }}{{ b }}{{ b }}{% endfor %}",
        "{% set b = a %}{{ b }}{{ b }}{{ a }}{{ a }}",
        "{{ email }}{{ email }}{{ email|upper }}",
    ],
)
def test_a_field_at_several_places_is_the_same_at_each(source: str) -> None:
    some: dict[str, object] = {"a": "Zoë", "b": "<b>", "email": "z@x.example"}
    for fields in (some, {"a": "", "email": ""}, {}):
        shown = html(source, **fields).replace(b"=\r\n", b"")
        rendered = Renderer(subject="", preheader="", html=source, text="").parts["html"]
        assert quopri.decodestring(shown).decode() == rendered.render(fields)


def test_what_is_remembered_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("designs.encoding.MOST_KEPT", 10)
    monkeypatch.setattr("designs.encoding.MOST_IN_ALL", Memo.kept + 15)
    before = Memo.kept
    memos = [Memo(lambda value: str(value).encode()) for _ in range(3)]
    for value in range(100):
        for memo in memos:
            assert memo[value] == str(value).encode()
            assert len(memo) <= 10
        assert Memo.kept - before == sum(map(len, memos)) <= 15
    del memos, memo
    assert Memo.kept == before


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
