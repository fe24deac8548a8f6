"""The pages of suppressions: patterns, one suppression, and the question why no mail goes out."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User, Workspace
from accounts.permissions import Role
from bounces.models import BounceMail, BounceMailbox
from contacts.models import Contact, Suppression
from contacts.provenance import BY_HAND, Source
from contacts.services import suppressions as service
from contacts.services.suppressions import Wanted
from contacts.suppressionlines import Entry
from pages import locales
from sending.models import Event, Message
from tests.contacts.test_pages import undo
from tests.factories import make_contact

pytestmark = pytest.mark.django_db

EMAIL = "lee@x.example"
Page = Callable[..., str]


@pytest.fixture
def get(owner_client: Client) -> Page:
    def get(name: str, /, *args: int, **query: str) -> str:
        answer = owner_client.get(reverse(name, args=["brand", *args]), query)
        assert answer.status_code == 200
        return " ".join(answer.content.decode().split())

    return get


@pytest.fixture
def post(owner_client: Client) -> Page:
    def post(name: str, /, *args: int, **data: str) -> str:
        answer = owner_client.post(reverse(name, args=["brand", *args]), data, follow=True)
        assert answer.status_code == 200
        return " ".join(answer.content.decode().split())

    return post


def put(workspace: Workspace | None, kind: str, value: str, **values: object) -> Suppression:
    wanted = Wanted(Entry(kind, value), **values)  # type: ignore[arg-type]
    service.add(workspace, [wanted], source=BY_HAND, by=None)
    return Suppression.objects.latest("pk")


# Patterns ----------------------------------------------------------------------------------------


def test_a_pattern_is_confirmed_with_the_number_of_contacts(
    workspace: Workspace, post: Page, get: Page, owner_client: Client
) -> None:
    for name in ("noreply", "noreply-2", "ann"):
        make_contact(workspace, f"{name}@x.example")
    lines = "noreply*@*\r\nb@x.example\r\n*@*.y.example"
    page = post("add_suppressions", lines=lines)
    assert not Suppression.objects.exists()
    assert re.search(r"noreply\*@\*</td> <td class=\"text-end\">\s*2 of 3", page)
    assert re.search(r"\*@\*.y.example</td> <td class=\"text-end\">\s*0 of 3", page)
    confirmed = re.search(r'name="confirmed" value="([^"]*)"', page)
    assert confirmed
    given = confirmed[1]
    # Another pattern than the confirmed ones is asked about again.
    page = post("add_suppressions", lines=f"{lines}\r\n*@*.z.example", confirmed=given)
    assert not Suppression.objects.exists()
    page = post("add_suppressions", lines=lines, confirmed=given)
    assert "3 suppressions added." in page
    assert "noreply*@*" in get("suppressions", kind="pattern")
    assert "b@x.example" not in get("suppressions", kind="pattern")
    assert "2 suppressions removed" not in undo(owner_client, page)
    assert not Suppression.objects.exists()


def test_a_pattern_that_matches_everybody_is_refused(workspace: Workspace, post: Page) -> None:
    Contact.objects.bulk_create(
        Contact(workspace=workspace, email=f"a{n}@x.example") for n in range(10)
    )
    assert "nearly everybody" in post("add_suppressions", lines="*@*")
    page = post("add_suppressions", lines="*@*.exa*", confirmed="*@*.exa*")
    assert "3 suppressions added." not in page
    page = post("add_suppressions", lines="a*@x.*")
    assert "matches all of your 10 contacts" in page
    assert 'name="confirmed"' not in page


# How long ----------------------------------------------------------------------------------------


def test_added_with_an_end(post: Page, get: Page) -> None:
    page = post("add_suppressions", lines=EMAIL, until="2020-01-31")
    assert "This day is over." in page
    day = timezone.localdate() + timedelta(days=30)
    post("add_suppressions", lines=EMAIL, until=day.isoformat(), reason="complained")
    one = Suppression.objects.get()
    assert one.until is not None
    assert timezone.localtime(one.until).date() == day
    assert one.reason == "complained"
    assert f"until {locales.day(day)}" in get("suppressions")
    Suppression.objects.update(until=timezone.now() - timedelta(days=1))
    assert EMAIL not in get("suppressions")
    assert "ended " in get("suppressions", lifted="1")


def test_note_and_end_of_one(workspace: Workspace, post: Page, get: Page) -> None:
    one = put(workspace, "address", EMAIL)
    day = (timezone.localdate() + timedelta(days=9)).isoformat()
    page = post("edit_suppression", one.pk, note="Asked by phone\r\ntwice", until=day)
    assert "Saved." in page
    assert "Asked by phone" in get("suppressions")
    one.refresh_from_db()
    assert one.until is not None
    assert one.note == "Asked by phone\r\ntwice"
    assert "This day is over." in post("edit_suppression", one.pk, until="2020-01-01", note="x")
    # There is one that lasts meanwhile: nothing typed is lost.
    put(workspace, "address", EMAIL)
    page = post("edit_suppression", one.pk, note="new", until="")
    assert "once more" in page
    assert ">new</textarea>" in page.replace("> new", ">new")
    one.refresh_from_db()
    assert one.note == "Asked by phone\r\ntwice"


def test_a_viewer_reads_and_changes_nothing(
    workspace: Workspace, make_member: Callable[..., User]
) -> None:
    one = put(workspace, "address", EMAIL, note="for colleagues")
    client = Client()
    client.force_login(make_member(workspace, Role.VIEWER))
    page = client.get(reverse("suppression", args=["brand", one.pk]))
    assert "for colleagues" in page.content.decode()
    assert "<textarea" not in page.content.decode()
    answer = client.post(reverse("edit_suppression", args=["brand", one.pk]), {"note": "x"})
    assert answer.status_code == 403


def test_nobody_sees_those_of_another_workspace(
    other_workspace: Workspace, owner_client: Client
) -> None:
    for one in (put(other_workspace, "address", EMAIL), put(None, "address", EMAIL)):
        for name in ("suppression", "edit_suppression"):
            answer = owner_client.get(reverse(name, args=["brand", one.pk]))
            assert answer.status_code == 404
        owner_client.post(reverse("lift_suppressions", args=["brand"]), {"pk": one.pk})
        page = owner_client.get(reverse("suppressions", args=["brand"]), {"id": one.pk})
        assert EMAIL not in page.content.decode()
    assert not Suppression.objects.exclude(lifted_at=None).exists()


# Evidence ----------------------------------------------------------------------------------------


def test_the_report_is_the_evidence(
    workspace: Workspace, mailbox: BounceMailbox, sent: Callable[..., list[Message]], get: Page
) -> None:
    [message] = sent(EMAIL)
    mail = BounceMail.objects.create(
        mailbox=mailbox, uid_validity=1, uid=1, message=message, detail="550 5.1.1 no such user"
    )
    Event.objects.create(
        mailing=message.mailing, message=message, kind="hard_bounced", at=timezone.now()
    )
    service.suppress_addresses(
        workspace,
        [(EMAIL, "550")],
        reason="hard_bounced",
        source=Source("campaign", 7),
        messages={EMAIL: message.pk},
    )
    page = get("suppression", Suppression.objects.get().pk)
    assert reverse("bounce", args=["brand", mail.pk]) in page
    assert "550 5.1.1 no such user" in page


# Why no mail -------------------------------------------------------------------------------------


def test_the_page_says_why(workspace: Workspace, get: Page) -> None:
    lee = make_contact(workspace, EMAIL)
    one = put(workspace, "pattern", "lee*@*")
    put(None, "domain", "x.example")
    page = get("why_no_mail", q=EMAIL)
    assert reverse("suppression", args=["brand", one.pk]) in page
    assert reverse("contact", args=["brand", lee.pk]) in page
    assert "Only those who run this installation can lift it." in page
    assert "Nothing stops mail" not in page
    make_contact(workspace, "ann@y.example")
    assert "Nothing stops mail" in get("why_no_mail", q="ann@y.example")
    assert "No contact of this workspace" in get("why_no_mail", q="bo@y.example")
    assert "is not an address" in get("why_no_mail", q="<b>x")
    assert "why-address" in get("why_no_mail")
    # The page of the contact says the same, and offers no lift of what is not the workspace's.
    page = get("contact", lee.pk)
    assert "Addresses like lee*@* get no mail." in page
    assert "For the whole installation" in page
    assert page.count('data-dialog="lift-') == 1


def test_an_erased_person_is_found_by_the_whole_address_alone(
    workspace: Workspace, get: Page
) -> None:
    service.add_erased(workspace, EMAIL, source=BY_HAND, by=None)
    digest = Suppression.objects.get().value
    assert "an erased person" in get("suppressions", q=f" {EMAIL.upper()} ")
    assert "an erased person" not in get("suppressions", q="lee@")
    assert "an erased person" not in get("suppressions", q=digest[:8])
    for page in (get("suppressions"), get("suppression", Suppression.objects.get().pk)):
        assert "an erased person" in page
        assert digest not in page
    assert EMAIL not in get("suppressions")
    assert "asked to be erased" in get("why_no_mail", q=EMAIL)
