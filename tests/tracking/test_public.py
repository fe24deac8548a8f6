"""/e/v/, /e/o/ and /e/c/: what a mail's links show, where they lead, and what is recorded."""

import base64
import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from contacts.models import Contact
from designs.models import Content
from sending.compose import clickvalues, tokens
from sending.models import Event, Message
from tracking import views
from tracking.models import Hit
from tracking.services import hits


def test_a_mail_that_takes_too_long_to_make_says_so(
    client: Client, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    Content.objects.update(html="{% for one in range(9000) %}{{ one }}{% endfor %}")
    monkeypatch.setattr(views, "LONGEST_WORK", -1)
    page = client.get(f"/e/v/{tokens.make(message.pk)}")
    assert (page.status_code, page.headers["Retry-After"]) == (503, "30")
    assert "It took too long to make. Try again in a minute" in page.content.decode()
    # It has a style sheet, unlike the mails that stand in its place.
    assert "style-src 'self' 'unsafe-inline'" in page.headers["Content-Security-Policy"]


def test_view_in_browser(client: Client, message: Message) -> None:
    token = tokens.make(message.pk)
    page = client.get(f"/e/v/{token}")
    words = page.content.decode()
    assert "Hello Lan &lt;b&gt;" in words
    assert f"/e/u/{token}" in words
    assert f"/e/c/{token}/0" in words
    assert f"/e/o/{token}" not in words
    policy = page["Content-Security-Policy"]
    assert "sandbox allow-popups" in policy
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert not page.cookies
    assert set(Hit.objects.values_list("kind", flat=True)) <= {"looked"}


def test_a_mail_without_html_is_shown_as_text(client: Client, message: Message) -> None:
    content = message.mailing.content
    content.html, content.text = "", "Hello <{{ first_name }}>"
    content.save()
    page = client.get(f"/e/v/{tokens.make(message.pk)}")
    assert page["Content-Type"] == "text/plain; charset=utf-8"
    assert page.content.decode() == "Hello <Lan <b>>"


def test_the_pixel_is_always_a_picture_and_never_cached(client: Client, message: Message) -> None:
    good = client.get(f"/e/o/{tokens.make(message.pk)}.gif", headers={"user-agent": "UA/1"})
    for token in ("bad", tokens.make(tokens.NOBODY)):
        answer = client.get(f"/e/o/{token}.gif")
        assert (answer.status_code, answer.content) == (200, good.content)
    assert good.content.startswith(b"GIF89a")
    assert good["Content-Type"] == "image/gif"
    assert "no-store" in good["Cache-Control"]
    hit = Hit.objects.get()
    # What is known of who asked; not the user agent itself.
    assert (hit.message_id, hit.kind, hit.user_agent) == (message.pk, "opened", "")


def test_a_click_leads_to_the_link_of_that_mail(client: Client, message: Message) -> None:
    token = tokens.make(message.pk)
    client.defaults["HTTP_USER_AGENT"] = "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"
    answer = client.get(f"/e/c/{token}/0")
    assert (answer.status_code, answer["Location"]) == (302, "https://shop.example/?a=1&b=2")
    answer = client.get(f"/e/c/{token}/1")
    assert answer["Location"] == "https://beijing.example/Lan%20%3Cb%3E"
    assert [hit.link for hit in Hit.objects.order_by("id")] == [0, 1]
    assert client.head(f"/e/c/{token}/0").status_code == 302
    assert [hit.actor > 0 for hit in Hit.objects.order_by("id")] == [False, False, True]


@pytest.mark.parametrize(
    "site",
    [
        *("javascript:alert(1)", "data:text/html,x", "ftp://x.example", ""),
        *("/w/brand/", "https://", "https://[", "java\nscript:alert(1)", "https:/"),
    ],
)
def test_a_persons_value_leads_to_the_web_only(
    client: Client, message: Message, contact: Contact, site: str
) -> None:
    contact.attributes = {"site": site}
    contact.save()
    answer = client.get(f"/e/c/{tokens.make(message.pk)}/2")
    assert answer.status_code == 404
    assert "leads nowhere" in answer.content.decode()


def test_a_value_can_not_split_the_answer(
    client: Client, message: Message, contact: Contact
) -> None:
    contact.attributes = {"site": "https://a.example/\r\nSet-Cookie: x=1"}
    contact.save()
    answer = client.get(f"/e/c/{tokens.make(message.pk)}/2")
    assert answer["Location"] == "https://a.example/%20Set-Cookie:%20x=1"
    assert not answer.cookies


def test_nobody_but_us_says_where_a_link_leads(
    client: Client, message: Message, contact: Contact
) -> None:
    sign, token = clickvalues.signer(message.mailing_id), tokens.make(message.pk)
    good = sign(2, "https://a.example/x")
    answer = client.get(f"/e/c/{token}/2{good}")
    assert (answer.status_code, answer["Location"]) == (302, "https://a.example/x")
    assert client.get(f"/e/c/{token.upper()}/2{good}").status_code == 302
    other = clickvalues.signer(message.mailing_id + 1)
    forged = base64.urlsafe_b64encode(b"123456789https://evil.example/x").decode().rstrip("=")
    for path in (
        # Another link, another mailing, a link without values, other bytes, a part of them.
        f"{token}/1{good}",
        f"{token}/2{other(2, 'https://a.example/x')}",
        f"{token}/0{sign(0, 'https://evil.example')}",
        f"{token}/2/{forged}",
        f"{token}/2{good[:-2]}",
        f"{token}/2/x",
        f"{token}/2{sign(2, 'javascript:alert(1)')}",
    ):
        answer = client.get(f"/e/c/{path}")
        assert answer.status_code == 404
        assert "leads nowhere" in answer.content.decode()
    assert Hit.objects.count() == 2


def test_links_of_an_earlier_key_still_lead_there(
    client: Client, message: Message, settings: Any
) -> None:
    token = tokens.make(message.pk)
    path = f"/e/c/{token}/2{clickvalues.signer(message.mailing_id)(2, 'https://a.example/')}"
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    assert client.get(path)["Location"] == "https://a.example/"


@pytest.mark.parametrize("words", ["查看详情", "退订。", "，/x?", "é"])
def test_words_behind_an_address_change_nothing(
    client: Client, message: Message, words: str
) -> None:
    token = tokens.make(message.pk)
    signed = clickvalues.signer(message.mailing_id)(2, "https://a.example/")
    assert client.get(f"/e/c/{token}/0{words}")["Location"] == "https://shop.example/?a=1&b=2"
    assert client.get(f"/e/c/{token}/2{signed}{words}")["Location"] == "https://a.example/"
    assert client.get(f"/e/v/{token}{words}").status_code == 200
    assert client.get(f"/e/u/{token}{words}").status_code == 200
    assert client.get(f"/e/c/{token}{words}/0").status_code == 404


@pytest.mark.parametrize("path", ["/e/c/{}/9", "/e/c/bad/0", "/e/v/bad", "/e/c/{}/99999999999"])
def test_what_is_not_there_is_a_plain_404(client: Client, message: Message, path: str) -> None:
    answer = client.get(path.format(tokens.make(message.pk)))
    assert answer.status_code == 404
    assert "leads nowhere" in answer.content.decode()
    assert not Hit.objects.exists()


@pytest.mark.parametrize("path", ["/e/c/{}/0", "/e/v/{}"])
def test_links_of_test_mails_say_so(client: Client, db: None, path: str) -> None:
    answer = client.get(path.format(tokens.make(tokens.NOBODY)))
    assert answer.status_code == 200
    assert "This was a test" in answer.content.decode()


@pytest.mark.parametrize("path", ["/e/c/{}/0", "/e/v/{}", "/e/o/{}.gif"])
def test_they_take_no_post(client: Client, message: Message, path: str) -> None:
    assert client.post(path.format(tokens.make(message.pk))).status_code == 405


def test_hits_become_events_once(message: Message) -> None:
    for kind, link in (("opened", None), ("opened", None), ("clicked", 1)):
        hits.keep(message.pk, kind, link=link, user_agent="UA\x00")
    hits.keep(message.pk + 1000, "opened")  # of a message that is gone
    assert hits.record_hits() == 4
    assert hits.record_hits() == 0
    assert not Hit.objects.exists()
    assert Event.objects.filter(message=message).count() == 3
    assert Event.objects.get(kind="clicked").link == 1
    tally = message.mailing.tally
    tally.refresh_from_db()
    assert (tally.opened, tally.clicked) == (1, 1)
    message.refresh_from_db()
    assert message.opened_at
    assert message.clicked_at


def test_what_fails_to_be_recorded_is_kept(
    message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    hits.keep(message.pk, "opened")

    def broken(_events: object, **_given: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(hits, "record", broken)
        with pytest.raises(OSError, match="disk"):
            hits.record_hits()
    assert hits.record_hits() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_record_each_hit_once(message: Message) -> None:
    for _ in range(200):
        hits.keep(message.pk, "opened")
    taken: list[int] = []

    def work() -> None:
        try:
            while count := hits.record_hits(10):
                taken.append(count)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while count := hits.record_hits():  # rows that the other worker held when one looked
        taken.append(count)
    assert sum(taken) == Event.objects.count() == 200


@pytest.mark.parametrize(
    "behind", [")", ".", ",", "/", "=", "),", ">", "%0A", "”再见", "。", "%22"]
)
def test_punctuation_behind_a_link_is_ignored(
    client: Client, message: Message, behind: str
) -> None:
    token = tokens.make(message.pk)
    answer = client.get(f"/e/c/{token}/0{behind}")
    assert (answer.status_code, answer["Location"]) == (302, "https://shop.example/?a=1&b=2")
    personal = client.get(f"/e/c/{token}/1/x{behind}")
    assert personal.status_code in {302, 404}
    assert "leads nowhere" in personal.content.decode() or personal.status_code == 302
    for page in ("u", "s", "p", "v"):
        assert client.get(f"/e/{page}/{token}{behind}").status_code == 200


@pytest.mark.parametrize(
    "broken",
    [
        *("", "c/", "c/{}", "c/{}/", "c/{}/x", "c/{}/0x", "c/{}/0/1/2", "c/{}/9999", "c/{}/-1"),
        *("u/", "x/{}", "u/{}/more", "o/{}", "c//0", "c/{}/" + "9" * 3_000),
    ],
)
def test_a_broken_link_shows_the_page_for_readers(
    client: Client, message: Message, broken: str
) -> None:
    for ask in (client.get, client.post):
        page = ask("/e/" + broken.format(tokens.make(message.pk)))
        if page.status_code != 405:
            assert page.status_code == 404
            assert "leads nowhere" in page.content.decode()
            assert "noindex" in page["X-Robots-Tag"]
    assert not Hit.objects.exists()
