"""Rendering: what authors may write, what values may hold, and what stops a hostile one."""

import threading
from dataclasses import dataclass

import pytest

from designs.rendering import CompiledPart, Renderer, RenderError
from tests import cputime


@dataclass
class Urls:
    unsubscribe: str = "https://mail.example/e/u/t"
    preferences: str = "https://mail.example/e/s/t"
    view: str = "https://mail.example/e/v/t"
    open_pixel: str | None = None

    def click(self, number: int, personal: str | None = None) -> str:
        return f"https://mail.example/e/c/t/{number}{personal or ''}"


def html(source: str, **fields: object) -> str:
    return CompiledPart(source, "html").render(fields)


def text(source: str, **fields: object) -> str:
    return CompiledPart(source, "text").render(fields)


def test_parts_are_rendered_for_a_person() -> None:
    renderer = Renderer(
        subject="{{ first_name }}, 春季新品",
        preheader="For {{ city|default('you') }}",
        html="<p>{{ first_name }}</p><a href='{{ unsubscribe_url }}'>x</a>{{ track(3) }}",
        text="{{ first_name }} {{ view_url }}",
    )
    rendered = renderer.render({"first_name": "Tom & <b>", "city": ""}, Urls())
    assert rendered.subject == "Tom & <b>, 春季新品"
    assert rendered.preheader == "For you"
    assert rendered.html == (
        "<p>Tom &amp; &lt;b&gt;</p><a href='https://mail.example/e/u/t'>x</a>"
        "https://mail.example/e/c/t/3"
    )
    assert rendered.text == "Tom & <b> https://mail.example/e/v/t"


@pytest.mark.parametrize("value", [None, "", "  "])
def test_what_is_empty_counts_as_missing(value: str | None) -> None:
    assert text("{{ a|default('friend') }}", a=value) == "friend"
    assert text("{{ b|d('friend') }}") == "friend"
    assert text("[{{ a|trim }}]", a=value) == "[]"


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        *(("none", ""), ("None", ""), ("true", "yes"), ("1 < 2", "yes"), ("'a' in 'b'", "no")),
        *(("1.0", "1"), ("'<b>'", "&lt;b&gt;"), ("2 * 3", "6")),
    ],
)
def test_constants_are_printed_as_values_are(expression: str, shown: str) -> None:
    assert html(f"[{{{{ {expression} }}}}]") == f"[{shown}]"


@pytest.mark.parametrize("expression", ["[]", "{}", "(1, 2)", "[none]"])
def test_a_constant_list_is_not_printed(expression: str) -> None:
    with pytest.raises(RenderError, match="a list can't be shown"):
        html(f"{{{{ {expression} }}}}")


def test_false_and_zero_are_values() -> None:
    assert text("{{ a|default('x') }} {{ b|default('x') }}", a=0, b=False) == "0 no"


def test_a_missing_value_is_empty_in_every_place() -> None:
    assert text("[{{ a }}{{ a.b.c }}{{ a|upper }}{{ a ~ '' }}{{ a|date }}{{ a|number }}]") == "[]"
    assert text("{% if points > 100 %}gold{% else %}plain{% endif %}") == "plain"
    assert text("{% if city == '' %}none{% endif %}") == "none"
    assert text("{% for x in tags %}x{% endfor %}") == ""


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("{{ 'ann lee'|title }} {{ 'a'|upper }} {{ 'A'|lower }}", "Ann Lee A a"),
        ("{{ '2026-03-09'|date }}", "Mar 9, 2026"),
        ("{{ '2026-03-09'|date('long', 'zh') }}", "2026年3月9日"),
        ("{{ '2026-03-09'|date('%d.%m.%Y') }}", "09.03.2026"),
        ("{{ 1234567.891|number }} {{ '1234.5'|number(2) }}", "1,234,568 1,234.50"),
        ("{{ 'abcdefgh'|truncate(5) }}", "abcd…"),
        ("{{ ['a', 'b']|join(' + ') }}", "a + b"),
        ("{{ 'a b&c'|urlencode }}", "a%20b%26c"),
        ("{{ 'abc'|length }} {{ 'abc'|first }} {{ 2.5|round }} {{ '7'|int + 1 }}", "3 a 2 8"),
        ("{{ 'x'|replace('x', 'yz') }}", "yz"),
        ("{% for n in range(3) %}{{ loop.index }}{% endfor %}", "123"),
        ("{% if 'a' in 'cat' and 1 < 2 %}yes{% endif %}", "yes"),
    ],
)
def test_filters(source: str, shown: str) -> None:
    assert text(source) == shown


def test_values_are_never_read_as_templates_or_markup() -> None:
    hostile = "{{ 7*7 }}<script>{% if 1 %}"
    assert html("{{ a }}", a=hostile) == "{{ 7*7 }}&lt;script&gt;{% if 1 %}"
    assert html('<a title="{{ a }}">', a='" onclick="x') == '<a title="&#34; onclick=&#34;x">'
    assert html("{{ '<b>' ~ a|default('<i>') }}") == "&lt;b&gt;&lt;i&gt;"
    assert text("{{ a }}", a=hostile) == hostile


