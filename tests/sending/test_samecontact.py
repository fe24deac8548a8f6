"""Contacts are merged: nobody gets a mail twice, and old mails are those of the one contact."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Contact, List, Subscription
from contacts.services import contactmerge
from contacts.services.contactmerge import MergeError, Values
from contacts.timeline import entries
from sending.compose import tokens
from sending.models import LeftOut, Mailing, Message
from sending.models.mailings import Freezing
from sending.queries import past, samecontact
from sending.services import blocks as turning
from tests import factories
from tests.sending.test_retention import finish, run
from tracking.services import persons

pytestmark = pytest.mark.django_db
NOTHING = Values({}, {})
State = Message.State


@pytest.fixture
def kept(workspace: Workspace) -> Contact:
    return factories.make_contact(workspace, "new@b.example")


@pytest.fixture
def other(workspace: Workspace) -> Contact:
    return factories.make_contact(workspace, "old@b.example")


def mail(mailing: Mailing, contact: Contact, state: State) -> Message:
    return Message.objects.create(
        mailing=mailing, contact_id=contact.pk, address=contact.email, state=state
    )


W, A, F, S, U = (
    *(State.WAITING, State.ACCEPTED, State.FAILED),
    *(State.SKIPPED, State.UNKNOWN),
)
# (state of the mailing, of the message of the one that stays, of the other, whether both wait)
OBSTACLES = [
    *(("sending", W, theirs, True) for theirs in (W, A, F, S, U)),
    *(("sending", mine, W, True) for mine in (None, A, F, S, U)),
    ("paused", W, A, True),
    ("paused", None, W, True),
    ("sending", W, None, False),
    ("sending", A, A, False),
    ("sending", U, F, False),
    *((over, W, W, False) for over in ("finished", "cancelled")),
]


@pytest.mark.parametrize(("state", "mine", "theirs", "waits"), OBSTACLES)
def test_a_mailing_that_may_still_send(  # noqa: PLR0917 - fixtures and cases
    workspace: Workspace,
    kept: Contact,
    other: Contact,
    state: str,
    mine: State | None,
    theirs: State | None,
    waits: bool,
) -> None:
    mailing = factories.make_mailing(workspace, state=state)
    for contact, one in ((kept, mine), (other, theirs)):
        if one is not None:
            mail(mailing, contact, one)
    # Messages of another contact say nothing.
    mail(mailing, factories.make_contact(workspace, "c@b.example"), W)
    assert (samecontact.open_mailing_of(kept, other) is not None) == waits


def test_a_mailing_whose_audience_is_not_complete(
    workspace: Workspace, kept: Contact, other: Contact
) -> None:
    mailing = factories.make_mailing(workspace)
    Freezing.objects.create(mailing=mailing, next_id=1, last_id=9, width=9)
    with pytest.raises(MergeError, match="still being sent"):
        contactmerge.merge(kept, other, NOTHING)
    assert Contact.objects.filter(pk=other.pk).exists()


def test_another_workspace_sends(other_workspace: Workspace, kept: Contact, other: Contact) -> None:
    mailing = factories.make_mailing(other_workspace)
    Freezing.objects.create(mailing=mailing, next_id=1, last_id=9, width=9)
    assert samecontact.open_mailing_of(kept, other) is None


def test_the_page_says_why(
    owner_client: Client, workspace: Workspace, kept: Contact, other: Contact
) -> None:
    mail(factories.make_mailing(workspace), other, W)
    url = f"/w/brand/contacts/{kept.pk}/merge/{other.pk}/"
    for answer in (owner_client.get(url), owner_client.post(url)):
        assert "is still being sent to one of both" in answer.content.decode()


def test_mails_of_both_are_in_the_timeline(
    workspace: Workspace, kept: Contact, other: Contact
) -> None:
    for number, contact in enumerate((kept, other)):
        content = factories.make_content(workspace, subject=f"Mail {number}")
        mailing = factories.make_mailing(workspace, content=content, state="finished")
        mail(mailing, contact, A)
        LeftOut.objects.create(
            mailing=mailing, contact_id=contact.pk, address="x@b.example", reason="gone"
        )
    contactmerge.merge(kept, other, NOTHING)
    titles = " ".join(str(entry.title) for entry in entries(kept))
    assert titles.count("Mail 0") == 2
    assert titles.count("Mail 1") == 2
    assert contactmerge.mails(kept) == 2


def test_an_old_mail_unsubscribes_the_one(
    workspace: Workspace, kept: Contact, other: Contact
) -> None:
    news = List.objects.create(workspace=workspace, name="News")
    for contact in (kept, other):
        Subscription.objects.create(list=news, contact=contact)
    mailing = factories.make_mailing(workspace, state="finished", lists=[news.pk])
    message = mail(mailing, other, A)
    contactmerge.merge(kept, other, NOTHING)
    person = persons.of(Message.objects.get(pk=message.pk))
    assert (person.own, person.present) == (kept, "new@b.example")
    assert person.addresses == {"new@b.example", "old@b.example"}
    Client().post(f"/e/u/{tokens.make(message.pk)}")
    assert Subscription.objects.get(contact=kept).status == "unsubscribed"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", ["dropped", "merged"])
def test_old_mails_whose_detail_is_dropped(
    workspace: Workspace, sent: Callable[..., list[Message]], first: str
) -> None:
    messages = {one.address: one for one in sent("new@x.example", "old@x.example")}
    mine, theirs = messages["new@x.example"], messages["old@x.example"]
    finish(mine.mailing)
    turning.turn()
    kept, other = (Contact.objects.get(email=one.address) for one in (mine, theirs))
    if first == "dropped":
        run("--no-input")
    contactmerge.merge(kept, other, NOTHING)
    if first == "merged":
        run("--no-input")
    assert not Message.objects.filter(pk=theirs.pk).exists()
    found = past.find([mine.pk, theirs.pk])
    assert found[mine.pk].address == "new@x.example"
    assert (found[theirs.pk].contact_id, found[theirs.pk].address) == (kept.pk, "old@x.example")
    person = persons.of(found[theirs.pk])
    assert (person.own, person.addresses) == (kept, {"new@x.example", "old@x.example"})
    assert timezone.now() - kept.created_at < timedelta(days=1)
