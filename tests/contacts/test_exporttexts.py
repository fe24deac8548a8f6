"""The export as CSV has the same cells whether PostgreSQL or Python writes them."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.utils import timezone, translation

from accounts.models import Workspace
from contacts import csvdetect, erasure, exports
from contacts.models import Attribute, Contact, ContactTag, List, Subscription, Suppression, Tag
from contacts.provenance import Source
from contacts.queries import exporttexts, people
from contacts.services import contactsheet
from sending.models import Message
from tests.factories import make_mailing, make_relay

pytestmark = pytest.mark.django_db

# Values that a spreadsheet, CSV, a record of PostgreSQL, or what protects from them, could change.
TEXTS = (
    *(f"{begin}cmd" for begin in exports.FORMULA),
    *("'=1", "''5", "'9", "'tis", "'＝1", "'", "''"),
    *(
        'say "hi"',
        '"',
        "a, b",
        "two\nlines",
        "a\r\nb",
        "a\rb",
        "tab\there",
        "(a)",
        "()",
        "{}",
        "[]",
    ),
    *(
        "back\\slash",
        "\\\\",
        "\\N",
        "\\.",
        " ",
        " a ",
        "",
        "true",
        "false",
        "null",
        "0",
        "007",
        "-",
    ),
    *(
        "王小明",
        "’",
        "％",
        "%s %% %(a)s",
        "\x1f",
        "\u2028",
        "😀=1",
        "＇=1",
        "‘",
        "[1]",
        "{1}",
        "t",
        "f",
    ),
    *("long " * 2_000, "=" * 5_000),
)
NUMBERS = (0, -1, 5, -1.5, 12.5, 0.25, -0.0, 1e-5, -2.5e-7, 0.0001, 1e16, 10**25, 3.0, 0.1 + 0.2)
LISTS: tuple[Any, ...] = (
    *([], ["Red"], ["=1", "b"], ["a; b", 'c "d"'], ["true"], [""], ["'5"]),
    *([{"name": "Tea, green", "price": 5.5}], [{"a": None, "b": [1, "茶"]}], ["a", 1], [True]),
)
VALUES = (*TEXTS, *NUMBERS, *LISTS, True, False, None, {}, {"a": "b"}, "2001-02-03", "02-29", "0-1")


def attribute(workspace: Workspace, key: str, type_: str = "text") -> Attribute:
    return Attribute.objects.create(workspace=workspace, key=key, label=f"={key}", type=type_)


def person(workspace: Workspace, email: str, **values: Any) -> Contact:
    return Contact.objects.create(workspace=workspace, email=email, **values)


def compared(workspace: Workspace, **asked: Any) -> list[list[str]]:
    """The rows of the CSV, which are those that Python writes."""
    everybody = Contact.objects.filter(workspace=workspace)
    made = contactsheet.sheet(workspace, everybody, **asked)
    by_python = [made.header, *(map(contactsheet._written, row) for row in made.rows)]
    data = b"".join(contactsheet.stream(workspace, everybody, **asked))
    assert data.startswith("\ufeff".encode())
    assert data.endswith(b"\r\n")
    found = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert found == [[exports.safe(cell) for cell in row] for row in by_python]
    return found


@pytest.mark.parametrize("type_", Attribute.Type.values)
def test_any_value_of_an_attribute(workspace: Workspace, type_: str) -> None:
    attribute(workspace, "city", type_)
    attribute(workspace, "茶", type_)
    for number, value in enumerate(VALUES):
        person(workspace, f"p{number}@x.example", attributes={"city": value, "other": 1})
    person(workspace, "none@x.example")
    rows = compared(workspace)
    assert len(rows) == len(VALUES) + 2
    column = rows[0].index("'=city")
    assert rows[1 + VALUES.index("=cmd")][column] == "'=cmd"
    assert rows[1 + VALUES.index("＝cmd")][column] == "'＝cmd"
    assert rows[1 + VALUES.index("back\\slash")][column] == "back\\slash"


def test_any_text_as_a_name(workspace: Workspace) -> None:
    for number, text in enumerate(text for text in TEXTS if len(text) <= 150):
        person(workspace, f"{number}@x.example", first_name=text, full_name=text * 2)
    person(workspace, "=a@x.example", last_name='"')
    person(workspace, "'=a@x.example", last_name=",")
    rows = compared(workspace)
    assert rows[-1][0] == "''=a@x.example"


def test_a_long_value_beside_others(workspace: Workspace) -> None:
    """PostgreSQL keeps them in a storage of their own."""
    for key in ("a", "b", "c"):
        attribute(workspace, key)
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(md5(n::text), '') FROM generate_series(1, 300) n")
        long = (cursor.fetchone() or ("",))[0]
    person(workspace, "a@x.example", attributes={"a": long, "b": "=1", "c": [long, "x"]})
    assert long in compared(workspace)[1]


@pytest.fixture
def on_lists(workspace: Workspace) -> list[List]:
    """People on lists in many ways, some of them at the same moment."""
    names = ("News", "=Offers, 100% 特惠", "Zoo", 'A "list"')
    lists = [List.objects.create(workspace=workspace, name=name) for name in names]
    moment = datetime(2026, 3, 5, 8, 0, 0, 123_456, tzinfo=UTC)
    ways = (
        *("s", "u", "su", "us", "uu", "ssu", "susu", " s", " us", "s s"),
        *("s=s", "u=u", "s=u=s"),
    )
    sources = (
        Source("import", 3),
        Source("page"),
        Source("campaign", 7),
        Source("tea", 2),
        Source(),
    )
    for number, way in enumerate(ways):
        one = person(workspace, f"p{number}@x.example")
        for place, letter in enumerate(way.replace("=", "")):
            if letter == " ":
                continue
            same = "=" in way
            made = Subscription.objects.create(
                list=lists[place],
                contact=one,
                status="subscribed" if letter == "s" else "unsubscribed",
                consent=("unknown", "explicit", "customer")[(number + place) % 3],
                afterwards=("", "taken_back", "said_again")[(number + place) % 3],
                **sources[(number * 2 + place) % len(sources)].columns,
            )
            # Some differ by less than a second, in either order.
            later = timedelta(microseconds=(-1) ** number * place * (0 if same else 7))
            Subscription.objects.filter(pk=made.pk).update(changed_at=moment + later)
    person(workspace, "nowhere@x.example")
    return lists


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_subscriptions(workspace: Workspace, on_lists: list[List], language: str) -> None:
    with translation.override(language):
        rows = compared(workspace)
        for one in on_lists:
            compared(workspace, list_id=one.pk)
    status = rows[0].index("status_reason")
    assert ("Import 3" if language == "en" else "导入 3") in " ".join(row[status] for row in rows)


def test_all_lists_in_one_column(
    workspace: Workspace, on_lists: list[List], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csvdetect, "MAX_COLUMNS", 12)
    rows = compared(workspace)
    assert "lists" in rows[0]
    assert "'=Offers, 100% 特惠: subscribed" in "\n".join(
        row[rows[0].index("lists")] for row in rows
    )


def suppressed(
    workspace: Workspace | None, value: str, kind: str = "address", **values: Any
) -> None:
    known = {"reason": "manual", "detail": 'said "no", 100%', **Source("campaign", 7).columns}
    Suppression.objects.create(workspace=workspace, kind=kind, value=value, **known | values)


def test_suppressions_of_all_kinds(
    workspace: Workspace, on_lists: list[List], other_workspace: Workspace
) -> None:
    tomorrow = timezone.now() + timedelta(days=1)
    for number, reason in enumerate(Suppression.Reason.values):
        if reason != "paused":
            suppressed(workspace, f"p{number}@x.example", reason=reason, detail="x" * 250)
    suppressed(workspace, "p9@x.example", reason="unsubscribed", afterwards="said_again")
    suppressed(workspace, "p9@x.example", reason="complained", until=tomorrow)
    suppressed(workspace, "p10@x.example", reason="paused", until=tomorrow)
    suppressed(workspace, "p11@x.example", reason="manual", lifted_at=timezone.now())
    suppressed(None, "p12@x.example", detail="=1")
    suppressed(other_workspace, "nowhere@x.example")
    suppressed(workspace, erasure.digest("erased@x.example"), "erased", reason="erased")
    person(workspace, "erased@x.example")
    suppressed(workspace, "y.example", "domain", detail="")
    suppressed(workspace, "info@*", "pattern", like_text="info@%")
    person(workspace, "info@y.example")
    suppressed(workspace, "info@y.example", reason="unsubscribed")
    rows = compared(workspace)
    column = rows[0].index("suppressed_at")
    stopped = {row[0] for row in rows[1:] if row[column]}
    assert {"p9@x.example", "p12@x.example", "erased@x.example", "info@y.example"} <= stopped
    assert not stopped & {"p11@x.example", "nowhere@x.example"}


def test_tags_and_mails(workspace: Workspace) -> None:
    names = ("VIP", "=1", "Bath, Somerset", 'a "b"', "[x]", "茶叶", "back\\slash")
    four = [person(workspace, f"p{number}@x.example") for number in range(4)]
    tags = [Tag.objects.create(workspace=workspace, name=name, key=name) for name in names]
    for number, one in enumerate(four[:3]):
        for tag in tags[number:]:
            ContactTag.objects.create(tag=tag, contact=one)
    mailing = make_mailing(workspace, relay=make_relay(workspace))
    moment = datetime(2026, 3, 5, 23, 59, 59, 999_999, tzinfo=UTC)
    for one, opened in ((four[0], moment), (four[1], None)):
        Message.objects.create(
            mailing=mailing,
            contact_id=one.pk,
            address=one.email,
            state=Message.State.ACCEPTED,
            settled_at=moment,
            opened_at=opened,
        )
    rows = compared(workspace)
    assert rows[1][rows[0].index("last_opened_at")] == "2026-03-05T23:59:59+00:00"
    assert rows[4][rows[0].index("tags")] == ""


@pytest.mark.parametrize(
    "columns",
    [
        [],
        ["status"],
        ["attribute:a", "lists", "tags", "status", "name", "attribute:b", "added", "domain"],
        ["lists", "added", "last_sent_at", "attribute:a"],
        ["tags", "first_name", "attribute:gone"],
    ],
)
def test_chosen_columns(workspace: Workspace, on_lists: list[List], columns: list[str]) -> None:
    attribute(workspace, "a")
    attribute(workspace, "b")
    Contact.objects.update(attributes={"a": "=1", "b": 5})
    compared(workspace, columns=columns)


def test_a_search(workspace: Workspace) -> None:
    """Its SQL has operators with a percent sign."""
    for name in ("Anna Lee", "Bo 100%"):
        person(workspace, f"{name[:2].lower()}@x.example", full_name=name)
    found = people.filtered(workspace, QueryDict("q=anna lee"))
    data = b"".join(contactsheet.stream(workspace, found)).decode()
    assert [line.partition(",")[0] for line in data.splitlines()[1:]] == ["an@x.example"]


def test_no_lists_and_nobody(workspace: Workspace) -> None:
    assert len(compared(workspace)) == 1
    person(workspace, "a@x.example")
    assert len(compared(workspace)) == 2


def test_more_attributes_than_postgresql_has_columns(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contactsheet, "MOST_TEXTS", 2)
    attribute(workspace, "a")
    person(workspace, "a@x.example", attributes={"a": "=1"})
    assert "'=1" in compared(workspace)[1]


def test_several_pieces_in_one_statement(
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: Callable[[int], Any],
) -> None:
    monkeypatch.setattr(exporttexts, "AT_ONCE", 2)
    for number in range(9):
        person(workspace, f"p{number}@x.example")
    everybody = Contact.objects.filter(workspace=workspace)
    # Attributes, lists, ways of suppressions, tags, people, and the savepoint around.
    with django_assert_max_num_queries(7):
        pieces = list(contactsheet.stream(workspace, everybody))
    lines = b"".join(pieces).decode().splitlines()
    assert [line.partition(",")[0] for line in lines[1:]] == [f"p{n}@x.example" for n in range(9)]
    assert len(pieces) == 5


def test_an_export_that_is_given_up_leaves_the_connection_free(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporttexts, "AT_ONCE", 1)
    for number in range(5):
        person(workspace, f"p{number}@x.example")
    content: Any = contactsheet.stream(workspace, Contact.objects.filter(workspace=workspace))
    assert next(content)
    content.close()
    assert Contact.objects.count() == 5
