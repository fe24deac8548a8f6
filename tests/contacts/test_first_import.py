"""What a newcomer's first file may be, and what its columns become."""

import html
from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone

from accounts.models import Workspace
from contacts import columns, csvdetect, values
from contacts.columns import KnownAttribute, describe
from contacts.models import Attribute, Contact, Import, List, Subscription
from contacts.queries import lists
from contacts.services import importchoices, imports
from tests.contacts.test_imports import chosen, imported, ran, received

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01"


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (PNG, "picture"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "picture"),
        (b"GIF89a\x01\x00", "picture"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "picture"),
        (b"\x00\x00\x00\x18ftypheic", "picture"),
        (b"BM\x36\x00\x00\x00\x00\x00\x00\x00\x36\x00", "picture"),
        (b"PK\x03\x04\x14\x00\x06\x00xl/workbook.xml", "ZIP file is damaged"),
        (b"PK\x03\x04\x14\x00\x06\x00people.csv", "ZIP file is damaged"),
        (b"PK\x03\x04\x14\x00\x06\x00word/document.xml", "ZIP file is damaged"),
        (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "archive"),
        (b"Rar!\x1a\x07\x01\x00", "archive"),
        (b"<!DOCTYPE html>\n<html><table>", "web page"),
        (b"<html xmlns:x='urn:schemas-microsoft-com:office:excel'>", "web page"),
        (b"{\\rtf1\\ansi", "text document"),
        (bytes(range(256)) * 40, "not text"),
    ],
)
def test_what_is_no_table_is_named_with_what_to_do(
    workspace: Workspace, data: bytes, word: str
) -> None:
    with pytest.raises(csvdetect.NotCsvError, match=word):
        received(workspace, data, name="people.csv")
    assert not Import.objects.exists()


@pytest.mark.parametrize(
    "text",
    ["email\nBM@b.example\n", "email,html\na@b.example,<html>\n", "email\r\na@b.example\r\n\x1a"],
)
def test_text_is_taken_for_no_other_file(workspace: Workspace, text: str) -> None:
    assert imported(workspace, text)["new"] == 1


def test_a_picture_on_the_page(owner_client: Client, workspace: Workspace) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile  # noqa: PLC0415

    page = owner_client.post(
        f"/w/{workspace.slug}/imports/new/", {"file": SimpleUploadedFile("people.csv", PNG)}
    ).content.decode()
    assert "This is a picture. Export the contacts as CSV" in page


@pytest.mark.parametrize("data", ["Email,Name,City\n", "Email,Name\n\n\n"])
def test_a_file_of_column_names_alone_says_so(
    owner_client: Client, workspace: Workspace, data: str
) -> None:
    """On the page of the check, and if it is started all the same."""
    file = chosen(received(workspace, data))
    base = f"/w/{workspace.slug}/imports/{file.pk}/"
    for page in (f"{base}?step=check&now=1", f"{base}check/"):
        shown = owner_client.get(page).content.decode()
        assert "The file has no lines below its column names" in shown
        assert "Start the import" not in shown
    answer = owner_client.post(f"{base}start/", follow=True)
    assert "The file has no lines below its column names" in answer.content.decode()
    file.refresh_from_db()
    assert file.state == Import.State.READY


def test_empty_columns_become_no_attributes(workspace: Workspace) -> None:
    imported(workspace, "email,Notes,City,\na@b.example,,Suzhou,\nc@d.example, ,,\n")
    assert set(Attribute.objects.values_list("key", flat=True)) == {"city"}


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("Zip", ["10115", "94103"]),
        ("Postal code", ["10115", "20095"]),
        ("邮编", ["215000", "100000"]),
        ("Phone", ["5551234", "5559876"]),
        ("手机号码", ["13812345678", "13987654321"]),
        ("Customer ID", ["4711", "4712"]),
        ("customerId", ["4711", "4712"]),
        ("Order No.", ["1", "2"]),
        ("工号", ["1001", "1002"]),
        # By what they are.
        ("Branch", ["0012", "0034"]),
        ("Branch", ["12", "0034"]),
        ("Contact", ["+49301234", "+4930999"]),
        ("Contact", ["13812345678", "13987654321"]),
        ("Branch", ["1234567890", "12"]),
        ("Branch", [*map(str, range(1, 40)), "12A"]),
        ("Article", ["123E45", "77"]),
        # Postcodes most of which could be day numbers of Excel.
        ("Area", [*(str(20000 + n) for n in range(40)), "10115"]),
    ],
)
def test_digits_that_nobody_calculates_with_are_text(header: str, cells: list[str]) -> None:
    rows = [["email", header], *(["a@b.example", cell] for cell in cells)]
    column = describe(rows, header=True)[1]
    # The postcodes without a word for it are amounts at worst, never days.
    assert column.type == ("number" if header == "Area" else "text")


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("Orders", ["3", "12"]),
        ("Number of orders", ["3", "12"]),
        ("Paid", ["3.50", "12.00"]),
        ("金额", ["1,234.50", "-7"]),
    ],
)
def test_amounts_are_numbers(header: str, cells: list[str]) -> None:
    rows = [["email", header], *(["a@b.example", cell] for cell in cells)]
    assert describe(rows, header=True)[1].type == "number"


