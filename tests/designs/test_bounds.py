"""What a hostile design may spend: fuel, turns and bytes are asserted, never seconds."""

import tracemalloc
from datetime import date
from typing import Any

import pytest

from designs import fuel
from designs.compiling import Uncompiled, compile_bytes
from designs.fixed import Fixed
from designs.fuel import (
    FUEL,
    MOST_TURNS,
    Fuel,
    TimeUpError,
    fuelled,
    price_of_search,
    within,
)
from designs.rendering import CompiledPart, RenderError, parse
from designs.spending import worst

# As long as a stored value may be, and the worst to be searched for in it.
LONG = "a" * 10_000
NEEDLE = "a" * 49 + "b" + "a" * 49
VALUES: dict[str, Any] = {
    "text": LONG,
    "other": "a" * 9_999 + "b",
    "needle": NEEDLE,
    "half": "a" * 4_999 + "b" + "a",
    "words": "a " * 5_000,
    "han": "中" * 10_000,
    "tags": "&<>" * 3_000,
    "digits": "9" * 4_000,
    "blanks": "x" + "<" * 9_000 + "x",
    "n": 3,
    "day": date(2026, 3, 9),
}
LOOP = "{%% for i in range(10000) %%}%s{%% endfor %%}"
TWICE = "{% set long = text ~ text|truncate(9000) %}"


def looped(*expressions: str) -> str:
    """Each of them in a loop of its own template, thrice a turn."""
    return TWICE + LOOP % "".join(f"{{% if {one} %}}{{% endif %}}" * 3 for one in expressions)


# By kind: what is done in a loop, and how many characters are looked at each time.
WORK = {
    # searching
    "needle in text": 99 * 9_900,
    "needle not in text": 99 * 9_900,
    "needle in long": 99 * 19_000,
    "half in long": 2_500 * 5_000,
    "text is in(long)": 2_500 * 5_000,
    "'a' < needle in text": 99 * 9_900,
    "text|replace(needle, '')": 2 * 99 * 9_900,
    "text|replace('a', 'b')": 20_000,
    "long|replace(half, 'x')": 2 * 2_500 * 5_000,
    # lists and ranges
    "'x' in range(10000)": 10_000,
    "1.5 in range(10000)": 10_000,
    "'x' not in range(9999)": 10_000,
    "range(10000)|last": 1,
    "range(10000)|join": 40_000,
    "range(10000)|length": 1,
    "range(10000) == range(9999)": 1,
    "text in [other, other, other]": 30_000,
    "[text, text] == [other, other]": 20_000,
    "[1, 2, 3]|join(text)": 20_000,
    # comparing
    "text == other": 10_000,
    "text != other": 10_000,
    "text < other": 10_000,
    "text <= other <= text": 20_000,
    "text is eq(other)": 10_000,
    "text is lt(other)": 10_000,
    "text == other == text": 20_000,
    # cutting
    "text[1:]": 10_000,
    "text[::-1]": 10_000,
    "long[:18000]": 18_000,
    # filters
    "words|title": 20_000,
    "han|title": 10_000,
    "text|title": 10_000,
    "text|upper": 10_000,
    "han|lower": 10_000,
    "text|capitalize": 10_000,
    "words|trim": 10_000,
    "words|truncate(9000)": 10_000,
    "'%20'|urlencode": 3,
    "text|urlencode": 10_000,
    "tags|truncate(3000)|e": 12_000,
    "tags|truncate(3000)|escape|e|e": 12_000,
    "blanks|link": 10_000,
    "text|link": 10_000,
    "text|date": 10_000,
    "day|date('%d')": 10,
    "digits|number(8)": 4_000,
    "digits|int": 4_000,
    "digits|float": 4_000,
    "digits|round(8)": 4_000,
    "digits|abs": 4_000,
    "text|default(other)": 10_000,
    "nothing|default(text)|upper": 10_000,
    "text|first": 1,
    "text|last": 1,
    "text|length": 1,
    # tests
    "text is lower": 10_000,
    "text is upper": 10_000,
    "text is string": 1,
    "3 is odd": 1,
    # operators
    "text ~ other": 20_000,
    "text ~ (n ~ text)": 30_000,
    "text + 'x'": 10_000,
    "n * 3 + 4 - 2": 10,
    "track(1, text)": 10_000,
    "track(1, n)": 60,
}
# Enough for any one operation, and soon spent.
LITTLE = 200_000
# So many characters may be compared by C, which does 1,000 in a microsecond.
MOST_WORK = LITTLE * 1_000


def spent(source: str) -> Fuel:
    """What is left after the rendering, whatever it ended by."""
    kept: list[Fuel] = []
    part = CompiledPart(source, "html")

    def keep() -> Fuel:
        kept.append(Fuel())
        return kept[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fuel, "FUEL", LITTLE)
        patch.setattr(fuel, "Fuel", keep)
        try:
            part.render(_values())
        except RenderError as error:
            if "too long" not in error.message and "10000 times" not in error.message:
                raise
    return kept[0]


def _values() -> dict[str, Any]:
    from contacts.mergenames import CALLED  # noqa: PLC0415 - beside its use

    return VALUES | {CALLED["track"]: lambda *_values, **_named: "#"}


