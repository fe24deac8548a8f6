"""Whoever said no gets no mail, whatever became of their address: real mails, from one campaign to
the next (tests/cases/mail/10-unsubscribe-after-address-change.txt)."""
# ruff: noqa: PLR0917 - fixtures and cases

import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from campaigns.models import Campaign
from contacts.models import Contact, List, Subscription, Suppression
from contacts.provenance import BY_HAND, Source
from contacts.services import contacts as contact_service
from contacts.services import lists
from tests.contacts.test_imports import chosen, ran, received
from tests.mailservers.sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)
OLD, NEW = "carol.old@people.example", "carol.new@people.example"
WITNESS = "witness@other.example"
FORM = "application/x-www-form-urlencoded"
Go = Callable[..., list[str]]


@pytest.fixture
def news(workspace: Workspace) -> List:
    return lists.create(workspace, name="L")


@pytest.fixture
def other(workspace: Workspace) -> List:
    return lists.create(workspace, name="Other")


@pytest.fixture
def carol(workspace: Workspace, news: List) -> Contact:
    person = Contact.objects.create(workspace=workspace, email=OLD)
    Subscription.objects.create(list=news, contact=person, **Source("import", 1).columns)
    return person


@pytest.fixture
def witness(workspace: Workspace) -> Contact:
    return Contact.objects.create(workspace=workspace, email=WITNESS)


@pytest.fixture
def go(
    start: Callable[..., Campaign],
    send: Callable[[], None],
    sink: Sink,
    news: List,
    witness: Contact,
) -> Go:
    """Sends a campaign to the list (or others) and tells which addresses got it, besides somebody
    who is always there."""

    def make(*to: List) -> list[str]:
        before, targets = len(sink.mails), list(to or (news,))
        lists.subscribe(targets[0], Contact.objects.filter(pk=witness.pk), source=BY_HAND)
        start(name="Spring", lists_in=targets)
        send()
        got = sorted(recipient for _sender, recipient, _mail in sink.mails[before:])
        got.remove(WITNESS)
        return got

    return make


def link(sink: Sink, number: int = 0) -> str:
    """The path that List-Unsubscribe of Carol's mail names."""
    mails = [mail for _sender, recipient, mail in sink.mails if recipient != WITNESS]
    found = re.search(rb"List-Unsubscribe: <([^>]+)>", mails[number])
    assert found
    return urlsplit(found[1].decode()).path