def test_leading_zeros_arrive(workspace: Workspace) -> None:
    imported(workspace, "email,Zip,Phone\na@b.example,01067,+49 351 1234\n")
    assert Contact.objects.get().attributes == {"zip": "01067", "phone": "+49 351 1234"}


@pytest.mark.parametrize(
    ("label", "headers", "expected"),
    [
        ("Phone", ["Phone Number"], ["attribute:phone"]),
        ("Phone", ["手机号"], ["attribute:phone"]),
        ("电话", ["Mobile"], ["attribute:phone"]),
        ("Postcode", ["邮编"], ["attribute:phone"]),
        ("Company", ["公司名称"], ["attribute:phone"]),
        # The attribute's own name comes first; the other is a new one, not lost.
        ("Phone", ["Mobile", "Phone"], ["new:phone_2:text", "attribute:phone"]),
        # As an import of ours makes it: the name is the header, the merge field is `phone`.
        ("Phone Number", ["Phone", "Phone Number"], ["new:phone_2:text", "attribute:phone"]),
        ("Phone Number", ["Phone"], ["attribute:phone"]),
    ],
)
def test_a_header_that_means_an_attribute_is_that_attribute(
    label: str, headers: list[str], expected: list[str]
) -> None:
    rows = [["email", *headers], ["a@b.example", *["x1"] * len(headers)]]
    found = describe(rows, header=True, known=[KnownAttribute("phone", label, "text")])
    assert [column.guess for column in found][1:] == expected


def test_a_column_that_is_left_out_says_so(owner_client: Client, workspace: Workspace) -> None:
    file = chosen(received(workspace, "email,Customer ID,City\na@b.example,00017,Oslo\n"))
    page = owner_client.get(f"/w/{workspace.slug}/imports/{file.pk}/").content.decode()
    assert page.count("Left out unless you choose what it becomes.") == 1


def test_an_attribute_of_another_type_is_left_alone() -> None:
    rows = [["email", "Phone Number"], ["a@b.example", "x1"]]
    found = describe(rows, header=True, known=[KnownAttribute("phone", "Phone", "number")])
    assert found[1].guess == "new:phone_2:text"


def test_a_table_that_is_cut_says_so(owner_client: Client, workspace: Workspace) -> None:
    lines = "".join(f"bad{n}\n" for n in range(1234))
    file = chosen(received(workspace, f"email\na@b.example\n{lines}"))
    here = f"/w/{workspace.slug}/imports/{file.pk}/"
    assert "The first 20 of" in owner_client.get(here + "check/").content.decode()
    ran(file)
    assert "The first 20 of 1,234." in owner_client.get(here).content.decode()


def test_a_table_that_is_whole_does_not(owner_client: Client, workspace: Workspace) -> None:
    file = chosen(received(workspace, "email\na@b.example\nbad\n"))
    ran(file)
    page = owner_client.get(f"/w/{workspace.slug}/imports/{file.pk}/").content.decode()
    assert "The first" not in page


def test_imported_opt_outs_did_not_leave(owner_client: Client, workspace: Workspace) -> None:
    news = List.objects.create(workspace=workspace, name="News")
    text = "email,status\na@b.example,subscribed\nc@d.example,unsubscribed\n"
    imported(workspace, text, target=news)
    counts = lists.counts(workspace.pk)[news.pk]
    assert (counts.subscribed, counts.unsubscribed, counts.joined, counts.left) == (1, 1, 1, 0)
    # Somebody who was on the list did.
    row = Subscription.objects.get(status="subscribed")
    row.status = "unsubscribed"
    row.save()
    assert lists.counts(workspace.pk)[news.pk].left == 1
    page = owner_client.get(
        f"/w/{workspace.slug}/contacts/?list={news.pk}&status=unsubscribed&days=30"
    ).content.decode()
    assert "a@b.example" in page
    assert "c@d.example" not in page


