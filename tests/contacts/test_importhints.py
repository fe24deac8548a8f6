"""Hints of the check: they change nothing, and each opens its lines."""

import re
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Workspace
from contacts import tasks
from contacts.models import Contact, Import, MailDomain
from contacts.services import importchoices, importhints, importrun, imports, importuploads

pytestmark = pytest.mark.django_db(transaction=True)

DATA = (
    "email\n"
    "ann@gamil.com\n"  # line 2
    "bo@qq.con\n"
    "cy@gmail.com\n"
    "info@brand.example\n"  # line 5
    "dee@mailinator.com\n"
    "no-reply+x@gmail.com\n"
    "eve@nowhere.example\n"  # line 8
    "wrong\n"
    "fay@GAMIL.com\n"  # line 10
)
EXPECTED = {"typo": [2, 3, 10], "nomail": [8], "disposable": [6], "role": [5, 7]}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The imports whose domains a worker is to look up."""
    told: list[int] = []
    monkeypatch.setattr(tasks.look_up_domains, "delay", told.append)
    return told


@pytest.fixture
def file(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, told: list[int]) -> Import:
    monkeypatch.setattr(importrun, "BATCH", 4)
    file = importuploads.receive(
        workspace, filename="x.csv", pieces=[DATA.encode()], by=None, limit=1 << 20
    )
    importchoices.configure(
        file,
        dialect=file.dialect,
        mapping=file.mapping,
        target=None,
        consent="explicit",
        known="fill",
    )
    return file


def answer(domain: str, what: str) -> None:
    MailDomain.objects.create(domain=domain, answer=what, looked_at=timezone.now())


def check(client: Client, file: Import) -> str:
    url = reverse("import_check", args=["brand", file.pk])
    return client.get(url).content.decode()


def test_each_hint_has_its_number_and_its_lines(
    file: Import, owner_client: Client, told: list[int]
) -> None:
    answer("nowhere.example", "none")
    answer("brand.example", "unknown")
    page = re.sub(r"\s+", " ", check(owner_client, file))
    assert "3 addresses have a domain that may be mistyped" in page
    assert "gamil.com (meant: gmail.com?), qq.con (meant: qq.com?)" in page
    assert "1 address has a domain without a mail server" in page
    assert "1 address is of a service for throwaway addresses" in page
    assert "2 addresses belong to a role rather than a person" in page
    assert "These people are imported all the same." in page
    assert told == [file.pk]
    links = map(unescape, re.findall(r'href="([^"]*/check/lines/[^"]*)"', page))
    of_hints = {link for link in links if link.partition("of=")[2].partition("&")[0] in EXPECTED}
    assert len(of_hints) == len(EXPECTED)
    for link in of_hints:
        kind = link.partition("of=")[2].partition("&")[0]
        html = owner_client.get(f"{link}&now=1").content.decode()
        lines = re.findall(r'<td class="num" data-label="Line">(\d+)</td>', html)
        assert list(map(int, lines)) == EXPECTED[kind], kind


def test_nobody_is_left_out(file: Import, owner_client: Client) -> None:
    answer("nowhere.example", "none")
    check(owner_client, file)
    imports.start(file, enqueue=None)
    while importrun.run(file.pk):
        pass
    assert Contact.objects.count() == 8


def test_the_hints_are_loaded_anew_until_dns_has_answered(
    file: Import, owner_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = reverse("import_hints", args=["brand", file.pk])
    assert f'hx-get="{at}"' in check(owner_client, file)
    waiting = owner_client.get(at).content.decode()
    assert "Looking for mail servers" in waiting
    assert "without a mail server" not in waiting
    file.refresh_from_db()
    asked = [domain for domain, _people in file.hints["domains"]]
    assert set(asked) == {
        "gamil.com", "qq.con", "brand.example", "mailinator.com", "nowhere.example",
    }  # fmt: skip
    for domain in asked:
        answer(domain, "none" if domain == "nowhere.example" else "mail")
    ended = owner_client.get(at).content.decode()
    assert "1 address has a domain without a mail server" in re.sub(r"\s+", " ", ended)
    assert "hx-get" not in ended
    # Without answers, the page doesn't wait for ever.
    MailDomain.objects.all().delete()
    monkeypatch.setattr(importhints, "WAIT", -1)
    assert "Looking for mail servers" not in owner_client.get(at).content.decode()


def test_a_domain_of_many_contacts_is_no_typo(
    file: Import, workspace: Workspace, owner_client: Client
) -> None:
    Contact.objects.bulk_create(
        Contact(workspace=workspace, email=f"p{n}@gamil.com") for n in range(6)
    )
    page = re.sub(r"\s+", " ", check(owner_client, file))
    assert "1 address has a domain that may be mistyped" in page
    assert "gamil.com (meant" not in page


def test_a_file_without_anything_odd_gets_no_hints(
    workspace: Workspace, owner_client: Client, told: list[int]
) -> None:
    file = importuploads.receive(
        workspace, filename="x.csv", pieces=[b"email\na@gmail.com\n"], by=None, limit=1 << 20
    )
    assert "Worth a look" not in check(owner_client, file)
    assert told == []


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importhints, "MOST", 3)
    tally = importhints.DomainTally()
    for _batch in range(2):
        tally.add([(f"d{n}.example", 1, 0) for n in range(9)])
    assert tally.others == {f"d{n}.example": 2 for n in range(3)}
