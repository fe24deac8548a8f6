"""The people behind the figures: filters, search, pages, and the CSV."""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from html import unescape
from io import StringIO
from typing import Any, cast

import pytest
from django.db import connection
from django.http import QueryDict, StreamingHttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User, Workspace
from accounts.permissions import Role
from campaigns.models import Campaign
from campaigns.queries import recipients
from contacts.models import Contact
from pages import statuses
from sending.machines import Actor
from sending.models import Event, Message
from sending.queries import events

pytestmark = pytest.mark.django_db(transaction=True)
Start = Callable[..., Campaign]
Send = Callable[[], None]
MIXED = ("anna@x.example", "ben@x.example", "carl@y.example", "reject@x.example", "spam@y.example")


def table(client: Client, campaign: Campaign, query: str = "") -> str:
    answer = client.get(f"/w/brand/campaigns/{campaign.pk}/recipients/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def addresses(html: str) -> list[str]:
    cells = re.findall(r'(?s)<td class="main"[^>]*>(.*?)</td>', html)
    return [unescape(re.sub(r"<[^>]*>", "", cell)).strip() for cell in cells]


@pytest.fixture
def sent(start: Start, send: Send) -> Campaign:
    campaign = start(*MIXED)
    send()
    return campaign


def event(
    address: str, kind: str, link: int | None = None, detail: str = "", actor: int = 0
) -> None:
    message = Message.objects.get(address=address)
    now = timezone.now()
    events.record([events.EventRow(message.pk, kind, now, link=link, detail=detail, actor=actor)])


def test_shows_state_reason_and_the_servers_words(sent: Campaign, owner_client: Client) -> None:
    html = table(owner_client, sent)
    assert addresses(html) == sorted(MIXED)
    assert "The address does not exist" in html
    assert "550 5.1.1 User unknown" in html
    assert "5 in this result" in html


def test_links_to_the_contact_while_there_is_one(sent: Campaign, owner_client: Client) -> None:
    anna, ben = (Contact.objects.get(email=f"{name}@x.example") for name in ("anna", "ben"))
    ben_pk = ben.pk
    ben.delete()
    html = table(owner_client, sent)
    assert f'href="/w/brand/contacts/{anna.pk}/"' in html
    assert f"/contacts/{ben_pk}/" not in html
    assert "ben@x.example" in html


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?state=failed", ["reject@x.example", "spam@y.example"]),
        ("?state=failed&reason=policy", ["spam@y.example"]),
        ("?state=waiting", []),
        ("?domain=Y.example", ["carl@y.example", "spam@y.example"]),
        ("?q=an", ["anna@x.example"]),
        ("?q=AN", ["anna@x.example"]),
        ("?q=%20Ben@X.example%20", ["ben@x.example"]),
        ("?q=ben@x", ["ben@x.example"]),
        ("?q=zen@", []),
        ("?event=opened", ["anna@x.example"]),
        ("?event=not_opened", ["ben@x.example", "carl@y.example"]),
        ("?event=clicked&link=1", ["anna@x.example"]),
        ("?event=clicked&link=0", []),
        ("?event=blocked", ["carl@y.example"]),
        ("?event=bounced", ["carl@y.example", "reject@x.example"]),
        ("?event=nonsense&state=nonsense&link=x", sorted(MIXED)),
    ],
)
def test_filters(sent: Campaign, owner_client: Client, query: str, expected: list[str]) -> None:
    event("anna@x.example", Event.Kind.OPENED)
    event("anna@x.example", Event.Kind.CLICKED, link=1)
    event("carl@y.example", Event.Kind.BLOCKED, detail="554 listed")
    assert addresses(table(owner_client, sent, query)) == expected


def test_pages_follow_the_address(start: Start, owner_client: Client) -> None:
    everybody = [f"p{number:03}@x.example" for number in range(120)]
    campaign = start(*everybody)
    seen: list[str] = []
    query = ""
    for size in (50, 50, 20):
        html = table(owner_client, campaign, query)
        seen += addresses(html)
        assert len(addresses(html)) == size
        assert "120 in this result" in html
        found = re.search(r'href="(\?after=[^"]+)"', html)
        query = unescape(found[1]) if found else ""
    assert seen == everybody
    assert not query


def rows(answer: object) -> list[list[str]]:
    stream = cast("StreamingHttpResponse", answer)
    content = b"".join(cast("Iterable[bytes]", stream.streaming_content)).decode("utf-8-sig")
    return list(csv.reader(StringIO(content)))


