"""Days of the year, several choices and lists of objects, wherever values go: files, forms, pages,
exports, segments and mails."""

import csv
import datetime as dt
import io
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from accounts.models import Workspace
from contacts import attributevalues, values
from contacts.models import Attribute, Contact, Import
from contacts.queries import mergefields
from contacts.services import attributes, contactsheet, importchoices, importfile
from designs import language as languages
from designs.fields import invented
from designs.rendering import CompiledPart
from tests.contacts.segments.scene import attribute, matching
from tests.contacts.test_imports import chosen, imported, ran, received
from tests.factories import make_contact

pytestmark = pytest.mark.django_db

ORDERS = [{"name": "Tea", "price": 5}, {"name": "Rice & <b>", "price": 2.5}]
GIVEN = {"birthday": "02-29", "likes": ["Red", "Dark, blue"], "orders": ORDERS}


def test_control_characters() -> None:
    """Tab and line break stay; of objects, they are refused."""
    assert values.plain("a\x00b\x0b\x1f\tc\r\nd\x08") == "ab\tc\r\nd"
    assert values.plain("\x07") == ""
    with pytest.raises(ValueError, match="a"):
        values.parse("objects", '[{"a": "x\\u0007"}]')
    assert values.parse("objects", '[{"a": "x\\ty"}]') == [{"a": "x\ty"}]


@pytest.fixture
def three(workspace: Workspace) -> None:
    attributes.add(workspace, label="Birthday", type_="day")
    attributes.add(workspace, label="Likes", type_="choices", choices=["Red", "Dark, blue", "绿"])
    attributes.add(workspace, label="Orders", type_="objects")


# Texts -------------------------------------------------------------------------------------------

COLOURS = ("Red", "Dark, blue", "绿")


def refused(kind: str, text: str) -> bool:
    try:
        values.parse(kind, text, choices=COLOURS)
    except ValueError:
        return True
    return False


DAYS = [
    ("05/14", "", "05-14"),
    ("14/05", "", "05-14"),
    ("5/6", "mdy", "05-06"),
    ("5/6", "dmy", "06-05"),
    ("6/6", "", "06-06"),
    ("05-06", "dmy", "05-06"),
    ("--02-29", "", "02-29"),
    ("14.5.", "", "05-14"),
    ("5月14日", "", "05-14"),
    ("5 月 4 号", "", "05-04"),
    ("14 May", "", "05-14"),
    ("Sept. 3rd", "", "09-03"),
    ("1980-05-14", "", "05-14"),
    ("1980年5月14日", "", "05-14"),
    ("14 May 1980", "", "05-14"),
    ("５／１４", "", "05-14"),
]


@pytest.mark.parametrize(("text", "order", "expected"), DAYS)
def test_a_day_of_the_year(text: str, order: str, expected: str) -> None:
    assert values.parse("day", text, order=order) == expected


@pytest.mark.parametrize(
    "text", ["5/6", "02-30", "13-13", "May", "14 Mai 5", "soon", "99/1", "5/6/24"]
)
def test_no_day_of_the_year(text: str) -> None:
    assert refused("day", text)


SEVERAL = [
    ("red", ["Red"]),
    ("绿; RED", ["Red", "绿"]),
    ("Red,绿,red", ["Red", "绿"]),
    ("Dark, blue", ["Dark, blue"]),
    ("dark, blue;red", ["Red", "Dark, blue"]),
    ("绿、Red|", ["Red", "绿"]),
]


@pytest.mark.parametrize(("text", "expected"), SEVERAL)
def test_several_choices(text: str, expected: list[str]) -> None:
    assert values.parse("choices", text, choices=COLOURS) == expected


@pytest.mark.parametrize(
    "text",
    ["pink", "Red; pink", ";", pytest.param("Red;" * 300 + "x", id="long")],
)
def test_no_choices(text: str) -> None:
    assert refused("choices", text)


def deep(levels: int) -> str:
    return '[{"a": ' + "[" * levels + "1" + "]" * levels + "}]"


@pytest.mark.parametrize("text", ['[{"name": "Tea", "price": 5.5, "new": null}]', deep(3)])
def test_objects(text: str) -> None:
    assert isinstance(values.parse("objects", text), list)


