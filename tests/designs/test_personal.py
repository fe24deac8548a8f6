"""Personal links: the values that go with them say the same address as the link's template."""

from typing import Any

import pytest

from contacts.mergenames import CALLED
from designs import personal
from designs.links import Links, track_html
from designs.rendering import CompiledPart, RenderError

FIELDS: dict[str, Any] = {
    "code": "A&b=1 'x'",
    "site": "https://a.example/路",
    "vip": True,
    "points": 7.0,
    "nothing": "",
}


def said(url: str, fields: dict[str, Any], language: str = "en") -> str | None:
    """What `track` is called with, put back into the template."""
    got: list[Any] = []

    def track(_number: int, *values: Any, rest: str | None = None) -> str:
        assert rest == personal.rest(links.urls[0])
        got.extend(values)
        return ""

    links = Links()
    html = track_html(f'<a href="{url}">x</a>', links)
    CompiledPart(html, "html", language).render({**fields, CALLED["track"]: track})
    around = personal.around(links.urls[0])
    value = personal.joined(
        got, lambda one: CompiledPart("{{ x }}", "text", language).render({"x": one})
    )
    return None if around is None or value is None else value.join(around)


@pytest.mark.parametrize(
    "url",
    [
        "{{ site }}",
        "https://a.example/?id={{ code }}&from=mail",
        "https://a.example/{{ code|urlencode }}/{{ points }}-{{ vip }}?x",
        "https://{{ nobody|default('www') }}.a.example/{{ nothing }}",
        "https://a.example/{% if vip %}v/{{ code }}{% elif points %}p{% else %}n{% endif %}?x",
        "https://a.example/{% if vip %}{% if a %}b{% endif %}{% if code %}c{% endif %}{% endif %}",
        r"https://a.example/{{ code }}\'{{ points }}'\n",
        "https://a.example/{{- code -}}x{{ -1 }}",
        "https://a.example/&#123;&#123;{{ code }}",
        "https://a.example/{{ code }}{# note #}{{ points ~ '}}' }}",
    ],
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_values_say_what_the_template_says(url: str, language: str) -> None:
    links = Links()
    track_html(f'<a href="{url}">x</a>', links)
    assert said(url, FIELDS, language) == CompiledPart(links.urls[0], "text", language).render(
        FIELDS
    )
    assert said(url, {}, language) == CompiledPart(links.urls[0], "text", language).render({})


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/",
        "https://a.example/{% for n in range(3) %}{{ n }}{% endfor %}",
        "https://a.example/{% set x = 1 %}{{ x }}",
    ],
)
def test_other_links_have_no_values(url: str) -> None:
    assert personal.arguments(url) == ""


def test_what_is_too_long_to_go_with_a_link_does_not() -> None:
    assert personal.joined(["x" * 1_000], str) == "x" * 1_000
    assert personal.joined(["x" * 1_001], str) is None
    assert personal.joined(["路" * 334], str) is None
    assert personal.joined(["x" * 20_000] * 10_000, str) is None


def test_a_link_that_can_not_be_read_stays_an_error() -> None:
    with pytest.raises(RenderError):
        CompiledPart(track_html('<a href="https://a.example/{{ a b }}">x</a>', Links()), "html")
