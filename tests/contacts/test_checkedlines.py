"""Each number of the check opens its lines; those of the result open lines or people."""

import re
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from contacts.models import Contact, Import, List, Subscription, Suppression
from contacts.provenance import BY_HAND
from contacts.services import (
    checkedlines,
    importchecks,
    importchoices,
    importhints,
    importrun,
    imports,
    importuploads,
)
from tests import figures

pytestmark = pytest.mark.django_db(transaction=True)

DATA = (
    "email,first name,status\n"
    "new@x.example,Ann,subscribed\n"  # line 2
    "known@x.example,Bo,subscribed\n"
    "same@x.example,,subscribed\n"
    "NEW@x.example,Anna,subscribed\n"  # line 5: twice in its batch
    "stop@x.example,,subscribed\n"
    "wrong,,subscribed\n"
    "left@x.example,,unsubscribed\n"
    "later@x.example,,subscribed\n"
    "same@x.example,,subscribed\n"  # line 10: twice, in another batch
    "bounced@x.example,,bounced\n"
    "later@x.example,,unsubscribed\n"  # line 12
)
EXPECTED = {
    "new": [2, 8, 9],
    "updated": [3],
    "unchanged": [4],
    "duplicate": [5, 10, 12],
    "suppressed": [6, 11],
    "rejected": [7],
    "subscribed": [2, 3, 4],
    "unsubscribed": [8, 12],
    "stopped": [11],
}


@pytest.fixture
def file(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Import:
    """Ready to be checked, in batches of four lines."""
    monkeypatch.setattr(importrun, "BATCH", 4)
    for name in ("known", "same"):
        Contact.objects.create(workspace=workspace, email=f"{name}@x.example")
    Suppression.objects.create(
        workspace=workspace, kind="address", value="stop@x.example", reason="manual"
    )
    file = importuploads.receive(
        workspace, filename="x.csv", pieces=[DATA.encode()], by=None, limit=1 << 20
    )
    importchoices.configure(
        file,
        dialect=file.dialect,
        mapping=file.mapping,
        target=List.objects.create(workspace=workspace, name="News"),
        consent="explicit",
        known="fill",
    )
    return file


def numbers(found: checkedlines.CheckedLines) -> list[int]:
    return [row["line"] for row in found.rows] + [reject.line for reject in found.rejects]


def test_the_lines_are_those_that_the_check_counts(file: Import) -> None:
    assert set(checkedlines.KINDS) == {*EXPECTED, *importhints.KINDS}
    counts = importchecks.check(file, rows=None).counts
    for kind, lines in EXPECTED.items():
        found = checkedlines.of(file, kind, rows=None)
        assert (kind, numbers(found), found.more) == (kind, lines, False)
        assert counts[kind] == len(lines), kind


def test_only_the_first_ones_are_shown(file: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkedlines, "SHOWN", 2)
    for kind in ("new", "duplicate", "subscribed"):
        found = checkedlines.of(file, kind, rows=None)
        assert (numbers(found), found.more) == (EXPECTED[kind][:2], True)
    # As many lines are read as the check has read.
    assert numbers(checkedlines.of(file, "new", rows=4)) == [2]


def test_each_number_of_the_check_is_a_link_to_its_lines(
    file: Import, owner_client: Client
) -> None:
    check = reverse("import_check", args=["brand", file.pk])
    page = owner_client.get(check).content.decode()
    links = set(map(unescape, re.findall(r'href="([^"]*/check/lines/[^"]*)"', page)))
    kinds = {link.partition("of=")[2] for link in links}
    assert kinds == EXPECTED.keys() | {"reason:no_at"}
    assert "Checking the lines…" in owner_client.get(min(links)).content.decode()
    for link in links:
        kind = link.partition("of=")[2].partition("&")[0]
        html = owner_client.get(link, headers={"HX-Request": "true"}).content.decode()
        lines = re.findall(r'<td class="num" data-label="Line">(\d+)</td>', html)
        assert list(map(int, lines)) == EXPECTED.get(kind, EXPECTED["rejected"])
    assert html.strip() in owner_client.get(f"{link}&now=1").content.decode()


def test_unknown_kinds_and_started_imports_lead_back(file: Import, owner_client: Client) -> None:
    url = reverse("checked_lines", args=["brand", file.pk])
    assert owner_client.get(url, {"of": "nonsense"}).status_code == 302
    imports.start(file, enqueue=None)
    assert owner_client.get(url, {"of": "new"}).status_code == 302


def test_each_number_of_the_result_opens_what_it_counts(file: Import, owner_client: Client) -> None:
    imports.start(file, enqueue=None)
    while importrun.run(file.pk, size=4):
        pass
    file.refresh_from_db()
    at = reverse("import", args=["brand", file.pk])
    found = figures.on_page(owner_client, at)
    opened = "\n".join(figure.url for figure in found)
    for part in ("outcome=new", "listing=subscribed", "listing=unsubscribed", "/duplicates/"):
        assert part in opened
    assert not figures.differences(owner_client, found)
    page = owner_client.get(f"{at}duplicates/").content.decode()
    assert re.findall(r'<td class="num" data-label="Line">(\d+)</td>', page) == ["5", "10", "12"]
    # Whoever left since is told apart.
    gone = Subscription.objects.filter(contact__email="new@x.example")
    gone.update(status="unsubscribed", **BY_HAND.columns)
    assert not figures.differences(owner_client, figures.on_page(owner_client, at))
    url = next(figure.url for figure in found if "listing=subscribed" in figure.url)
    page = owner_client.get(url).content.decode()
    assert "Newly on the list by the import x.csv" in page
    assert "1 more was deleted since, or is not so any more" in page


def test_no_more_is_read_than_the_check_reads(
    file: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importchecks, "CHECKED_WEIGHT", 130)  # two lines
    assert importchecks.check(file).counts["rows"] == 2
    assert numbers(checkedlines.of(file, "new")) == [2]
    assert numbers(checkedlines.of(file, "new", rows=None)) == [2, 8, 9]