@pytest.mark.parametrize(
    "text",
    [
        "Tea",
        "[]",
        '{"name": "Tea"}',
        "[1]",
        '["Tea"]',
        '[{"a": NaN}]',
        '[{"a": 1, "a": 2}]',
        '[{"a": {"b": 1, "b": 1}}]',
        '[{"a": 1e999}]',
        '[{"a": "\\u0000"}]',
        '[{"a": "\\ud800"}]',
        f'[{{"{"k" * 51}": 1}}]',
        deep(4),
        pytest.param("[" * 5_000, id="deep"),
        pytest.param("[" + ",".join(["{}"] * 101) + "]", id="many"),
        pytest.param('[{"a": "' + "x" * 10_000 + '"}]', id="long"),
    ],
)
def test_no_objects(text: str) -> None:
    assert refused("objects", text)


@pytest.mark.parametrize(
    ("language", "type_", "value", "words"),
    [
        ("en", "day", "02-29", "29 Feb"),
        ("zh-hans", "day", "02-29", "2月29日"),
        ("en", "day", "soon", "soon"),
        ("en", "choices", ["Red", "绿"], "Red · 绿"),
        ("en", "objects", ORDERS, "2 entries"),
        ("en", "objects", [{}], "1 entry"),
        ("en", "choices", [], "–"),
        ("en", "date", "2026-03-09", "9 Mar 2026"),
    ],
)
def test_as_people_read_it(language: str, type_: str, value: object, words: str) -> None:
    with translation.override(language):
        assert attributevalues.shown(type_, value) == words


# Files -------------------------------------------------------------------------------------------

FILE = (
    "email,Birthday,Likes,Orders\n"
    'a@b.example,14/05,Red; 绿,"[{""name"": ""Tea""}]"\n'
    "c@b.example,31/12,pink,Tea\n"
)


def test_a_file(workspace: Workspace, three: None) -> None:
    counts = imported(workspace, FILE)
    stored = {one.email[0]: one.attributes for one in Contact.objects.all()}
    likes, orders = ["Red", "绿"], [{"name": "Tea"}]
    assert stored["a"] == {"birthday": "05-14", "likes": likes, "orders": orders}
    assert stored["c"] == {"birthday": "12-31"}
    assert counts["unusable"] == 2
    reasons = Import.objects.get().rejects.order_by("pk").values_list("reason", "value")
    assert list(reasons) == [("value_choices", "pink"), ("value_objects", "Tea")]


def test_a_file_changes_nothing_twice(workspace: Workspace, three: None) -> None:
    imported(workspace, FILE)
    assert imported(workspace, FILE)["unchanged"] == 2


def guessed(workspace: Workspace, data: str) -> tuple[str, str]:
    """The type of the second column, and the order of days."""
    file = received(workspace, data)
    dialect = importfile.dialect_of(file)
    column = importchoices.describe(file, dialect)[1]
    return column.guess, importchoices.guess_dates(file, dialect)


def test_what_a_column_of_days_becomes(workspace: Workspace) -> None:
    rows = "a@b.example,05/14\nc@b.example,01/02\n"
    assert guessed(workspace, f"email,Geburtstag\n{rows}") == ("new:geburtstag:day", "mdy")
    # Fractions are no days.
    assert guessed(workspace, f"email,Share\n{rows}")[0] == "new:share:text"


def test_mailchimp_writes_the_month_first(workspace: Workspace) -> None:
    header = "Email Address,Birthday,MEMBER_RATING,OPTIN_TIME,LEID"
    row = "a@b.example,05/06,2,2023-02-01 08:00:00,5001"
    assert guessed(workspace, f"{header}\n{row}\n") == ("new:birthday:day", "mdy")
    assert guessed(workspace, "email,Birthday\na@b.example,05/06\n") == ("new:birthday:day", "")
    file = received(workspace, f"{header}\n{row}\n")
    assert ran(chosen(file))["unusable"] == 0
    assert Contact.objects.get().attributes == {"birthday": "05-06"}


def test_an_export_is_imported_again(
    workspace: Workspace, other_workspace: Workspace, three: None
) -> None:
    make_contact(workspace, "a@b.example", attributes=GIVEN)
    people = Contact.objects.filter(workspace=workspace)
    data = b"".join(contactsheet.stream(workspace, people)).decode("utf-8-sig")
    row = next(csv.DictReader(io.StringIO(data)))
    assert (row["Birthday"], row["Likes"]) == ("02-29", "Red; Dark, blue")
    attributes.add(other_workspace, label="Birthday", type_="day")
    attributes.add(other_workspace, label="Likes", type_="choices", choices=list(COLOURS))
    attributes.add(other_workspace, label="Orders", type_="objects")
    imported(other_workspace, data)
    assert Contact.objects.get(workspace=other_workspace).attributes == GIVEN


# Pages -------------------------------------------------------------------------------------------