def test_csv_has_every_column_and_no_formulas(
    sent: Campaign, owner_client: Client, owner: User
) -> None:
    User.objects.filter(pk=owner.pk).update(timezone="Asia/Shanghai")
    event("anna@x.example", Event.Kind.OPENED)
    Message.objects.filter(address="spam@y.example").update(reply="=cmd|' /C calc'!A0")
    answer = owner_client.get(f"/w/brand/campaigns/{sent.pk}/recipients.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    header, *lines = rows(answer)
    assert header[:4] == ["E-mail address", "State", "Reason", "The server's words"]
    known = {line[0]: dict(zip(header, line, strict=True)) for line in lines}
    assert sorted(known) == sorted(MIXED)
    assert known["anna@x.example"]["State"] == "Accepted"
    assert known["anna@x.example"]["First opened"].endswith("+08:00")
    assert known["anna@x.example"]["Relay"] == "Post"
    assert known["reject@x.example"]["Reason"] == "The address does not exist"
    assert known["spam@y.example"]["The server's words"].startswith("'=cmd")


def shown(html: str) -> dict[str, str]:
    """By address: the text of the cell that says what came back."""
    cells = re.findall(r'(?s)<td data-label="What came back">(.*?)</td>', html)
    texts = (" ".join(unescape(re.sub(r"<[^>]*>", " ", cell)).split()) for cell in cells)
    return dict(zip(addresses(html), texts, strict=True))


NOTICES = [
    (Event.Kind.HARD_BOUNCED, "Hard bounce", "550 5.1.1 gone"),
    (Event.Kind.SOFT_BOUNCED, "Soft bounce", "452 4.2.2 full"),
    (Event.Kind.BLOCKED, "Blocked", "554 listed"),
    (Event.Kind.DELAYED, "Delayed", "451 later"),
    (Event.Kind.COMPLAINED, "Complaint", "abuse"),
    (Event.Kind.AUTO_REPLIED, "Automatic reply", "On holiday"),
]


@pytest.mark.parametrize(("kind", "label", "words"), NOTICES)
def test_says_what_came_back_by_kind_with_its_words(
    sent: Campaign, owner_client: Client, kind: Event.Kind, label: str, words: str
) -> None:
    event("anna@x.example", kind, detail=words)
    html = table(owner_client, sent, f"?event={kind}&q=anna")
    assert re.fullmatch(f"{label} .*{words}", shown(html)["anna@x.example"])
    look = statuses.look(kind)
    assert re.search(rf'(?s)class="[^"]*tone-{look.role}\b.{{,200}}{label}', html)
    answer = owner_client.get(f"/w/brand/campaigns/{sent.pk}/recipients.csv?q=anna")
    header, line = rows(answer)
    said = dict(zip(header, line, strict=True))
    assert (said["What came back"], said["Words of what came back"]) == (label, words)
    assert said["When it came back"]


def test_several_events_of_one_person(sent: Campaign, owner_client: Client) -> None:
    event("anna@x.example", Event.Kind.OPENED, detail="Mozilla/5.0")
    event("anna@x.example", Event.Kind.SOFT_BOUNCED, detail="=452 full\nreally")
    event("anna@x.example", Event.Kind.SOFT_BOUNCED, detail="a second time")
    event("anna@x.example", Event.Kind.UNSUBSCRIBED, detail="Mozilla/5.0")
    event("anna@x.example", Event.Kind.COMPLAINED, detail="abuse")
    cells = shown(table(owner_client, sent))
    kinds = r"Opened .*Soft bounce .*=452 full really Unsubscribed .*Complaint .*abuse"
    assert re.fullmatch(kinds, cells["anna@x.example"])
    assert "Mozilla" not in cells["anna@x.example"]
    assert "second time" not in cells["anna@x.example"]
    assert cells["ben@x.example"] == "–"
    # The words of a refusal stand under the state.
    assert re.fullmatch(r"Hard bounce [^5]*", cells["reject@x.example"])
    header, anna, *_others = rows(
        owner_client.get(f"/w/brand/campaigns/{sent.pk}/recipients.csv?domain=x.example")
    )
    line = dict(zip(header, anna, strict=True))
    assert line["What came back"].split("\n") == ["Soft bounce", "Unsubscribed", "Complaint"]
    assert len(line["When it came back"].split("\n")) == 3
    assert line["Words of what came back"] == "Soft bounce: =452 full really\nComplaint: abuse"


def test_words_that_came_back_are_no_formulas(sent: Campaign, owner_client: Client) -> None:
    event("anna@x.example", Event.Kind.BLOCKED, detail="=cmd|' /C calc'!A0")
    answer = owner_client.get(f"/w/brand/campaigns/{sent.pk}/recipients.csv?event=blocked")
    assert rows(answer)[1][-1].startswith("'=cmd")


def test_machines_stand_beside_people_with_their_reason(
    sent: Campaign, owner_client: Client
) -> None:
    event("anna@x.example", Event.Kind.OPENED, actor=Actor.PRIVACY_PROXY)
    event("ben@x.example", Event.Kind.OPENED, actor=Actor.SCANNER)
    event("ben@x.example", Event.Kind.OPENED, actor=Actor.BROWSER)
    event("ben@x.example", Event.Kind.CLICKED, link=1, actor=Actor.BURST)
    event("carl@y.example", Event.Kind.CLICKED, link=1)
    assert addresses(table(owner_client, sent, "?event=opened")) == ["ben@x.example"]
    opened = table(owner_client, sent, "?event=machine_opened")
    assert addresses(opened) == ["anna@x.example", "ben@x.example"]
    assert "by a machine: Apple&#x27;s proxy" in opened
    assert "by a machine: a known scanner of mails" in opened
    # Of a person behind Apple's proxy it is unknown.
    assert addresses(table(owner_client, sent, "?event=not_opened")) == ["carl@y.example"]
    assert addresses(table(owner_client, sent, "?event=machine_clicked")) == ["ben@x.example"]
    assert "by a person or a machine: unknown" in table(owner_client, sent, "?event=clicked")
    report = owner_client.get(f"/w/brand/campaigns/{sent.pk}/").content.decode()
    assert "and 2 by machines" in re.sub(r"\s+", " ", report)
    assert "three or more links within two seconds" in report
    assert "machine_opened" in report.partition("returns-series")[2]
    csv = owner_client.get(f"/w/brand/campaigns/{sent.pk}/recipients.csv?domain=x.example")
    header, _anna, ben, *_others = rows(csv)
    line = dict(zip(header, ben, strict=True))
    assert line["Opens and clicks of machines"].split("\n") == [
        "Opened (by a machine: a known scanner of mails)",
        "Clicked (by a machine: three or more links within two seconds)",
    ]


def test_the_timeline_says_who_opened(sent: Campaign, owner_client: Client) -> None:
    for actor in (Actor.PRIVACY_PROXY, Actor.UNKNOWN, Actor.BROWSER):
        event("anna@x.example", Event.Kind.OPENED, actor=actor)
    contact = Contact.objects.get(email="anna@x.example")
    page = owner_client.get(f"/w/brand/contacts/{contact.pk}/").content.decode()
    assert page.count("Opened (by a machine: Apple&#x27;s proxy): mail") == 1
    assert page.count("Opened: mail") == 2
    assert page.count("by a person or a machine: unknown") == 1


def test_events_are_read_by_one_query_for_many_rows(
    start: Start,
    send: Send,
    owner_client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    everybody = [f"p{number:02}@x.example" for number in range(25)]
    campaign = start(*everybody)
    send()
    for address in everybody:
        event(address, Event.Kind.DELAYED, detail=f"451 {address}")
    with CaptureQueriesContext(connection) as page:
        table(owner_client, campaign)
    assert len(events_read(page)) == 1
    monkeypatch.setattr(recipients, "EVENTS_OF", 10)
    with CaptureQueriesContext(connection) as export:
        answer = owner_client.get(f"/w/brand/campaigns/{campaign.pk}/recipients.csv")
        _header, *lines = rows(answer)
    assert len(events_read(export)) == 3
    assert [(line[0], line[-1]) for line in lines] == [(one, f"451 {one}") for one in everybody]


def events_read(queries: CaptureQueriesContext) -> list[str]:
    return [one["sql"] for one in queries if 'FROM "sending_event"' in one["sql"]]


def test_csv_is_of_the_filtered_result_and_in_the_readers_language(
    sent: Campaign, owner_client: Client, owner: User
) -> None:
    owner_client.cookies["language"] = "en"
    answer = owner_client.get(f"/w/brand/campaigns/{sent.pk}/recipients.csv?state=failed")
    _header, *lines = rows(answer)
    assert [line[:2] for line in lines] == [
        ["reject@x.example", "Failed"],
        ["spam@y.example", "Failed"],
    ]


def test_who_may_not_export_gets_no_csv(
    sent: Campaign, workspace: Workspace, make_member: Callable[..., User]
) -> None:
    viewer = Client()
    viewer.force_login(
        make_member(workspace, Role.VIEWER),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    assert "recipients.csv" not in table(viewer, sent)
    assert viewer.get(f"/w/brand/campaigns/{sent.pk}/recipients.csv").status_code == 403


def test_says_when_the_next_try_is(start: Start, send: Send, owner_client: Client) -> None:
    campaign = start("defer@x.example")
    send()
    Message.objects.update(retry_at=timezone.now() + timedelta(hours=2, minutes=1))
    html = re.sub(r"<[^>]*>", " ", table(owner_client, campaign, "?state=waiting"))
    assert "next try in 2 hours" in " ".join(html.split())
    assert "The server asks to try again later" in html


@pytest.mark.parametrize("query", ["", "q=p1", "q=p12@x.example", "event=opened"])
def test_a_page_reads_no_more_than_it_shows(start: Start, query: str) -> None:
    """However many recipients the campaign has: by the index of addresses, which has only
    messages that don't repeat."""
    campaign = start(*(f"p{n}@x.example" for n in range(3000)))
    assert campaign.mailing is not None
    Message.objects.update(opened_at=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE sending_message")
    rows = recipients.filtered(campaign.mailing, QueryDict(query)).order_by("address")[:50]
    [plan] = json.loads(rows.explain(analyze=True, format="json"))
    scans = [one for one in steps(plan["Plan"]) if "Scan" in one["Node Type"]]
    assert sum(one["Actual Rows"] for one in scans) <= 120


def steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for one in plan.get("Plans", ()):
        yield from steps(one)
