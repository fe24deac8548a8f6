"""Values that don't fit a filter: counted and told before sending, shown as they are written."""

import csv
import datetime as dt
import io
import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Workspace
from campaigns.models import Campaign
from campaigns.services import audiences, review
from contacts import valuekinds
from contacts.audience import Audience
from contacts.models import Attribute, Contact, List, Subscription
from contacts.queries import audience
from designs import checks
from designs.filters import as_text
from designs.models import Design
from designs.rendering import CompiledPart
from designs.wording import said

CASES = Path(__file__).parents[1] / "cases" / "mail"


def people(workspace: Workspace, rows: Iterable[dict[str, Any]]) -> List:
    chosen = List.objects.create(workspace=workspace, name="All")
    for number, attributes in enumerate(rows):
        contact = Contact.objects.create(
            workspace=workspace, email=f"p{number}@people.example", attributes=attributes
        )
        Subscription.objects.create(contact=contact, list=chosen, status="subscribed")
    return chosen


def campaign(workspace: Workspace, chosen: List, html: str) -> Campaign:
    design = Design.objects.create(
        workspace=workspace, name="D", html=html + "{{ unsubscribe_url }}"
    )
    made = Campaign.objects.create(workspace=workspace, name="C", subject="Hi", design=design)
    made.lists_in.add(chosen)
    return made


def unfit(made: Campaign) -> list[str]:
    return [one.text for one in review.review(made).problems if one.code == "unfit_value"]


def test_case_prices_that_are_no_numbers(workspace: Workspace) -> None:
    rows = list(csv.DictReader(io.StringIO((CASES / "16-values.csv").read_text())))
    for key in ("price", "vip"):
        Attribute.objects.create(workspace=workspace, key=key, label=key, type="text")
    chosen = people(workspace, ({"price": row["price"], "vip": row["vip"]} for row in rows))
    made = campaign(workspace, chosen, "<p>{{ price|number(2) }}</p>")
    [text] = unfit(made)
    assert text == (
        "2 recipients have a value in price that is not a number, such as “1,299.00”. The mail "
        "shows it as it is written."
    )
    with translation.override("zh-hans"):
        [chinese] = unfit(made)
    assert chinese != text
    assert "2 " in chinese
    shown = [CompiledPart("{{ price|number(2) }}", "html").render(row) for row in rows]
    assert shown == ["1,299.00", "1,299.00", "¥99"]


def test_each_use_is_counted(workspace: Workspace) -> None:
    for key in ("price", "day", "vip"):
        Attribute.objects.create(workspace=workspace, key=key, label=key, type="text")
    rows: list[dict[str, Any]] = [
        {"price": 12.5, "day": "2026-03-09", "vip": True},
        {"price": "n/a", "day": "9.3.2026", "vip": "yes"},
        {"price": "7"},
        {},
    ]
    chosen = people(workspace, rows)
    html = """{{ price|default(0)|number }}
{{ day|date('long') }} {{ price|int }}
{% if price > 10 %}{% endif %}{{ vip|round }} {{ first_name|abs }}
{{ price|replace(',', '')|number }}"""
    found = [
        (one.line, one.text)
        for one in review.review(campaign(workspace, chosen, html)).problems
        if one.code == "unfit_value"
    ]
    assert [line for line, _text in found] == [1, 2, 2, 3, 3]
    assert [text.partition(" recipient")[0] for _line, text in found] == [
        "1",
        "1",
        "2",
        "1",
        "2",
    ] or found
    told = "\n".join(text for _line, text in found)
    assert "1 recipient has a value in day that is not a date, such as “9.3.2026”" in told
    assert (
        "1 recipient has a value in price that is not a number, such as “n/a”. It counts as 0."
        in told
    )
    assert "2 recipients have text in price, such as “7”, and would not get" in told
    assert "2 recipients have a value in vip that is not a number" in told


def failing(made: Campaign) -> list[tuple[str, int, str]]:
    return [
        (one.part, one.line, one.text)
        for one in review.review(made).problems
        if one.code == "fails_for_some"
    ]