def test_the_form_of_a_contact(owner_client: Client, workspace: Workspace, three: None) -> None:
    url = "/w/brand/contacts/new/"
    given: dict[str, Any] = {"email": "a@b.example", "attribute_birthday": "soon"}
    given |= {"attribute_likes": ["Red", "绿"], "attribute_orders": "[1]"}
    page = owner_client.post(url, given).content.decode()
    assert "Enter month and day, such as 03-09." in page
    assert "Enter a list of objects in JSON" in page
    assert 'value="soon"' in page
    given |= {"attribute_birthday": "3月9日", "attribute_orders": '[{"name": "Tea"}]'}
    owner_client.post(url, given)
    person = Contact.objects.get()
    stored = {"birthday": "03-09", "likes": ["Red", "绿"], "orders": [{"name": "Tea"}]}
    assert person.attributes == stored
    # Opened and saved again, nothing changes, even with a choice that is none any more.
    Attribute.objects.filter(key="likes").update(choices=["Red"])
    edit = f"/w/brand/contacts/{person.pk}/edit/"
    assert 'value="绿"' in owner_client.get(edit).content.decode()
    given |= {"attribute_birthday": "03-09"}
    owner_client.post(edit, given)
    person.refresh_from_db()
    assert person.attributes == stored
    owner_client.post(edit, {"email": "a@b.example"})
    person.refresh_from_db()
    assert person.attributes == {}


def test_the_page_and_the_table(owner_client: Client, workspace: Workspace, three: None) -> None:
    person = make_contact(workspace, "a@b.example", attributes=GIVEN)
    for url in (f"/w/brand/contacts/{person.pk}/", "/w/brand/contacts/"):
        page = owner_client.get(url).content.decode()
        for words in ("29 Feb", "Red · Dark, blue", "2 entries"):
            assert words in page, url


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("attribute=birthday&match=is&value=29+Feb", 1),
        ("attribute=birthday&match=is&value=03-01", 0),
        ("attribute=likes&match=is&value=red", 1),
        ("attribute=orders&match=filled", 1),
        ("attribute=orders&match=blank", 0),
    ],
)
def test_filters(
    owner_client: Client, workspace: Workspace, three: None, query: str, found: int
) -> None:
    make_contact(workspace, "a@b.example", attributes=GIVEN)
    page = owner_client.get(f"/w/brand/contacts/?{query}").content.decode()
    assert page.count(">a@b.example<") == found


def test_objects_are_not_compared(owner_client: Client, workspace: Workspace, three: None) -> None:
    make_contact(workspace, "a@b.example", attributes=GIVEN)
    page = owner_client.get("/w/brand/contacts/?attribute=orders&match=is&value=x")
    assert "be compared. Choose" in page.content.decode()


# Segments ----------------------------------------------------------------------------------------


def at(year: int, month: int, day: int) -> dt.datetime:
    return dt.datetime(year, month, day, 12, tzinfo=dt.UTC)


ON_DAYS = [
    (at(2026, 3, 10), "on", ["02-29"], {"leap"}),
    (at(2026, 3, 10), "on", ["3月9日"], {"march"}),
    (at(2026, 2, 27), "next_days", [1], {"leap", "february"}),
    (at(2028, 2, 27), "next_days", [1], {"february"}),
    (at(2028, 2, 27), "next_days", [2], {"february", "leap"}),
    (at(2026, 3, 10), "last_days", [1], {"march"}),
    (at(2026, 3, 1), "last_days", [1], {"february", "leap"}),
    (at(2026, 1, 2), "last_days", [2], {"silvester"}),
    (at(2026, 12, 30), "next_days", [1], {"silvester"}),
    (at(2026, 12, 30), "next_days", [9_000], {"silvester", "leap", "march", "february"}),
    (at(2026, 12, 30), "last_days", [9_000], {"silvester", "leap", "march", "february"}),
    (at(2026, 3, 10), "blank", [], {"none"}),
    (at(2026, 3, 10), "filled", [], {"silvester", "leap", "march", "february"}),
]


@pytest.mark.parametrize(("now", "operator", "given", "expected"), ON_DAYS)
def test_conditions_on_days(  # noqa: PLR0917 - fixtures and cases
    workspace: Workspace,
    three: None,
    now: dt.datetime,
    operator: str,
    given: list[Any],
    expected: set[str],
) -> None:
    days = {"leap": "02-29", "february": "02-28", "march": "03-09", "silvester": "12-31"}
    for name, day in days.items():
        make_contact(workspace, f"{name}@b.example", attributes={"birthday": day})
    make_contact(workspace, "none@b.example")
    assert matching(workspace, attribute("birthday", operator, *given), at=now) == expected


