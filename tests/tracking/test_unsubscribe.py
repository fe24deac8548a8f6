"""/e/u/: a GET asks, a POST acts at once, and what was not meant can be taken back."""

import re

import pytest
from django.test import Client

from contacts.models import Contact, List, Subscription, Suppression
from contacts.provenance import Source
from contacts.services import suppressions
from pages import publicwords
from pages.publicwords import LANGUAGES
from sending.compose import tokens
from sending.models import Event, Message
from tests.tracking.looks import assert_only_looked
from tracking.services import hits

ONE_CLICK = "List-Unsubscribe=One-Click"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def url(message: Message) -> str:
    return f"/e/u/{tokens.make(message.pk)}"


@pytest.fixture
def public() -> Client:
    """Holds us to RFC 8058: no cookie, no CSRF token."""
    return Client(enforce_csrf_checks=True)


def left(contact: Contact) -> set[str]:
    rows = Subscription.objects.filter(contact=contact, status="unsubscribed")
    return {row.list.name for row in rows.select_related("list")}


def test_get_and_head_never_act(url: str, public: Client, contact: Contact) -> None:
    for _ in range(2):
        page = public.get(url)
        assert public.head(url).status_code == 200
    assert left(contact) == set()
    assert not Suppression.objects.exists()
    assert_only_looked()
    words = page.content.decode()
    assert "lan@example.com" in words
    assert "News" in words
    assert "Offers" in words
    assert "Other" not in words


def test_the_address_is_in_its_own_letters_and_the_empty_icon_is_allowed(
    url: str, public: Client, message: Message
) -> None:
    Message.objects.filter(pk=message.pk).update(address="lan@xn--bcher-kva.example")
    page = public.get(url)
    assert "lan@bücher.example" in page.content.decode()
    assert '<link rel="icon" href="data:,">' in page.content.decode()
    assert "img-src 'self' data:" in page.headers["Content-Security-Policy"]


def test_one_click_acts_at_once_and_only_once(
    url: str, public: Client, contact: Contact, message: Message
) -> None:
    for _ in range(3):
        assert public.post(url, ONE_CLICK, content_type=FORM).status_code == 200
    assert left(contact) == {"News", "Offers"}
    assert not Suppression.objects.exists()
    while hits.record_hits():
        pass
    public.post(url, ONE_CLICK, content_type=FORM)
    assert hits.record_hits() == 0
    assert Event.objects.filter(message=message, kind="unsubscribed").count() == 1
    message.mailing.tally.refresh_from_db()
    assert message.mailing.tally.unsubscribed == 1


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", FORM),
        (b"--x\r\nbroken", "multipart/form-data"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (
            (
                b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n'
                b"\r\nOne-Click\r\n--x--"
            ),
            "multipart/form-data; boundary=x",
        ),
        (b"\xff\xfe", "text/plain"),
        (b"&".join(b"a%d=1" % n for n in range(2000)), FORM),
    ],
)
def test_no_body_loses_an_unsubscribe(
    url: str, public: Client, contact: Contact, body: bytes, content_type: str
) -> None:
    assert public.post(url, body, content_type=content_type).status_code == 200
    assert left(contact) == {"News", "Offers"}


def test_everything_from_the_brand(url: str, public: Client, contact: Contact) -> None:
    assert public.post(url, {"action": "everything"}).status_code == 302
    stop = Suppression.objects.get()
    assert (stop.value, stop.reason) == (contact.email, "unsubscribed")
    assert stop.source == Source("campaign", 7)
    assert "no more mail" in public.get(url).content.decode()


@pytest.mark.parametrize("action", ["lists", "everything"])
def test_it_can_be_taken_back(url: str, public: Client, contact: Contact, action: str) -> None:
    public.post(url, {"action": action})
    assert "I did not mean to" in public.get(url).content.decode()
    back = public.post(url, {"action": "undo"}, follow=True).content.decode()
    assert "Done: you stay subscribed." in back
    assert left(contact) == set()
    assert not Suppression.objects.filter(lifted_at=None).exists()
    assert "I did not mean to" not in public.get(url).content.decode()


def test_undo_takes_back_only_what_this_mail_did(
    url: str, public: Client, contact: Contact, lists: list[List]
) -> None:
    Subscription.objects.filter(contact=contact, list=lists[0]).update(
        status="unsubscribed", **Source("campaign", 3).columns
    )
    suppressions.suppress(
        contact.workspace,
        value=contact.email,
        kind="address",
        reason="hard_bounced",
        source=Source("campaign", 7),
    )
    public.post(url, {"action": "lists"})
    public.post(url, {"action": "undo"})
    assert left(contact) == {"News"}
    assert Suppression.objects.filter(lifted_at=None).count() == 1


def test_who_is_on_no_list_any_more_is_suppressed(
    url: str, public: Client, contact: Contact
) -> None:
    contact.delete()
    public.post(url, ONE_CLICK, content_type=FORM)
    assert Suppression.objects.get().value == "lan@example.com"


def test_a_test_mails_link_changes_nothing(public: Client, contact: Contact) -> None:
    url = f"/e/u/{tokens.make(tokens.NOBODY)}"
    assert "This was a test" in public.get(url).content.decode()
    assert public.post(url, ONE_CLICK, content_type=FORM).status_code == 200
    assert left(contact) == set()


@pytest.mark.parametrize("token", ["x", "aaaaaaaaaaaaaaaaaaaaaaaa", "0-_-0"])
def test_a_bad_token_is_a_plain_page(public: Client, db: None, token: str) -> None:
    answer = public.post(f"/e/u/{token}", ONE_CLICK, content_type=FORM)
    assert answer.status_code == 404
    assert "leads nowhere" in answer.content.decode()


def test_the_page_is_private_and_without_cookies(url: str, public: Client) -> None:
    page = public.get(url)
    assert not page.cookies
    assert "noindex" in page["X-Robots-Tag"]
    assert "no-store" in page["Cache-Control"]
    assert page["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in page["Content-Security-Policy"]
    assert "script" not in page["Content-Security-Policy"]
    assert "<script" not in page.content.decode()


def test_the_page_speaks_the_readers_language(url: str, public: Client) -> None:
    page = public.get(url, headers={"accept-language": "zh-CN,zh;q=0.9"})
    assert 'lang="zh-Hans"' in page.content.decode()
    assert "退订" in page.content.decode()


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_choice_has_words(url: str, public: Client, language: str) -> None:
    page = public.get(url, {"lang": language}).content.decode()
    choices = re.findall(r'type="radio"[^>]*>\s*<span>\s*(.*?)\s*</span>', page, re.DOTALL)
    assert choices[0] == str(publicwords.say(language, "leave.these_lists"))
    assert len(choices) == page.count('type="radio"') == 2