def test_a_subject_is_one_line() -> None:
    renderer = Renderer(subject="Hi {{ a }}", preheader="{{ a }}", html="", text="")
    rendered = renderer.render({"a": "x\r\nBcc: victim@example.com\u2028\x00y\ty"}, Urls())
    assert rendered.subject == "Hi x Bcc: victim@example.com y y"
    assert rendered.preheader == "x Bcc: victim@example.com y y"
    assert len(renderer.render({"a": "x" * 5000}, Urls()).subject) == 998


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__ }}",
        "{{ ''['__class__'] }}",
        "{{ a.__class__.__mro__[1].__subclasses__ }}",
        "{{ self.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ request.application }}",
        "{{ config }}",
        "{{ a.upper }}",
        "{{ w.items }}{{ w.__class__ }}",
    ],
)
def test_what_is_private_is_not_there(source: str) -> None:
    assert text(source, a="x", w={"name": "W"}) == ""


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{{ a.upper() }}", "can't be called"),
        ("{{ lipsum(5) }}", "can't be called"),
        ("{{ a|attr('__class__') }}", "no filter named attr"),
        ("{{ a|map('upper') }}", "no filter named map"),
        ("{{ '%9999999d'|format(1) }}", "no filter named format"),
        ("{{ a is mine }}", "No test named|no test named"),
        ("{% include 'x' %}", "includes"),
        ("{% import 'x' as y %}", "imports"),
        ("{% extends 'x' %}", "extends"),
        ("{% macro m() %}{{ m() }}{% endmacro %}", "macros"),
        ("{% for x in range(3) recursive %}{{ loop(x) }}{% endfor %}", "recursive"),
        ("{% set range = a.ljust %}{{ range(9) }}", "taken"),
        ("{% for track in a %}{{ track(9) }}{% endfor %}", "taken"),
        ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "deeply"),
        ("{% for a in b %}" * 25 + "{% endfor %}" * 25, "deeply"),
        ("{{ " + "9" * 6000 + " }}", "too large"),
        ("{{ 'x' }}" + "x" * 500_000, "longer than"),
        ("{{ '" + "x" * 10_001 + "' }}", "too long"),
        ("{{ a", "unexpected end|end of print"),
    ],
)
def test_what_can_not_be_written(source: str, words: str) -> None:
    with pytest.raises(RenderError, match=words):
        CompiledPart(source, "html")


HOSTILE_SOURCES = [
    "{{ 'x' * 100000000 }}",
    "{{ [1] * 100000000 }}",
    "{{ 10 ** 10 ** 10 }}",
    "{{ '%0999999999d' % 1 }}",
    "{% set a = 'xx' %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}",
    "{% set a = 'xx' %}" + "{% set a = a + a %}" * 40 + "{{ a }}",
    "{% set a = [1] %}" + "{% set a = [a, a] %}" * 40 + "{{ a }}",
    "{% set a = (1, 2) %}" + "{% set a = (a, a) %}" * 40 + "{{ a == a }}",
    "{% set a = '%%%%' %}" + "{% set a = a|urlencode|replace('%', '%%%%') %}" * 20 + "{{ a }}",
    "{{ range(1000000000)|join }}",
    "{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}",
    "{% for a in range(9999) %}" + "{% if 'ab' in text %}{% endif %}" * 500 + "{% endfor %}",
    "{% for a in range(9000) %}" + "{% set b = text|replace('q', 'z') %}" * 100 + "{% endfor %}",
    "{% for a in range(9000) %}" + "y" * 1000 + "{% endfor %}",
    "{% for a in range(9999) %}{% for b in range(1) %}{{ text }}{% endfor %}{% endfor %}",
    "{% set n = 999999999999999999999999999 %}{{ n * n * n * n }}",
    "{{ [text, 2] }}",
    "{{ 1 // 0 }}",
]


@pytest.mark.parametrize("source", HOSTILE_SOURCES)
def test_what_would_never_end_or_grow_without_end_is_stopped_soon(source: str) -> None:
    """In a thread, where no signal could stop it."""
    caught: list[Exception] = []

    def render() -> None:
        try:
            CompiledPart(source, "html").render({"text": "q" * 15_000})
        except RenderError as error:
            caught.append(error)

    # Far from what it takes (at most about one second).
    with cputime.at_most(10):
        thread = threading.Thread(target=render)
        thread.start()
        thread.join()
    assert caught


@pytest.mark.parametrize(
    ("source", "line"),
    [("a\n\n{{ b", 3), ("a\r\n{{ b | nothing }}", 2), ("\n\n\n{{ [a] }}", 4), ("\n{{ 1/0 }}", 2)],
)
def test_errors_name_part_and_line(source: str, line: int) -> None:
    with pytest.raises(RenderError) as caught:
        CompiledPart(source, "html").render({})
    assert (caught.value.part, caught.value.line) == ("html", line)


def test_one_renderer_serves_threads_at_once() -> None:
    renderer = Renderer(subject="{{ n }}", html="{% for i in range(50) %}{{ n }},{% endfor %}")
    wrong: list[str] = []

    def work(name: str) -> None:
        for _ in range(50):
            rendered = renderer.render({"n": name}, Urls())
            if rendered.html != f"{name}," * 50 or rendered.subject != name:
                wrong.append(rendered.html)

    threads = [threading.Thread(target=work, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
