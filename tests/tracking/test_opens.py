"""/e/p/: says whether opens of a person are counted, and takes the answer."""

import pytest
from django.test import Client

from accounts.opencounting import OpenCounting
from contacts.models import Contact
from contacts.openconsentmodels import OpenConsent, OpenConsentAnswer
from contacts.provenance import BY_HAND
from contacts.services import openconsent
from sending.compose import tokens
from sending.models import Event, Mailing, Message
from tracking.services import hits

REFUSED = "Brand does not count whether you open its mails"


@pytest.fixture
def url(message: Message) -> str:
    return f"/e/p/{tokens.make(message.pk)}"


@pytest.fixture
def public() -> Client:
    """Without a cookie or a CSRF token, as a person comes from a mail."""
    return Client(enforce_csrf_checks=True)


def words(client: Client, url: str) -> str:
    page = client.get(url)
    assert page.status_code == 200
    return page.content.decode()


def test_get_and_head_change_nothing(url: str, public: Client, contact: Contact) -> None:
    for path in (url, f"{url}?answer=give", f"{url}?answer=withdraw&saved=1"):
        page = public.get(path)
        assert (page.status_code, public.head(path).status_code) == (200, 200)
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert not page.cookies
    assert not OpenConsent.objects.exists()
    assert "lan@example.com" in page.content.decode()


@pytest.mark.parametrize(
    ("way", "counted"),
    [("everybody", True), ("consent", False), ("totals", False), ("none", False)],
)
def test_without_an_answer_the_way_of_counting_decides(
    url: str, public: Client, message: Message, way: str, counted: bool
) -> None:
    Mailing.objects.filter(pk=message.mailing_id).update(open_counting=way)
    shown = words(public, url)
    assert ("until you say no" in shown) is counted
    assert ("you have not agreed" in shown) is not counted
    assert "I agree that Brand counts whether and when I open its mails." in shown


def test_both_ways_with_the_text_as_it_was_shown(
    url: str, public: Client, contact: Contact, message: Message
) -> None:
    answer = public.post(url, {"answer": "give"}, REMOTE_ADDR="10.1.2.3")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{url}?saved=1")
    assert "You agreed" in words(public, f"{url}?saved=1")
    assert 'value="give"' not in words(public, url)
    public.post(url, {"answer": "withdraw"}, HTTP_ACCEPT_LANGUAGE="en")
    shown = words(public, url)
    assert REFUSED in shown
    assert 'value="withdraw"' not in shown
    withdrawn, given = OpenConsentAnswer.objects.filter(contact=contact).order_by("-pk")
    assert (given.given, given.ip) == (True, "10.1.2.3")
    assert given.text == "I agree that Brand counts whether and when I open its mails."
    assert (withdrawn.given, withdrawn.source) == (False, message.mailing.source)
    assert withdrawn.text.startswith("I do not want Brand to count")


@pytest.mark.parametrize("answer", ["", "yes", "withdraw "])
def test_an_unknown_answer_changes_nothing(
    url: str, public: Client, contact: Contact, answer: str
) -> None:
    assert public.post(url, {"answer": answer}).status_code == 302
    assert not OpenConsent.objects.exists()


def test_a_broken_body_changes_nothing(url: str, public: Client, contact: Contact) -> None:
    body = "multipart/form-data; boundary=x"
    assert public.post(url, b"--x\r\nbroken", content_type=body).status_code == 302
    assert not OpenConsent.objects.exists()


def test_a_withdrawal_holds_for_mails_that_were_sent(
    url: str, public: Client, contact: Contact, message: Message
) -> None:
    hits.keep(message.pk, "opened")
    hits.record_hits()
    public.post(url, {"answer": "withdraw"})
    assert public.get(f"/e/o/{tokens.make(message.pk)}.gif").status_code == 200
    hits.record_hits()
    message.refresh_from_db()
    assert (message.opened_at, message.counts_opens) == (None, False)
    assert not Event.objects.exists()
    message.mailing.tally.refresh_from_db()
    assert (message.mailing.tally.opened, message.mailing.tally.opened_unnamed) == (1, 1)


def test_a_deleted_contact_can_still_say_no(
    url: str, public: Client, contact: Contact, message: Message
) -> None:
    contact.delete()
    assert 'value="give"' not in words(public, url)
    public.post(url, {"answer": "withdraw"})
    message.refresh_from_db()
    assert not message.counts_opens
    assert 'value="withdraw"' not in words(public, url)
    hits.keep(message.pk, "opened")
    hits.record_hits()
    assert not Event.objects.exists()


def test_of_two_contacts_of_a_person_the_stricter_answer_counts(
    url: str, public: Client, contact: Contact, message: Message
) -> None:
    """The contact changed the address, and another one has the mail's address now."""
    Contact.objects.filter(pk=contact.pk).update(email="lan@new.example")
    other = Contact.objects.create(workspace=contact.workspace, email="lan@example.com")
    openconsent.give([contact.pk], BY_HAND)
    openconsent.withdraw([other.pk], BY_HAND)
    assert REFUSED in words(public, url)
    public.post(url, {"answer": "give"})
    assert set(OpenConsent.objects.values_list("contact", "given")) == {
        (contact.pk, True),
        (other.pk, True),
    }


def test_the_page_for_unsubscribing_links_to_it(url: str, public: Client) -> None:
    assert f'href="{url}"' in words(public, url.replace("/e/p/", "/e/u/"))


def test_links_of_test_mails_and_unknown_ones_say_so(public: Client, db: None) -> None:
    assert "This was a test" in words(public, f"/e/p/{tokens.make(tokens.NOBODY)}")
    assert public.get("/e/p/bad").status_code == 404
    assert public.post("/e/p/bad", {"answer": "give"}).status_code == 404


def test_the_workspace_counts_for_everybody_by_other_mails(
    url: str, public: Client, message: Message
) -> None:
    Mailing.objects.filter(pk=message.mailing_id).update(open_counting=OpenCounting.NONE)
    message.mailing.workspace.open_counting = OpenCounting.EVERYBODY
    message.mailing.workspace.save()
    assert "until you say no" in words(public, url)
