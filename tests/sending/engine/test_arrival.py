"""Mails as they arrive at a real SMTP server, read by other parsers, and their links followed."""

import email
import email.policy
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.test import Client

from contacts.models import Contact
from designs.models import Design
from relays.models import Relay
from sending.models import Mailing
from tests.mailservers.sink import Sink
from tests.sending.engine.test_shift import finish

pytestmark = pytest.mark.django_db(transaction=True)
Open = Callable[..., Mailing]
LEAVE = '<p><a href="{{ unsubscribe_url }}">leave</a></p>'


class Page(HTMLParser):
    """The links and the words that a browser would show."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.hrefs: list[str] = []
        self.pictures: list[str] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "a":
            self.hrefs.append(values.get("href") or "")
        if tag == "img":
            self.pictures.append(values.get("src") or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture
def arrive(
    open_to: Open, design: Design, relay: Relay, sink: Sink
) -> Callable[..., tuple[str, Page, str]]:
    """Sends the design to one person; its text, its page, and its HTML."""

    def send(html: str = "", text: str = "") -> tuple[str, Page, str]:
        design.html, design.text = html, text
        design.save()
        mailing = open_to(["lan@x.example"])
        finish(mailing, relay)
        assert mailing.state == Mailing.State.FINISHED
        mail = email.message_from_bytes(sink.mails[-1][2][:-3], policy=email.policy.default)
        plain, rich = (mail.get_body((kind,)) for kind in ("plain", "html"))
        shown = rich.get_content() if rich else ""
        return plain.get_content() if plain else "", Page(shown), shown

    return send


def case(name: str) -> str:
    return Path("tests/cases/mail", name).read_text(encoding="utf-8")


def follow(client: Client, url: str) -> str:
    answer = client.get(re.sub("^https?://[^/]+", "", url))
    assert answer.status_code == 302, url
    return answer["Location"]


def addresses(text: str) -> list[str]:
    return re.findall(r"https?://[^\s)）”。、；？]+?/e/c/[A-Za-z0-9_/-]+", text)


def test_a_link_leads_where_its_author_wrote(
    arrive: Callable[..., tuple[str, Page, str]], client: Client
) -> None:
    text, page, _html = arrive(case("01-entity-in-href.html"))
    wanted = (
        "https://shop.example/p?id=7&region=cn&currency=eur&copy=2&section=3&timestamp=9&notify=1"
    )
    assert follow(client, page.hrefs[0]) == wanted
    assert follow(client, addresses(text)[0]) == wanted


def test_the_links_of_a_typed_text_are_five(
    arrive: Callable[..., tuple[str, Page, str]], client: Client
) -> None:
    text, _page, _html = arrive(text=case("04-text-url-cjk.txt"))
    assert [follow(client, url) for url in addresses(text)] == [
        f"https://shop.example/{path}" for path in ("sale", "new", "a", "b", "c")
    ]
    # Mail programs that take the words for a part of the address lead there, too.
    [swallowed] = re.findall(r"http\S+查看详情", text)
    assert follow(client, swallowed) == "https://shop.example/sale"
    words = re.sub(r"https?://[A-Za-z0-9.:/_-]+", "@", text)
    assert words.splitlines()[:3] == [
        "请访问@查看详情！或者“@”。",
        "官网：@、@；",
        "问题：@？谢谢",
    ]


def test_the_links_of_a_typed_text_are_whole(
    arrive: Callable[..., tuple[str, Page, str]], client: Client
) -> None:
    text, _page, _html = arrive(text=case("05-text-url-delimiters.txt"))
    assert [follow(client, url) for url in addresses(text)] == [
        "https://maps.example/place/Jack's+Bar/@43.7,-79.3",
        "https://en.example/wiki/Kite_(toy)",
        "https://shop.example/?utm_campaign=a%7Cb",
    ]


def test_a_button_is_in_the_text_once(
    arrive: Callable[..., tuple[str, Page, str]], client: Client
) -> None:
    text, _page, _html = arrive(case("06-bulletproof-button.html"))
    assert text.count("Buy now") == 1
    assert follow(client, addresses(text)[0]) == "https://shop.example/buy"


def test_a_mail_with_minified_css_arrives_whole(
    arrive: Callable[..., tuple[str, Page, str]],
) -> None:
    text, page, html = arrive(case("11-minified-css-comment.html"))
    assert "{#outer{width:100%}}</style>" in html
    assert "Everything half price" in page.words
    assert "Everything half price" in text
    assert "/e/o/" in page.pictures[-1]


def test_lines_and_numbers_arrive(arrive: Callable[..., tuple[str, Page, str]]) -> None:
    text, _page, _html = arrive(case("15-pre-and-ol.html"))
    lines = text.splitlines()
    assert lines[:3] == ["10:00 Opening", "11:00 Talk", "12:00 Lunch"]
    assert {"1. Register", "2. Pay"} <= set(lines)


@pytest.mark.parametrize("ending", ["<!-- </body> -->", "</body><!-- the end", "<style>a{}"])
def test_the_pixel_arrives_as_a_picture(
    arrive: Callable[..., tuple[str, Page, str]], ending: str
) -> None:
    _text, page, _html = arrive(f"<html><body>{LEAVE}{ending}")
    assert len(page.pictures) == 1


def test_a_personal_link_leads_where_its_mail_said(
    arrive: Callable[..., tuple[str, Page, str]], client: Client
) -> None:
    html = (
        '<a href="{{ site }}">site</a>'
        '<a href="https://shop.example/?n={{ first_name|urlencode }}&copy=1">shop</a>'
        '<a href="https://shop.example/{% if vip %}gold{% else %}all{% endif %}">club</a>'
    )
    arrive(html + LEAVE)
    Contact.objects.update(
        first_name="兰 & co", attributes={"site": "https://old.example/路?a=b", "vip": True}
    )
    text, page, _html = arrive(html + LEAVE)
    Contact.objects.update(first_name="New", attributes={"site": "https://new.example/"})
    said = [
        "https://old.example/%E8%B7%AF?a=b",
        "https://shop.example/?n=%E5%85%B0%20%26%20co&copy=1",
        "https://shop.example/gold",
    ]
    assert [follow(client, url) for url in page.hrefs[:3]] == said
    assert [follow(client, url) for url in addresses(text)] == said
    # A mail of an earlier version has no values: its links lead where today's fields say.
    earlier = [url.rpartition("/")[0] for url in page.hrefs[:3]]
    assert [follow(client, url) for url in earlier] == [
        "https://new.example/",
        "https://shop.example/?n=New&copy=1",
        "https://shop.example/all",
    ]
