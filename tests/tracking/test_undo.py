"""Taking an unsubscription back: two tabs, two mails, a scanner, a complaint in between, and what
becomes of the person meanwhile."""
# ruff: noqa: PLR0917 - fixtures and cases

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from contacts.audience import Audience
from contacts.models import Contact, List, Subscription, Suppression
from contacts.provenance import BY_HAND, Source
from contacts.services import contacts as contact_service
from contacts.services import lists as list_service
from contacts.services import suppressions
from sending.compose import tokens
from sending.models import Message
from tests import factories

FORM = "application/x-www-form-urlencoded"
BUTTON = "I did not mean to"


@pytest.fixture
def url(message: Message) -> str:
    return f"/e/u/{tokens.make(message.pk)}"


@pytest.fixture
def public() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def other_url(message: Message, contact: Contact, lists: list[List]) -> str:
    """The link in a mail of another campaign, to News only."""
    mailing = factories.make_mailing(
        message.mailing.workspace,
        source=Source("campaign", 9),
        content=message.mailing.content,
        from_email="news@brand.example",
        relay=message.mailing.relay,
        audience=Audience.of_lists(contact.workspace_id, [lists[0].pk]).as_json(),
        retry_for=timedelta(days=1),
    )
    mail = Message.objects.create(
        mailing=mailing, contact_id=contact.pk, address=contact.email, state=Message.State.ACCEPTED
    )
    return f"/e/u/{tokens.make(mail.pk)}"


def press(public: Client, url: str, action: str) -> str:
    return public.post(url, {"action": action}, follow=True).content.decode()


def one_click(public: Client, url: str) -> str:
    return public.post(url, "List-Unsubscribe=One-Click", content_type=FORM).content.decode()


def on(contact: Contact) -> set[str]:
    rows = Subscription.objects.filter(contact=contact, status="subscribed")
    return set(rows.values_list("list__name", flat=True))


def stopped() -> set[str]:
    return set(Suppression.objects.filter(lifted_at=None).values_list("value", flat=True))


@pytest.mark.parametrize("action", ["lists", "everything"])
def test_two_tabs_and_the_button_pressed_twice(
    url: str, public: Client, contact: Contact, action: str
) -> None:
    press(public, url, action)
    assert BUTTON in press(public, url, action)
    for _tab in range(2):
        assert "Done: you stay subscribed." in press(public, url, "undo")
    assert on(contact) == {"News", "Offers", "Other"}
    assert not stopped()


@pytest.mark.parametrize("second", ["one_click", "lists", "everything"])
@pytest.mark.parametrize("first", ["lists", "everything"])
def test_a_no_by_another_mail_stays(
    url: str, other_url: str, public: Client, contact: Contact, first: str, second: str
) -> None:
    """The first mail was passed on: its reader takes back what they did, and nothing else."""
    press(public, url, first)
    if second == "one_click":
        one_click(public, other_url)
    else:
        press(public, other_url, second)
    page = press(public, url, "undo")
    assert "News" not in on(contact)
    if second == "everything":
        assert stopped() == {contact.email}
    assert "Done: you stay subscribed." not in page
    if second != "everything":
        assert "you are still off these lists" in page
        assert "<strong><bdi>News</bdi></strong>" in page
    elif first == "lists":
        assert BUTTON not in page
        assert "You unsubscribed by more than one mail" in page
    # Nor does the other mail take the first one's no back.
    press(public, other_url, "undo")
    assert "News" not in on(contact)


def test_each_mail_takes_back_its_own(
    url: str, other_url: str, public: Client, contact: Contact
) -> None:
    press(public, other_url, "lists")
    Subscription.objects.filter(contact=contact, status="unsubscribed").update(
        changed_at=contact.created_at - timedelta(days=300)
    )
    press(public, url, "lists")
    press(public, url, "undo")
    assert on(contact) == {"Offers", "Other"}  # News was left 300 days ago
    row = Subscription.objects.get(contact=contact, list__name="News")
    assert row.source == Source("campaign", 9)


def test_a_complaint_after_it_stays(
    url: str, public: Client, workspace: Workspace, contact: Contact, owner_client: Client
) -> None:
    press(public, url, "everything")
    for _ in range(2):
        added = suppressions.suppress_addresses(
            workspace, [(contact.email, "FBL")], reason="complained", source=Source("campaign", 7)
        )
        assert added == 0
    page = press(public, url, "undo")
    assert stopped() == {contact.email}
    assert BUTTON not in page
    assert "gets no more mail" in page
    shown = owner_client.get(reverse("contact", args=["brand", contact.pk])).content.decode()
    assert "Campaign 7</a> (said again)" in shown or "Campaign 7 (said again)" in shown


def test_a_bounce_changes_nothing_about_it(
    url: str, public: Client, workspace: Workspace, contact: Contact
) -> None:
    press(public, url, "everything")
    suppressions.suppress_addresses(
        workspace, [(contact.email, "550")], reason="hard_bounced", source=Source("campaign", 7)
    )
    press(public, url, "undo")
    assert not stopped()