def test_who_would_not_get_the_mail_is_told_beforehand(workspace: Workspace) -> None:
    rows: list[dict[str, Any]] = [
        {"points": 0, "limit": 5},
        {"points": 0, "limit": "5"},
        {"points": 3, "limit": 5},
        {"limit": 2},
        {"points": "many", "limit": 7},
    ]
    for key, kind in (("points", "number"), ("limit", "text")):
        Attribute.objects.create(workspace=workspace, key=key, label=key, type=kind)
    chosen = people(workspace, rows)
    zero = "This divides by zero for {} recipients, such as p0@people.example, who would not get"
    other = "This does not work with the values of {} recipients, such as p"
    expected = {
        "\n{{ 100 / points|float }}": [zero.format(4)],
        "{{ 1 / points }}": [zero.format(2)],
        "{{ 7 % points }}{{ 7 // points }}": [zero.format(2)],
        "{% if points %}{{ 1 / points }}{% endif %}": [],
        "{% if no %}{% elif points %}a{% else %}{{ 1 / points }}{% endif %}": [zero.format(2)],
        "{% set a = points|float %}{{ 1 / a if a else 'none' }}": [],
        "{% if points < limit %}x{% endif %}": [other.format(2)],
        "{{ limit[:1] }}": [other.format(4)],
        "{{ limit|join('-') }}": [other.format(4)],
        "{{ limit|first }}{{ points|upper }}{{ points|date }}": [other.format(4)],
        "{% if 'x' in limit %}x{% endif %}": [other.format(4)],
        "{% if points is divisibleby(limit) %}x{% endif %}": [other.format(3)],
        "{% for n in range(points) %}x{% endfor %}": [other.format(2)],
        "{{ limit|truncate(points) }}": [other.format(2)],
        "{{ points|int + limit|float }}{{ 'a' ~ points }}{% if points == limit %}{% endif %}": [],
    }
    for source, told in expected.items():
        found = failing(campaign(workspace, chosen, source))
        assert len(found) == len(told), (source, found)
        for _part, line, text in found:
            assert line == source.count("\n") + 1
            assert any(words in text for words in told), (source, text)
            assert "Error" not in text
    # Text in a calculation is told once, with one of the values.
    assert len(unfit(campaign(workspace, chosen, "{{ 1 / points }}"))) == 1


