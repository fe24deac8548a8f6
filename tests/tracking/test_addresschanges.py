"""A new address: a mail goes there, its holder confirms by a POST, and nobody is told who else is a
contact."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from contacts.models import Contact, FormerAddress, Suppression
from contacts.preferencemodels import AddressChange, PreferenceChoice
from contacts.provenance import BY_HAND
from contacts.services import suppressions
from sending.compose import tokens
from sending.models import Mailing, Message, StreamItem
from sending.services import streams
from tests import factories
from tracking.services import addresschanges

pytestmark = pytest.mark.django_db
NEW = "lan.new@people.example"


@pytest.fixture
def url(message: Message) -> str:
    return f"/e/s/{tokens.make(message.pk)}"


@pytest.fixture
def public() -> Client:
    return Client(enforce_csrf_checks=True)


def ask(public: Client, url: str, address: str = NEW, query: str = "") -> str:
    page = public.post(url + query, {"action": "address", "email": address}, follow=True)
    return page.content.decode()


def link() -> str:
    """The one in the newest mail."""
    data = StreamItem.objects.order_by("-pk")[0].data
    found = re.search(r"/e/a/\S+", data["confirm_url"])
    assert found
    return found[0]


def test_the_new_addresss_holder_confirms(
    public: Client, url: str, contact: Contact, message: Message
) -> None:
    words = ask(public, url, " Lan.New@People.Example ", "?lang=fr")
    assert "un e-mail avec un lien est en route" in words
    assert NEW not in words
    mail = Message.objects.get(repeats=True)
    stream = mail.mailing
    assert (mail.address, mail.contact_id) == (NEW, None)
    assert (stream.purpose, stream.relay, stream.pool) == (
        "notice",
        message.mailing.relay,
        message.mailing.pool,
    )
    assert stream.closed_at is not None
    assert stream.content.subject == "Confirmez votre nouvelle adresse"
    assert streams.data_of([mail.pk])[mail.pk]["confirm_url"].endswith("?lang=fr")
    for _ in range(2):
        page = public.get(link())
        assert NEW in page.content.decode()
    contact.refresh_from_db()
    assert contact.email == "lan@example.com"
    for _ in range(2):
        page = public.post(link(), follow=True)
        assert "sont désormais envoyés à" in page.content.decode()
    contact.refresh_from_db()
    assert contact.email == NEW
    assert (contact.first_name, contact.attributes["city"]) == ("Lan <b>", "beijing")
    assert FormerAddress.objects.get().address == "lan@example.com"
    assert PreferenceChoice.objects.get(kind="address").words == f"lan@example.com → {NEW}"


def test_brands_are_no_templates(public: Client, url: str, contact: Contact) -> None:
    contact.workspace.name = "{{ 7 * 7 }} {braces}"
    contact.workspace.save()
    ask(public, url)
    assert "{{ workspace.name }}" in Mailing.objects.get(kind="stream").content.text


def test_an_address_of_another_contact_looks_the_same_until_it_is_confirmed(
    public: Client, url: str, contact: Contact
) -> None:
    factories.make_contact(contact.workspace, NEW)
    assert "a mail with a link is on its way" in ask(public, url)
    answer = public.post(link())
    words = answer.content.decode()
    assert answer.status_code == 409
    assert "Nothing was changed. Please write to" in words
    assert "news@brand.example" in words
    contact.refresh_from_db()
    assert contact.email == "lan@example.com"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "This is no e-mail address"),
        ("nobody", "This is no e-mail address"),
        ("a@b@c.example", "This is no e-mail address"),
        ("x" * 5000 + "@people.example", "This is no e-mail address"),
        ('"><script>@x.example', "This is no e-mail address"),
        ("lan@example.com", "Mails go to this address already"),
    ],
)
def test_wrong_addresses_are_said_beside_the_field(
    public: Client, url: str, typed: str, said: str
) -> None:
    answer = public.post(url, {"action": "address", "email": typed})
    words = answer.content.decode()
    assert answer.status_code == 200
    assert said in words
    assert "<script" not in words
    if typed == "nobody":
        assert 'value="nobody"' in words
    assert not AddressChange.objects.exists()


def test_once_an_hour_and_three_times_a_day(public: Client, url: str) -> None:
    for number in range(4):
        ask(public, url, f"n{number}@people.example")
        assert "You can ask once an hour" in ask(public, url, "more@people.example")
        AddressChange.objects.update(created_at=timezone.now() - timedelta(hours=2))
    assert AddressChange.objects.count() == 3
    assert Message.objects.filter(repeats=True).count() == 3


def test_nobody_fills_a_strangers_mailbox(
    public: Client, url: str, contact: Contact, message: Message
) -> None:
    for number in range(4):
        other = factories.make_contact(contact.workspace, f"c{number}@x.example")
        theirs = Message.objects.create(
            mailing=message.mailing, contact_id=other.pk, address=other.email, state=2
        )
        words = ask(public, f"/e/s/{tokens.make(theirs.pk)}", "victim@people.example")
        assert "a mail with a link is on its way" in words
    assert Message.objects.filter(address="victim@people.example").count() == 3


def test_an_old_mail_or_a_former_address_asks_for_nothing(
    public: Client, url: str, contact: Contact, message: Message
) -> None:
    Mailing.objects.filter(pk=message.mailing_id).update(
        opened_at=timezone.now() - timedelta(days=31)
    )
    assert "more than 30 days old" in ask(public, url)
    Mailing.objects.filter(pk=message.mailing_id).update(opened_at=timezone.now())
    Contact.objects.filter(pk=contact.pk).update(email="other@people.example")
    assert "more than 30 days old" in ask(public, url)
    assert not AddressChange.objects.exists()


def test_a_link_ends(public: Client, url: str, contact: Contact) -> None:
    ask(public, url)
    AddressChange.objects.update(created_at=timezone.now() - addresschanges.VALID_FOR)
    assert "This link no longer works" in public.post(link()).content.decode()
    AddressChange.objects.update(created_at=timezone.now())
    Contact.objects.filter(pk=contact.pk).update(email="other@people.example")
    assert "This link no longer works" in public.post(link()).content.decode()
    contact.refresh_from_db()
    assert contact.email == "other@people.example"


def test_a_link_used_once_brings_no_address_back(
    public: Client, url: str, contact: Contact
) -> None:
    ask(public, url)
    public.post(link())
    Contact.objects.filter(pk=contact.pk).update(email="lan@example.com")
    assert "This link no longer works" in public.post(link()).content.decode()


@pytest.mark.parametrize("token", ["x", "0" * 40, "a-b_c"])
def test_unknown_secrets(public: Client, token: str) -> None:
    assert public.get(f"/e/a/{token}").status_code == 404
    assert public.post(f"/e/a/{token}").status_code == 404


def test_a_complaint_follows_to_the_new_address(public: Client, url: str, contact: Contact) -> None:
    ask(public, url)
    suppressions.suppress(
        contact.workspace,
        value=contact.email,
        kind="address",
        reason="complained",
        source=BY_HAND,
    )
    public.post(link())
    held = Suppression.objects.filter(lifted_at=None).values_list("value", flat=True)
    assert sorted(held) == [NEW, "lan@example.com"]