def test_the_duration_is_what_a_person_waited(owner_client: Client, workspace: Workspace) -> None:
    """From the click: also while no worker took it."""
    file = chosen(received(workspace, "email\na@b.example\n"))
    imports.start(file, enqueue=None)
    from contacts.services import importrun  # noqa: PLC0415

    assert not importrun.run(file.pk)
    # Minutes before a worker took it.
    waited = Import.objects.filter(pk=file.pk)
    waited.update(started_at=F("finished_at") - timedelta(minutes=4))
    file.refresh_from_db()
    assert imports.elapsed(file) == 240
    assert "It took 4 minutes." in (
        owner_client.get(f"/w/{workspace.slug}/imports/{file.pk}/").content.decode()
    )
    rate = imports.progress(file).rate
    assert rate is not None
    assert rate == pytest.approx(1 / 240, rel=0.01)


def test_growth_begins_with_the_first_day(workspace: Workspace) -> None:
    news = List.objects.create(workspace=workspace, name="News")
    imported(workspace, "email\na@b.example\n", target=news)
    week = timezone.now() - timedelta(days=7)
    Subscription.objects.update(created_at=week, changed_at=week)
    series = lists.daily(news.pk, days=90)
    assert len(series) == 8
    assert {total for _day, total in series} == {1}
    Subscription.objects.update(created_at=timezone.now(), changed_at=timezone.now())
    assert [total for _day, total in lists.daily(news.pk, days=90)] == [0, 1]


def test_guesses_of_types() -> None:
    assert values.guess_type(["2024-03-05", "45356"]) == "date"
    assert values.guess_type(["45356", "45357"]) == "number"


@pytest.mark.parametrize(
    "forged",
    [
        "new:" + "k" * 300 + ":text",
        "new:x3:" + "y" * 300,
        "new:x:bogus",
        "new:x:choice",
        "new:x",
        "new::text",
        "new:email:text",
        "new:_x:text",
        "new:a b<script>:text",
    ],
    ids="key type bogus choice none empty reserved internal script".split(),
)
def test_a_forged_new_attribute_is_refused(
    owner_client: Client, workspace: Workspace, forged: str
) -> None:
    file = received(workspace, "email,x\na@b.example,1\n")
    page = f"/w/{workspace.slug}/imports/{file.pk}/"
    form = {"encoding": "utf-8", "delimiter": "comma", "header": "1", "dates": "", "list": ""}
    form |= {"consent": "customer", "known": "fill", "column_0": "email", "column_1": forged}
    answer = owner_client.post(f"{page}columns/", form)
    assert "become this new attribute." in answer.content.decode()
    with pytest.raises(importchoices.ImportRefusedError):
        chosen(file, mapping=["email", forged])
    Import.objects.filter(pk=file.pk).update(mapping=["email", forged])
    file.refresh_from_db()
    with pytest.raises(importchoices.ImportRefusedError):
        imports.start(file, enqueue=None)
    assert not Attribute.objects.exists()


@pytest.mark.parametrize("kind", columns.NEW_TYPES)
def test_new_attributes_of_each_type_that_the_page_offers(workspace: Workspace, kind: str) -> None:
    longest = columns.key_of("9" * 60, {columns.key_of("9" * 60)})
    file = received(workspace, "email,x\na@b.example,1\n")
    imports.start(chosen(file, mapping=["email", f"new:{longest}:{kind}"]), enqueue=None)
    assert Attribute.objects.get().type == kind


def test_without_an_address_column_there_is_no_check(
    owner_client: Client, workspace: Workspace
) -> None:
    """Its page says what to choose; an address typed by hand gives no 500."""
    file = chosen(received(workspace, "email,City\na@b.example,Oslo\n"))
    Import.objects.filter(pk=file.pk).update(mapping=["", "new:city:text"])
    page = f"/w/{workspace.slug}/imports/{file.pk}/"
    words = "Choose the one column that holds the e-mail address."

    answer = owner_client.get(f"{page}check/")
    assert (answer.status_code, answer["HX-Redirect"]) == (204, page)
    for step in ("?step=check", "?step=check&now=1"):
        assert words in html.unescape(owner_client.get(page + step).content.decode())
    owner_client.post(f"{page}start/")
    file.refresh_from_db()
    assert file.state == Import.State.READY