def test_only_some_values_are_tried(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    Attribute.objects.create(workspace=workspace, key="points", label="points", type="number")
    chosen = people(workspace, ({"points": max(n - 3, 0)} for n in range(30)))
    made = campaign(workspace, chosen, "{{ 1 / points }}")
    monkeypatch.setattr(audiences, "MOST_TRIED", 2)
    assert "for at least 4 recipients, such as p0@people.example" in failing(made)[0][2]
    monkeypatch.setattr(audiences, "MOST_TRIED", 50)
    assert "for 4 recipients, such as p0@people.example" in failing(made)[0][2]
    plain = campaign(workspace, chosen, "{% if points %}{{ points|number }}{% endif %}")
    with django_assert_max_num_queries(40) as asked:
        review.review(plain)
    assert not any("min(c.id)" in one["sql"] for one in asked.captured_queries)


def test_values_of_links_are_told_beforehand(workspace: Workspace) -> None:
    rows: list[dict[str, Any]] = [
        {"site": "https://a.example", "sub": "a"},
        {"site": "javascript:alert(1)", "sub": "https://a.example"},
        {"site": "n/a", "sub": "a b"},
        {"site": "www.a.example", "sub": ""},
        {"site": "lan@a.example", "sub": "a.b"},
        {"site": "tel:10086", "sub": 5},
    ]
    for key in ("site", "sub"):
        Attribute.objects.create(workspace=workspace, key=key, label=key, type="text")
    chosen = people(workspace, rows)
    words = (
        "2 recipients have a value in site that is not an address, such as “javascript:alert(1)”"
    )
    for link in ("{{ site }}", "http://{{ site }}", "{{ site|default('x.example')|link }}/x"):
        told = unfit(campaign(workspace, chosen, f'<p><a href="{link}">x</a></p>'))
        assert [words in one for one in told] == [True], told
    told = unfit(campaign(workspace, chosen, '\n<a href="https://{{ sub }}.b.example/{{ site }}">'))
    assert len(told) == 1
    assert "2 recipients have a value in sub, such as “a b”, that can’t stand" in told[0]
    assert not unfit(campaign(workspace, chosen, '<a href="https://b.example/?x={{ site }}">x</a>'))


def test_nobody_is_counted_who_does_not_get_it(workspace: Workspace) -> None:
    chosen = people(workspace, [{"price": "x"}, {"price": "y"}])
    Subscription.objects.filter(contact__email="p0@people.example").update(status="unsubscribed")
    counted = audience.unfit_values(
        Audience.of_lists(workspace.pk, [chosen.pk]), [("price", "number")]
    )
    assert counted == {("price", "number"): (1, "y")}


VALUES = st.one_of(
    st.sampled_from(
        ["1299.00", "1,299.00", "¥99", "-1", "+.5", "1e5", "1e999", "nan", "inf", "1_000", "12",
         " 12 ", "１２", "12\n", ".", "-", "5.", "0x1F", "2026-02-29", "2024-02-29", "2026-03-09",
         "2026-3-9", "0000-01-01", "2026-13-01", "2026-04-31", "2026-03-09T10:00:00+08:00",
         "2026-03-09 10:00", "20260309", "1900-02-29", "2000-02-29", "yes"]
    ),
    st.sampled_from(
        ["https://a.example", " www.a.example/x ", "//a.example", "https://", "http:a.example",
         "javascript:alert(1)", "JavaScript:x", "mailto:a@b.example", "a@b.example", "tel:1",
         "a.example:80/x", "none", "/sale", "a b.example", "https://a.example/a b", "a\tb",
         "http：//a.example", "a@b", "商店.例子", "data:text/html,x", "x\\y.example", "1.5"]
    ),
    st.text("0123456789-+.eE, T:Z", max_size=12),
    st.text("htps:/\\.@ab?# javscript\t\n", max_size=24),
    st.integers(-(10**12), 10**12),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
)  # fmt: skip


@given(st.lists(VALUES, min_size=1, max_size=30))
@pytest.mark.django_db
def test_python_and_the_database_agree(values: list[Any]) -> None:
    with connection.cursor() as cursor:
        for kind, condition in valuekinds.MISFITS.items():
            sql = condition.format(value="(v ->> 0)", json="(v -> 0)")
            cursor.execute(
                f"SELECT {sql} FROM jsonb_array_elements(%(all)s::jsonb)"  # noqa: S608 - our own
                " WITH ORDINALITY x(v, n) ORDER BY n",
                {"all": json.dumps([[value] for value in values]), **valuekinds.PARAMETERS},
            )
            for value, (misfit,) in zip(values, cursor.fetchall(), strict=True):
                if isinstance(value, str) and not value.strip(" "):
                    assert not misfit
                elif kind == "calculation" and isinstance(value, bool):
                    assert not misfit  # Python counts with True
                else:
                    assert misfit is not valuekinds.fits(kind, value), (kind, value)


@given(VALUES)
@pytest.mark.parametrize(
    "source",
    ["number", "number(2)", "number('x')", "round", "round(1)", "abs", "date", "date('%')",
     "date(5)", "int", "float"],
)  # fmt: skip
def test_no_value_stops_a_mail(source: str, value: object) -> None:
    made = CompiledPart(f"{{{{ v|{source} }}}}", "text").render({"v": value})
    kind = "date" if source.startswith("date") else "number"
    if source not in {"int", "float"} and not valuekinds.fits(kind, value):
        assert made == as_text(value) or not str(value).strip()


@pytest.mark.parametrize("value", [Decimal("1.5"), 2, 0.5])
def test_numbers_are_formatted(value: Any) -> None:
    assert CompiledPart("{{ v|number(1) }}", "text").render({"v": value}) == f"{value:.1f}"


def test_dates_are_formatted() -> None:
    for value in (
        dt.date(2026, 3, 9),
        "2026-03-09",
        "2026-03-09T10:00",
    ):
        assert CompiledPart("{{ v|date }}", "text").render({"v": value}) == "Mar 9, 2026"


@pytest.mark.parametrize(
    "words",
    [
        "ZeroDivisionError: division by zero",
        "TypeError: '>' not supported between instances of 'str' and 'int'",
        "ValueError: could not convert string to float: '¥99'",
        "OverflowError: cannot convert float infinity to integer",
        "only numbers can be multiplied",
        "text can't be formatted with %",
        "'str' is undefined",
        "powers are not allowed",
    ],
)
def test_python_s_words_are_not_shown(words: str) -> None:
    assert "Error" not in said(words)
    with translation.override("zh-hans"):
        assert said(words) != words


def test_uses_of_a_source() -> None:
    source = checks.MailSource(
        subject="{{ a|number }}",
        html="{% set b = 1 %}{{ b|number }}{{ c * 2 }}{{ d ~ 1 }}{{ e + 'x' }}{{ f|upper }}"
        "{{ -g }}",
    )
    assert checks.used_values(source) == {
        ("a", "number"),
        ("c", "calculation"),
        ("g", "calculation"),
    }


@pytest.mark.parametrize(
    "expression",
    [
        *("email|truncate('9')", "email|truncate(none)", "email|replace('a')", "email|trim('x')"),
        *("email|replace(1, 2)", "[email]|join(5)", "email|urlencode('x')", "email|title(1)"),
        *("1|round(0, 'floor')", "range('a')|join", "range(1, 2, 0)|join", "range()|join"),
    ],
)
def test_arguments_that_would_keep_the_mail_from_everybody_are_errors(expression: str) -> None:
    source = checks.MailSource(
        subject="Hi", html=f"<p>\n{{{{ {expression} }}}} {{{{ unsubscribe_url }}}}"
    )
    found = checks.check(source, fields={"email"})
    assert [(one.code, one.severity, one.line) for one in found] == [("bad_arguments", "error", 2)]


@pytest.mark.parametrize(
    "expression",
    [
        *("email|truncate(9)", "email|truncate(9, end='.')", "email|replace('a', '')"),
        *(
            "email|default('x')",
            "email|d('x', true)",
            "email|date('%Y')",
            "email|date('long', 'zh')",
        ),
        *(
            "email|number(2)",
            "email|round(-1)",
            "[email]|join('; ')",
            "email|truncate(email|length)",
        ),
        *("range(3)|join", "range(1, 9, 2)|join(', ')", "email|replace(email, 'x')", "email|int"),
    ],
)
def test_arguments_that_filters_take_are_no_errors(expression: str) -> None:
    source = checks.MailSource(
        subject="Hi", html=f"<p>{{{{ {expression} }}}} {{{{ unsubscribe_url }}}}"
    )
    assert not checks.check(source, fields={"email"})