ON_CHOICES = [
    ("has_any", "red\nPINK", {"red", "both"}),
    ("has_all", "red\n绿", {"both"}),
    ("has_all", "RED", {"red", "both"}),
    ("has_none", "red\n绿", {"blue", "none", "text"}),
    ("has_any", "绿", {"both"}),
]


@pytest.mark.parametrize(("operator", "lines", "expected"), ON_CHOICES)
def test_conditions_on_choices(
    workspace: Workspace, three: None, operator: str, lines: str, expected: set[str]
) -> None:
    people: dict[str, Any] = {"red": ["Red"], "both": ["Red", "绿"], "blue": ["Dark, blue"]}
    # A value of another form does no harm.
    for name, given in (people | {"text": "Red"}).items():
        make_contact(workspace, f"{name}@b.example", attributes={"likes": given})
    make_contact(workspace, "none@b.example")
    assert matching(workspace, attribute("likes", operator, lines)) == expected
    assert matching(workspace, attribute("likes", "blank")) == {"none"}


def test_objects_are_shown_one_by_one(owner_client: Client, workspace: Workspace) -> None:
    attributes.add(workspace, label="Orders", type_="objects")
    given = [{"name": "<b>Tea", "price": 5.5, "kinds": ["a", 1]}, {"name": "x" * 300}]
    person = make_contact(workspace, "a@b.example", attributes={"orders": given})
    page = owner_client.get(f"/w/brand/contacts/{person.pk}/").content.decode()
    assert "name: &lt;b&gt;Tea · kinds: [&quot;a&quot;, 1] · price: 5.5" in page
    assert f"name: {'x' * 194}…" in page


def test_a_choice_that_is_sent_twice_is_stored_once(
    owner_client: Client, workspace: Workspace
) -> None:
    likes = attributes.add(workspace, label="Likes", type_="choices", choices=["Red", "Blue"])
    person = make_contact(workspace, "a@b.example")
    url = f"/w/brand/contacts/{person.pk}/attributes/{likes.pk}/"
    owner_client.post(url, {"value": ["Red", "Red"]}, headers={"HX-Request": "true"})
    person.refresh_from_db()
    assert person.attributes == {"likes": ["Red"]}


def test_conditions_on_objects(workspace: Workspace, three: None) -> None:
    make_contact(workspace, "a@b.example", attributes=GIVEN)
    make_contact(workspace, "none@b.example")
    assert matching(workspace, attribute("orders", "filled")) == {"a"}
    assert matching(workspace, attribute("orders", "blank")) == {"none"}


# Mails -------------------------------------------------------------------------------------------

HTML = (
    "{{ birthday }}/{{ likes }}/{% for one in orders %}{{ loop.index }}:{{ one.name }} "
    "{{ one.price }};{% endfor %}/{% if 'Red' in likes %}red{% endif %}/"
    "{{ likes|join('+') }}/{{ likes|length }}"
)


def render(html: str, fields: dict[str, Any]) -> str:
    return CompiledPart(html, "html", languages.of_mail({"html": html})).render(fields)


@pytest.mark.parametrize(
    ("language", "first"),
    [("en", "February 29/Red, Dark, blue/"), ("zh", "2月29日/Red、Dark, blue/")],
)
def test_a_mail(workspace: Workspace, three: None, language: str, first: str) -> None:
    person = make_contact(workspace, "a@b.example", attributes=GIVEN)
    fields = mergefields.merge_fields(workspace.pk, [person.pk])[person.pk]
    words = "你好 " if language == "zh" else "Hello "
    made = render(f"<p>{words}{HTML}</p>", fields)
    rest = "1:Tea 5;2:Rice &amp; &lt;b&gt; 2.5;/red/Red+Dark, blue/2"
    assert made == f"<p>{words}{first}{rest}</p>"


def test_a_text_is_one_choice(workspace: Workspace, three: None) -> None:
    """Whoever stored it: a loop must not show it letter by letter."""
    person = make_contact(workspace, "a@b.example", attributes={"likes": "Red"})
    fields = mergefields.merge_fields(workspace.pk, [person.pk])[person.pk]
    assert render("{% for one in likes %}[{{ one }}]{% endfor %}", fields) == "[Red]"


def test_an_invented_person_has_a_value_of_each(workspace: Workspace, three: None) -> None:
    person = invented(workspace)
    made = render(HTML, person)
    assert "1:A 42;2:B 42;" in made
    assert "Red, Dark, blue" in made