def edit(client: Client, person: Contact, email: str) -> str:
    """A member changes the address on the contact's page."""
    url = reverse("edit_contact", args=["brand", person.pk])
    answer = client.post(url, {"email": email}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def one_click(sink: Sink, number: int = 0) -> str:
    public = Client(enforce_csrf_checks=True)
    answer = public.post(link(sink, number), "List-Unsubscribe=One-Click", content_type=FORM)
    assert answer.status_code == 200
    return answer.content.decode()


def press(sink: Sink, action: str, number: int = 0) -> str:
    """What a person sees after a button of the page."""
    public = Client(enforce_csrf_checks=True)
    return public.post(link(sink, number), {"action": action}, follow=True).content.decode()


def suppressed() -> set[str]:
    return set(Suppression.objects.filter(lifted_at=None).values_list("value", flat=True))


@pytest.mark.parametrize("action", ["", "lists", "everything"])
def test_case_10_the_person_left_not_the_address(
    go: Go, carol: Contact, owner_client: Client, sink: Sink, news: List, action: str
) -> None:
    assert go() == [OLD]
    edit(owner_client, carol, NEW)
    words = press(sink, action) if action else one_click(sink)
    assert "You are unsubscribed" in words or "You will get no more mail from us" in words
    # Who opens the old mail may be somebody else by now: the new address is told to nobody.
    assert NEW not in words
    assert news.subscriptions.exclude(contact__email=WITNESS).get().status == "unsubscribed"
    assert OLD in suppressed()
    assert (NEW in suppressed()) == (action == "everything")
    assert go() == []


def test_the_page_promises_no_more_than_it_does(
    go: Go, carol: Contact, owner_client: Client, sink: Sink, news: List, other: List
) -> None:
    Subscription.objects.create(list=other, contact=carol)
    go()
    edit(owner_client, carol, NEW)
    assert "You will get no more mail" not in one_click(sink)
    assert go(other) == [NEW]
    assert "You will get no more mail" in press(sink, "everything")
    assert go(other) == []


@pytest.mark.slow
def test_the_address_changed_twice_and_came_back(
    go: Go, carol: Contact, owner_client: Client, sink: Sink
) -> None:
    go()
    edit(owner_client, carol, "carol.2@people.example")
    assert go() == ["carol.2@people.example"]
    edit(owner_client, carol, "carol.3@people.example")
    press(sink, "everything", 0)
    assert suppressed() == {OLD, "carol.2@people.example", "carol.3@people.example"}
    edit(owner_client, carol, "carol.4@people.example")
    assert go() == []
    edit(owner_client, carol, OLD)
    assert go() == []


def test_who_has_the_old_address_now_is_left_alone_as_well(
    go: Go, workspace: Workspace, carol: Contact, owner_client: Client, sink: Sink, other: List
) -> None:
    """The mail lies in that mailbox: whoever opens it said no for it."""
    go()
    edit(owner_client, carol, NEW)
    heir = Contact.objects.create(workspace=workspace, email=OLD)
    for target in (other, carol.subscriptions.get().list):
        Subscription.objects.create(list=target, contact=heir)
    one_click(sink)
    assert go() == []
    assert go(other) == []


def test_who_is_on_no_list_any_more_is_suppressed_whoever_has_the_old_address(
    go: Go, workspace: Workspace, carol: Contact, owner_client: Client, sink: Sink, news: List,
    other: List,
) -> None:  # fmt: skip
    go()
    edit(owner_client, carol, NEW)
    carol.subscriptions.update(list=other)
    heir = Contact.objects.create(workspace=workspace, email=OLD)
    Subscription.objects.create(list=news, contact=heir)
    one_click(sink)
    assert go() == []
    assert go(other) == []


def test_someone_elses_later_address_stays_as_it_is(
    go: Go, workspace: Workspace, carol: Contact, owner_client: Client, sink: Sink, news: List
) -> None:
    """Carol's second address was given to another contact, who said nothing."""
    go()
    edit(owner_client, carol, "desk@people.example")
    go()
    edit(owner_client, carol, NEW)
    heir = Contact.objects.create(workspace=workspace, email="desk@people.example")
    Subscription.objects.create(list=news, contact=heir)
    press(sink, "everything", 0)
    assert go() == ["desk@people.example"]


@pytest.mark.parametrize("changed", [False, True])
def test_deleted_and_imported_again(
    go: Go, workspace: Workspace, carol: Contact, owner_client: Client, sink: Sink, news: List,
    changed: bool,
) -> None:  # fmt: skip
    go()
    if changed:
        edit(owner_client, carol, NEW)
        go()
    contact_service.delete(Contact.objects.filter(pk=carol.pk))
    ran(chosen(received(workspace, f"email\n{NEW if changed else OLD}\n"), target=news))
    assert news.subscriptions.exclude(contact__email=WITNESS).get().status == "subscribed"
    one_click(sink)
    assert news.subscriptions.exclude(contact__email=WITNESS).get().status == "unsubscribed"
    assert go() == []


@pytest.mark.parametrize("everything", [False, True])
def test_left_then_deleted_and_imported_again(
    go: Go, workspace: Workspace, carol: Contact, sink: Sink, news: List, everything: bool
) -> None:
    go()
    press(sink, "everything" if everything else "lists")
    contact_service.delete(Contact.objects.filter(pk=carol.pk))
    stop = Suppression.objects.get()
    assert (stop.value, stop.reason) == (OLD, "unsubscribed")
    assert stop.source.kind == "campaign"
    counts = ran(chosen(received(workspace, f"email\n{OLD}\n"), target=news))
    assert counts["suppressed"] == 1
    assert go() == []


def test_deleted_and_nobody_is_there(
    go: Go, workspace: Workspace, carol: Contact, sink: Sink, news: List
) -> None:
    go()
    contact_service.delete(Contact.objects.filter(pk=carol.pk))
    assert "You will get no more mail" in one_click(sink)
    ran(chosen(received(workspace, f"email\n{OLD}\n"), target=news))
    assert go() == []


# The address changes after the person said no ----------------------------------------------------


@pytest.mark.parametrize("reason", ["unsubscribed", "complained", "manual"])
def test_a_suppression_goes_with_the_person(
    go: Go, workspace: Workspace, carol: Contact, owner_client: Client, reason: str
) -> None:
    Suppression.objects.create(
        workspace=workspace,
        kind="address",
        value=OLD,
        reason=reason,
        **Source("campaign", 3).columns,
    )
    page = edit(owner_client, carol, NEW)
    assert "This address gets no mail." in page
    assert f"{OLD} → {NEW}" in page
    assert go() == []
    stop = Suppression.objects.get(value=NEW)
    assert (stop.reason, stop.source) == (reason, Source("campaign", 3))
    assert OLD in suppressed()


def test_a_bounce_stays_with_the_address(
    go: Go, workspace: Workspace, carol: Contact, owner_client: Client
) -> None:
    Suppression.objects.create(
        workspace=workspace, kind="address", value=OLD, reason="hard_bounced"
    )
    edit(owner_client, carol, NEW)
    assert go() == [NEW]
    assert suppressed() == {OLD}


def test_an_import_of_the_old_address_does_not_revive_it(
    go: Go, workspace: Workspace, carol: Contact, owner_client: Client, sink: Sink, news: List
) -> None:
    go()
    one_click(sink)
    edit(owner_client, carol, NEW)
    ran(chosen(received(workspace, f"email\n{OLD}\n"), target=news))
    assert go() == []
    assert Suppression.objects.get().source == Source("contact", carol.pk)


def test_a_change_by_mistake_leaves_nothing_behind(
    go: Go, carol: Contact, owner_client: Client, sink: Sink, news: List, other: List
) -> None:
    Subscription.objects.create(list=other, contact=carol)
    go()
    one_click(sink)
    edit(owner_client, carol, NEW)
    assert suppressed() == {OLD}
    edit(owner_client, carol, OLD)
    assert suppressed() == set()
    assert go(other) == [OLD]


def test_left_while_a_mail_to_the_old_address_waits(
    go: Go, carol: Contact, owner_client: Client, sink: Sink, news: List,
    start: Callable[..., Campaign], send: Callable[[], None],
) -> None:  # fmt: skip
    go()
    campaign = start(name="Waits", lists_in=[news])
    edit(owner_client, carol, NEW)
    press(sink, "everything")
    before = len(sink.mails)
    send()
    assert [recipient for _sender, recipient, _mail in sink.mails[before:]] == [WITNESS]
    mailing = campaign.mailing
    assert mailing
    assert mailing.tally.skipped == 1


# Taking it back ----------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["lists", "everything"])
def test_undo_follows_the_person(
    go: Go, carol: Contact, owner_client: Client, sink: Sink, action: str
) -> None:
    go()
    edit(owner_client, carol, NEW)
    press(sink, action)
    edit(owner_client, carol, "carol.3@people.example")
    assert "I did not mean to" not in press(sink, "undo")
    assert go() == ["carol.3@people.example"]


def test_undo_is_for_one_day(go: Go, carol: Contact, sink: Sink, news: List) -> None:
    go()
    press(sink, "everything")
    for rows, name in ((Suppression.objects, "created_at"), (Subscription.objects, "changed_at")):
        for row in rows.all():
            moment = getattr(row, name) - timedelta(hours=24, minutes=1)
            rows.filter(pk=row.pk).update(**{name: moment})
    words = press(sink, "undo")
    assert news.subscriptions.exclude(contact__email=WITNESS).get().status == "unsubscribed"
    assert OLD in suppressed()
    assert "I did not mean to" not in words
    assert "more than a day ago" in words
    assert "news@brand.example" in words
    assert go() == []


@pytest.mark.usefixtures("carol")
def test_a_suppressed_domain_is_told(go: Go, workspace: Workspace, sink: Sink) -> None:
    go()
    Suppression.objects.create(
        workspace=workspace, kind="domain", value="people.example", reason="manual"
    )
    asked = Client().get(link(sink)).content.decode()
    assert "You will get no more mail from us" in asked
    assert "Brand sends no mail to any address at people.example." in asked
    # The domain may be lifted some day: who wants to leave can.
    assert "What would you like to stop?" in asked
    assert "Brand sends no mail to any address at people.example." in one_click(sink)
    back = press(sink, "undo")
    assert "You will get no more mail from us" in back
    assert "even if you are on a list, no mail comes" in back
    assert go() == []


@pytest.mark.usefixtures("carol")
def test_another_reason_is_told_and_stays(go: Go, workspace: Workspace, sink: Sink) -> None:
    go()
    Suppression.objects.create(
        workspace=workspace,
        kind="address",
        value=OLD,
        reason="complained",
        **Source("campaign", 3).columns,
    )
    one_click(sink)
    back = press(sink, "undo")
    assert "reported as spam" in back
    assert "You will get no more mail from us" in back
    assert go() == []


def test_another_workspace_is_not_touched(
    go: Go, carol: Contact, other_workspace: Workspace, sink: Sink
) -> None:
    there = Contact.objects.create(workspace=other_workspace, email=OLD)
    theirs = List.objects.create(workspace=other_workspace, name="L")
    Subscription.objects.create(list=theirs, contact=there)
    go()
    press(sink, "everything")
    assert theirs.subscriptions.get().status == "subscribed"
    assert not Suppression.objects.filter(workspace=other_workspace).exists()


def linked(mail: bytes, kind: str) -> str:
    """The path of the mail's link /e/<kind>/…"""
    found = re.search(
        rb"https?://\S+?(/e/" + kind.encode() + rb"/[0-9a-f]+)", mail.replace(b"=\r\n", b"")
    )
    assert found
    return found[1].decode()


def test_what_a_person_chose_holds_for_the_next_campaigns(
    go: Go, client: Client, sink: Sink, carol: Contact, news: List, other: List
) -> None:
    """Leaves a list by the preferences, pauses, and comes back, by links of real mails."""
    assert go() == [OLD]
    content = next(mail for _from, to, mail in sink.mails if to == OLD)
    path = linked(content, "u").replace("/u/", "/s/")
    save = {"action": "save", "shown": [news.pk], "list": [news.pk]}
    client.post(path, {**save, "pause": "1"})
    assert go() == []
    client.post(path, {**save, "pause": "end", "frequency": "month"})
    assert go() == []
    client.post(path, {**save, "frequency": ""})
    assert go() == [OLD]
    client.post(path, {**save, "list": []})
    assert go() == []


def test_the_report_says_why_people_left(
    go: Go,
    client: Client,
    owner_client: Client,
    sink: Sink,
    carol: Contact,
) -> None:
    assert go() == [OLD]
    campaign = Campaign.objects.get()
    page = f"/w/brand/campaigns/{campaign.pk}/"
    assert "Nobody has said why" in owner_client.get(f"{page}report/leaving/").content.decode()
    path = linked(next(mail for _from, to, mail in sink.mails if to == OLD), "u")
    client.post(path, "List-Unsubscribe=One-Click", content_type=FORM)
    client.post(path, {"action": "because", "because": "never", "words": "<b>Who</b> are you?"})
    told = owner_client.get(f"{page}report/leaving/").content.decode()
    assert "1 person said why." in told
    assert "Never signed up" in told
    assert "&lt;b&gt;Who&lt;/b&gt; are you?" in told
    people = owner_client.get(f"{page}recipients/?why=never").content.decode()
    assert "Left, and said: Never signed up" in people
    assert OLD in people
    assert WITNESS not in people
    nobody = owner_client.get(f"{page}recipients/?why=other").content.decode()
    assert OLD not in nobody
    timeline = owner_client.get(f"/w/brand/contacts/{carol.pk}/").content.decode()
    assert "Said why they left: Never signed up" in timeline


def test_a_confirmed_address_gets_the_next_campaign(
    go: Go, client: Client, send: Callable[[], None], sink: Sink, carol: Contact
) -> None:
    assert go() == [OLD]
    path = linked(next(mail for _from, to, mail in sink.mails if to == OLD), "u")
    client.post(path.replace("/u/", "/s/"), {"action": "address", "email": NEW})
    send()
    _sender, to, mail = sink.mails[-1]
    assert to == NEW
    assert b"Subject: Confirm your new address" in mail
    assert b"List-Unsubscribe" not in mail
    client.post(linked(mail, "a"))
    assert go() == [NEW]