@pytest.mark.parametrize("expression", WORK)
def test_work_in_a_loop_is_paid_by_its_length(expression: str) -> None:
    left = spent(looped(expression))
    turns = MOST_TURNS - left.turns
    # The last turn was not finished.
    assert (turns - 1) * 3 * WORK[expression] <= MOST_WORK
    # The one that was too much was not begun.
    assert left.left > -price_of_search(20_000, 17_500) - 50_000


@pytest.mark.parametrize("expression", WORK)
def test_no_part_spends_more_than_what_it_was_said_to_spend(expression: str) -> None:
    """What runs without counting could not have spent it all."""
    looping = "{% for i in [1, 2] %}{% if " + expression + " %}{% endif %}{% endfor %}"
    for source in (f"{{{{ {expression} }}}}", looping):
        most = worst(parse(source, "html"))
        if most is not None:
            left = spent(source)
            assert LITTLE - left.left <= most.fuel
            assert MOST_TURNS - left.turns <= most.turns


FIXED = Fixed(
    workspace={"name": "W", "address": "A"},
    unsubscribe=("https://m.example/u/", ""),
    preferences=("https://m.example/s/", ""),
    view=("https://m.example/v/", ""),
    click=("https://m.example/c/", "/"),
    open_pixel=None,
)


@pytest.mark.parametrize("expression", [one for one in WORK if "track" not in one])
def test_both_ways_of_rendering_end_at_the_same_place(
    expression: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fuel, "FUEL", LITTLE)
    source = looped(expression)
    try:
        CompiledPart(source, "html").render(VALUES)
        plain = ""
    except RenderError as error:
        plain = error.message
    try:
        render = compile_bytes(source, "html", FIXED)
    except Uncompiled:
        return
    compiled = ""
    try:
        render([], VALUES.get, b"t", "t")
    except fuel.LimitError as error:
        compiled = str(error)
    assert compiled == plain


@pytest.mark.parametrize(
    "source",
    [
        "{{ text|replace('', text) }}",
        "{{ ''|replace('', text)|replace('', text)|replace('', text) }}",
        "{{ range(10000)|join(text) }}",
        "{{ [text, text, text]|join(text) }}",
        "{{ '%0999999999d' is odd }}",
        "{{ '%0999999999d' is even }}",
        "{{ '%0999999999d' is divisibleby 3 }}",
        "{{ '%0999999999d' % 3 }}",
        "{{ 'a' * 10 ** 9 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ [text] * 1000000 }}",
        "{% set a = [text, text] %}"
        + "{% set a = a + a %}" * 30
        + "{% if a is lower %}{% endif %}",
        "{% set a = 'é' %}" + "{% set a = a ~ a %}" * 30,
        "{% set a = tags %}" + "{% set a = a|e ~ a %}" * 30,
        "{% set a = '%' %}" + "{% set a = a|urlencode %}" * 30 + "{% set a = han|urlencode %}",
        "{% set n = 9 %}" + "{% set n = n * n * n %}" * 30,
        "{{ ('9' ~ digits)|int('x', 36) * 9 }}",
    ],
)
def test_nothing_large_is_made_before_it_is_refused(source: str) -> None:
    """In bytes, at the worst moment."""
    part = CompiledPart(source, "html")
    tracemalloc.start()
    try:
        with pytest.raises(RenderError):
            part.render(VALUES)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "source",
    [
        "{{ ('a'|urlencode|title)|replace('', 'bbb') }}",
        "{{ '%0999999999d' is odd }}",
        "{{ 'x'|replace('x', 'yyyyyyyyyy')|replace('y', 'zzzzzzzzzz')" + "|title" * 900 + " }}",
        "{{ 'a' in 'b' and 'c' ~ 'd' }}",
    ],
)
def test_nothing_is_calculated_while_a_part_is_compiled(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    from designs import sandbox  # noqa: PLC0415 - beside its use

    def spying(name: str, function: Any) -> Any:
        def paid(*arguments: Any, **named: Any) -> Any:
            called.append(name)
            return function(*arguments, **named)

        return paid

    monkeypatch.setattr(sandbox, "paid_filter", spying)
    monkeypatch.setattr(sandbox, "paid_test", lambda function: spying("test", function))
    sandbox.environment.cache_clear()
    try:
        CompiledPart(source, "html")
    except RenderError:
        pass
    finally:
        sandbox.environment.cache_clear()
    assert called == []


def test_a_person_waits_no_longer_than_they_were_told() -> None:
    """The clock is looked at where fuel is paid."""
    part = CompiledPart(LOOP % "{% set a = text ~ i %}", "html")
    with within(-1), pytest.raises(TimeUpError):
        part.render(VALUES)
    with within(-1), pytest.raises(TimeUpError):
        fuel.in_time()
    part.render({"text": ""})


def test_a_thread_that_renders_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever fuel says: by the time of its processor."""
    clock = iter([0.0, 2.0, 4.0, 6.0])
    monkeypatch.setattr("designs.fuel.time.thread_time", lambda: next(clock))
    with fuelled() as left, pytest.raises(fuel.LimitError, match="takes too long"):
        _burn_little_by_little(left)
    assert left.left > FUEL - 7 * fuel.BETWEEN_LOOKS


def _burn_little_by_little(left: Fuel) -> None:
    for _ in range(90):
        left.burn(10_000)
