"""The mails of a person in the file about the person."""

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pypdf import PdfReader

from accounts.models import Workspace
from contacts.models import Contact
from contacts.services import contactmerge, personfiles
from contacts.services.contactmerge import Values
from sending.models import Event, LeftOut, Message
from sending.services import blocks as turning
from tests import factories
from tests.sending.test_retention import finish, run

State = Message.State


def read(workspace: Workspace, address: str) -> dict[str, Any]:
    file = personfiles.of(workspace, address)
    found: dict[str, Any] = json.loads(b"".join(personfiles.as_json(file)))["sections"]
    return found


def read_pdf(workspace: Workspace, address: str) -> str:
    out = BytesIO()
    personfiles.write_pdf(personfiles.of(workspace, address), out)
    out.seek(0)
    return " ".join(page.extract_text() for page in PdfReader(out).pages)


@pytest.fixture
def lan(workspace: Workspace) -> Contact:
    return factories.make_contact(workspace, "lan@b.example")


def mail(workspace: Workspace, contact: Contact, subject: str, **values: Any) -> Message:
    content = factories.make_content(workspace, subject=subject)
    mailing = factories.make_mailing(workspace, content=content, state="finished")
    known = {"settled_at": timezone.now(), "state": State.ACCEPTED, "address": contact.email}
    return Message.objects.create(mailing=mailing, contact_id=contact.pk, **(known | values))


@pytest.mark.django_db
def test_mails_with_state_words_and_events(workspace: Workspace, lan: Contact) -> None:
    sent = mail(workspace, lan, "春季 {{ name }}", reply="250 ok")
    for kind in ("opened", "soft_bounced"):
        Event.objects.create(
            mailing=sent.mailing,
            message=sent,
            contact_id=lan.pk,
            kind=kind,
            at=timezone.now(),
            detail="452 full" if kind == "soft_bounced" else "",
        )
    mail(workspace, lan, "Second", state=State.FAILED, reason="expired", reply="451 later")
    other = factories.make_contact(workspace, "other@b.example")
    mail(workspace, other, "Not theirs")
    out = mail(workspace, other, "Third").mailing
    LeftOut.objects.create(mailing=out, contact_id=lan.pk, address=lan.email, reason="no_list")
    found = read(workspace, lan.email)
    second, first = found["mails"]
    assert (first["subject"], first["state"], first["words"]) == ("春季 …", "accepted", "250 ok")
    assert {one["kind"]: one["words"] for one in first["events"]} == {
        "opened": "",
        "soft_bounced": "452 full",
    }
    assert (second["state"], second["reason"]) == ("failed", "expired")
    assert [(one["subject"], one["reason"]) for one in found["left_out"]] == [("Third", "no_list")]
    text = " ".join(read_pdf(workspace, lan.email).split())
    for words in ("春季 …", "Accepted", "452 full", "Not accepted before its time ran out"):
        assert words in text
    assert "The server said: 451 later" in text
    assert "Not theirs" not in text


@pytest.mark.django_db
def test_mails_to_a_merged_contact(workspace: Workspace, lan: Contact) -> None:
    other = factories.make_contact(workspace, "old@b.example")
    mail(workspace, other, "To the old one")
    contactmerge.merge(lan, other, Values({}, {}))
    (only,) = read(workspace, lan.email)["mails"]
    assert (only["subject"], only["address"]) == ("To the old one", "old@b.example")


@pytest.mark.django_db
def test_a_deleted_contact_is_found_by_the_address(
    owner_client: Client, workspace: Workspace, lan: Contact
) -> None:
    mail(workspace, lan, "Before")
    owner_client.post(f"/w/brand/contacts/{lan.pk}/delete/")
    assert [one["subject"] for one in read(workspace, lan.email)["mails"]] == ["Before"]


@pytest.mark.django_db
def test_many_mails_take_few_queries(
    workspace: Workspace, lan: Contact, django_assert_max_num_queries: Any
) -> None:
    sent = mail(workspace, lan, "Many")
    Message.objects.bulk_create(
        Message(
            mailing=sent.mailing,
            contact_id=lan.pk,
            address=lan.email,
            state=State.ACCEPTED,
            repeats=True,
        )
        for _ in range(1_100)
    )
    with django_assert_max_num_queries(60):
        assert len(read(workspace, lan.email)["mails"]) == 1_101


@pytest.mark.django_db(transaction=True)
def test_mails_whose_details_were_dropped(
    workspace: Workspace, sent: Callable[..., list[Message]]
) -> None:
    mine, theirs = sent("new@x.example", "old@x.example")
    finish(mine.mailing)
    turning.turn()
    run("--no-input")
    assert not Message.objects.filter(pk=mine.pk).exists()
    (only,) = read(workspace, mine.address)["old_mails"]
    assert (only["state"], only["subject"]) == ("accepted", "Hello")
    assert only["dropped_at"]
    kept, other = (Contact.objects.get(email=one.address) for one in (mine, theirs))
    contactmerge.merge(kept, other, Values({}, {}))
    assert len(read(workspace, kept.email)["old_mails"]) == 2