@pytest.mark.parametrize("action", ["lists", "everything"])
def test_a_suppressed_domain_and_its_undo(
    url: str, public: Client, workspace: Workspace, contact: Contact, action: str
) -> None:
    suppressions.suppress(
        workspace, value="example.com", kind="domain", reason="manual", source=BY_HAND
    )
    asked = public.get(url).content.decode()
    assert "sends no mail to any address at example.com" in asked
    left = press(public, url, action)
    assert "sends no mail to any address at example.com" in left
    assert "is no longer on:" in left
    assert "<strong><bdi>News</bdi></strong>" in left
    assert BUTTON in left
    back = press(public, url, "undo")
    assert "Done: you are on the lists again. Mail to you is still stopped" in back
    assert on(contact) == {"News", "Offers", "Other"}
    assert stopped() == {"example.com"}
    assert "Done" not in public.get(url).content.decode()


def test_a_list_that_was_left_before_hides_no_answer(
    url: str, public: Client, contact: Contact, lists: list[List]
) -> None:
    Subscription.objects.filter(contact=contact, list=lists[1]).update(
        status="unsubscribed", **BY_HAND.columns
    )
    press(public, url, "lists")
    assert "you are still off these lists" in press(public, url, "undo")
    assert on(contact) == {"News", "Other"}


def test_after_a_change_of_address(url: str, public: Client, contact: Contact) -> None:
    press(public, url, "everything")
    contact_service.update(contact, email="new@example.com", known_names={}, attributes={})
    assert stopped() == {"lan@example.com", "new@example.com"}
    press(public, url, "undo")
    assert not stopped() & {"new@example.com"}
    assert on(contact) == {"News", "Offers", "Other"}


def test_after_the_contact_was_deleted(
    url: str, public: Client, workspace: Workspace, contact: Contact
) -> None:
    press(public, url, "lists")
    contact_service.delete(Contact.objects.filter(pk=contact.pk))
    assert stopped() == {"lan@example.com"}
    page = press(public, url, "undo")
    assert not stopped()
    assert "you stay subscribed" not in page
    assert "is not on any of the lists" in page


def test_after_being_moved_to_other_lists(
    url: str, public: Client, contact: Contact, lists: list[List], workspace: Workspace
) -> None:
    press(public, url, "lists")
    people = Contact.objects.filter(pk=contact.pk)
    list_service.remove(lists[2], people)
    fourth = List.objects.create(workspace=workspace, name="Fourth")
    list_service.subscribe(fourth, people, source=BY_HAND)
    lists[0].delete()
    press(public, url, "undo")
    assert on(contact) == {"Offers", "Fourth"}


def test_a_member_who_took_them_off_stays_right(
    url: str, public: Client, contact: Contact, lists: list[List]
) -> None:
    press(public, url, "lists")
    list_service.set_status(lists[0], contact, status="unsubscribed", source=BY_HAND)
    press(public, url, "undo")
    assert on(contact) == {"Offers", "Other"}


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("query", ["", "?action=undo", "?action=everything", "?undone=1"])
def test_scanners_change_nothing(
    url: str, public: Client, contact: Contact, method: str, query: str
) -> None:
    press(public, url, "lists")
    getattr(public, method)(url + query, headers={"purpose": "prefetch"})
    assert on(contact) == {"Other"}
    press(public, url, "undo")
    getattr(public, method)(url + query)
    assert on(contact) == {"News", "Offers", "Other"}
    assert not stopped()


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options"])
def test_other_methods_are_refused(url: str, public: Client, contact: Contact, method: str) -> None:
    assert getattr(public, method)(url).status_code == 405
    assert on(contact) == {"News", "Offers", "Other"}


def test_a_token_of_another_workspace_says_nothing_here(
    message: Message, public: Client, contact: Contact, other_workspace: Workspace
) -> None:
    theirs = Contact.objects.create(workspace=other_workspace, email=contact.email)
    target = List.objects.create(workspace=other_workspace, name="News")
    Subscription.objects.create(list=target, contact=theirs)
    mailing = factories.make_mailing(
        other_workspace,
        source=Source("campaign", 7),
        content=message.mailing.content,
        from_email="news@other.example",
        relay=message.mailing.relay,
        audience=Audience.of_lists(other_workspace.pk, [target.pk]).as_json(),
        retry_for=timedelta(days=1),
    )
    mail = Message.objects.create(
        mailing=mailing, contact_id=theirs.pk, address=contact.email, state=Message.State.ACCEPTED
    )
    press(public, f"/e/u/{tokens.make(message.pk)}", "everything")
    press(public, f"/e/u/{tokens.make(mail.pk)}", "undo")
    assert on(contact) == set()
    assert on(theirs) == {"News"}
    assert stopped() == {contact.email}
