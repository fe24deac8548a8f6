"""From requests for pixels and links to events and counts: people, machines, bursts in pieces."""

import datetime as dt
import re
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.models import Contact
from contacts.provenance import BY_HAND
from contacts.services import erasing, openconsent
from sending.compose import tokens
from sending.machines import Actor
from sending.models import Event, Message, Tally, TallyMinute, WaitingErasure
from tracking.models import Hit
from tracking.services import hits

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/131.0.0.0 Safari/537.36"
)
APPLE = "Mozilla/5.0"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
COUNTED = ("opened", "clicked")


@pytest.fixture
def token(message: Message) -> str:
    """Of a mail that was accepted an hour ago."""
    Message.objects.filter(pk=message.pk).update(settled_at=timezone.now() - dt.timedelta(hours=1))
    return tokens.make(message.pk)


def recorded() -> list[tuple[str, int]]:
    hits.record_hits()
    assert_counts_close()
    return list(Event.objects.order_by("pk").values_list("kind", "actor"))


def assert_counts_close() -> None:
    """The tally and its minutes say what the events say; people and machines apart."""
    for tally in Tally.objects.all():
        minutes = TallyMinute.objects.filter(mailing=tally.mailing_id)
        for name in COUNTED:
            events = Event.objects.filter(mailing=tally.mailing_id, kind=name)
            for column, some in (
                (name, events.filter(actor__lte=0)),
                (f"machine_{name}", events.filter(actor__gt=0)),
            ):
                number = some.values("message").distinct().count()
                unnamed = tally.opened_unnamed if column == "opened" else 0
                unnamed += tally.machine_opened_unnamed if column == "machine_opened" else 0
                assert getattr(tally, column) == number + unnamed, column
                assert sum(minutes.values_list(column, flat=True)) == number + unnamed, column
    for message in Message.objects.all():
        events = Event.objects.filter(message=message)
        for name, bit in (("opened", 1), ("clicked", 2)):
            own = events.filter(kind=name)
            people = own.filter(actor__lte=0).order_by("at").first()
            assert getattr(message, f"{name}_at") == (people.at if people else None)
            assert bool(message.machines & bit) is own.filter(actor__gt=0).exists()


def burst(message: Message, at: dt.datetime, *links: int, actor: Actor = Actor.BROWSER) -> None:
    for place, link in enumerate(links):
        moment = at + dt.timedelta(milliseconds=300 * place)
        hits.keep(message.pk, "clicked", link=link, actor=actor, at=moment)


@pytest.mark.parametrize(
    ("agent", "opened", "clicked"),
    [
        (APPLE, Actor.PRIVACY_PROXY, Actor.UNKNOWN),
        (GMAIL, Actor.IMAGE_PROXY, Actor.BROWSER),
        ("Barracuda Sentinel (EE)", Actor.SCANNER, Actor.SCANNER),
        (CHROME, Actor.BROWSER, Actor.BROWSER),
        # Browsers name themselves; proxies of readers need not.
        ("", Actor.UNKNOWN, Actor.PROGRAM),
        ("-", Actor.UNKNOWN, Actor.PROGRAM),
        ("x" * 10_000, Actor.UNKNOWN, Actor.UNKNOWN),
        ("\x00\x01\x1b]0;\x07\r\n\udcff", Actor.UNKNOWN, Actor.UNKNOWN),
    ],
)
def test_requests_with_any_user_agent(
    client: Client, token: str, agent: str, opened: Actor, clicked: Actor
) -> None:
    assert client.get(f"/e/o/{token}.gif", HTTP_USER_AGENT=agent).status_code == 200
    assert client.get(f"/e/c/{token}/0", HTTP_USER_AGENT=agent).status_code == 302
    assert recorded() == [("opened", opened), ("clicked", clicked)]
    # Nothing of the request stays but what it says about machines.
    assert not Event.objects.exclude(detail="").exists()


def test_requests_without_a_user_agent_and_for_headers(client: Client, token: str) -> None:
    for path in (f"/e/o/{token}.gif", f"/e/c/{token}/0"):
        assert client.get(path).status_code == client.head(path).status_code
    assert sorted(recorded()) == [
        ("clicked", Actor.PROGRAM),
        ("clicked", Actor.HEADERS_ONLY),
        ("opened", Actor.UNKNOWN),
        ("opened", Actor.HEADERS_ONLY),
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-purpose": "prefetch;anonymous-client-ip"},
        {"purpose": "prefetch"},
        {"x-moz": "prefetch"},
        {"x-purpose": "preview"},
        {"sec-purpose": "prefetch;prerender"},
    ],
)
def test_a_browser_that_fetches_in_advance(
    client: Client, token: str, headers: dict[str, str]
) -> None:
    client.get(f"/e/c/{token}/0", headers=headers | {"user-agent": CHROME})
    client.get(f"/e/c/{token}/0", headers={"user-agent": CHROME, "sec-purpose": "x" * 10_000})
    assert recorded() == [("clicked", Actor.PREFETCH), ("clicked", Actor.BROWSER)]


# Other pages of the mail -------------------------------------------------------------------------

PAGES = ("u", "v", "s", "p")


def look(client: Client, token: str, *pages: str) -> None:
    for page in pages:
        assert client.get(f"/e/{page}/{token}", HTTP_USER_AGENT=CHROME).status_code == 200


def settled() -> None:
    """The hits are some seconds old."""
    Hit.objects.update(at=F("at") - 2 * hits.SETTLED)


def test_a_scanner_that_follows_all_links_of_a_mail_with_one_link(
    client: Client, token: str, message: Message
) -> None:
    client.get(f"/e/o/{token}.gif", HTTP_USER_AGENT=CHROME)
    client.get(f"/e/c/{token}/0", HTTP_USER_AGENT=CHROME)
    look(client, token, "u", "v", "s")
    settled()
    assert recorded() == [("opened", Actor.BURST), ("clicked", Actor.BURST)]
    message.refresh_from_db()
    assert (message.opened_at, message.clicked_at, message.machines) == (None, None, 3)
    assert not Hit.objects.exists()


@pytest.mark.parametrize("early", ["click", "pages"])
def test_pages_and_clicks_that_are_recorded_one_after_the_other(
    client: Client, token: str, early: str
) -> None:
    """A look waits until the clicks of its seconds are stored."""
    if early == "pages":
        look(client, token, "u", "p")
        assert recorded() == []
    client.get(f"/e/c/{token}/0", HTTP_USER_AGENT=CHROME)
    assert recorded() == [("clicked", Actor.BROWSER)]
    if early == "click":
        look(client, token, "u", "p")
        assert recorded() == [("clicked", Actor.BROWSER)]
    assert Hit.objects.count() == 2
    Event.objects.update(at=F("at") - 2 * hits.SETTLED)
    Message.objects.update(clicked_at=F("clicked_at") - 2 * hits.SETTLED)
    TallyMinute.objects.update(minute=Event.objects.get().at.replace(second=0, microsecond=0))
    settled()
    assert recorded() == [("clicked", Actor.BURST)]
    assert not Hit.objects.exists()


def test_two_pages_and_the_form_of_a_person_say_nothing(client: Client, token: str) -> None:
    client.get(f"/e/c/{token}/0", HTTP_USER_AGENT=CHROME)
    look(client, token, "u", "u")
    client.post(f"/e/s/{token}", {"action": "none"}, HTTP_USER_AGENT=CHROME)
    settled()
    assert ("clicked", Actor.BROWSER) in recorded()
    assert not Event.objects.filter(actor__gt=0).exists()


def test_pages_alone_are_forgotten(client: Client, token: str) -> None:
    look(client, token, *PAGES)
    client.head(f"/e/u/{token}")
    assert Hit.objects.filter(kind="looked").count() == 5
    settled()
    assert hits.record_hits() == 5
    assert not Event.objects.exists()
    assert not Hit.objects.exists()


def test_looks_take_no_place_of_what_counts(client: Client, token: str, message: Message) -> None:
    look(client, token, *PAGES)
    settled()
    burst(message, timezone.now() - dt.timedelta(minutes=5), 0, 1)
    assert hits.record_hits(batch=2) == 2
    assert Hit.objects.count() == len(PAGES)


# Erased persons ----------------------------------------------------------------------------------


@pytest.mark.parametrize("after", ["erased", "nobody", "waiting"])
def test_nothing_new_is_recorded_of_erased_persons(
    client: Client, token: str, message: Message, contact: Contact, after: str
) -> None:
    client.get(f"/e/c/{token}/0", HTTP_USER_AGENT=CHROME)
    recorded()
    if after == "erased":
        erasing.erase(contact.workspace, contact.email, by=None)
    elif after == "nobody":
        Message.objects.update(contact_id=0)
    else:
        WaitingErasure.objects.create(message_id=message.pk, mailing=message.mailing)
    before = Message.objects.values("clicked_at", "opened_at", "machines").get()
    client.get(f"/e/o/{token}.gif", HTTP_USER_AGENT=CHROME)
    client.head(f"/e/c/{token}/0")
    assert client.get(f"/e/c/{token}/0", HTTP_USER_AGENT=CHROME).status_code == 302
    look(client, token, "u")
    hits.keep(message.pk, "unsubscribed", user_agent=CHROME)
    settled()
    assert [kind for kind, _actor in recorded()] == ["clicked"]
    assert Message.objects.values("clicked_at", "opened_at", "machines").get() == before
    assert not Hit.objects.exists()


def test_a_click_from_the_network_of_a_scanner(client: Client, token: str) -> None:
    client.get(f"/e/c/{token}/0", HTTP_USER_AGENT=CHROME, REMOTE_ADDR="209.222.80.9")
    client.get(f"/e/o/{token}.gif", HTTP_USER_AGENT=CHROME, REMOTE_ADDR="209.222.80.9")
    assert recorded() == [("clicked", Actor.NETWORK), ("opened", Actor.BROWSER)]


def test_a_person_after_a_machine_counts_from_their_own_time(
    client: Client, token: str, message: Message
) -> None:
    client.get(f"/e/o/{token}.gif", HTTP_USER_AGENT=APPLE)
    client.head(f"/e/c/{token}/0")
    recorded()
    message.refresh_from_db()
    assert (message.opened_at, message.clicked_at, message.machines) == (None, None, 7)
    before = timezone.now()
    client.get(f"/e/o/{token}.gif", HTTP_USER_AGENT=GMAIL)
    client.get(f"/e/c/{token}/0", HTTP_USER_AGENT=CHROME)
    recorded()
    message.refresh_from_db()
    assert None not in (message.opened_at, message.clicked_at)
    assert all(at > before for at in (message.opened_at, message.clicked_at) if at)
    tally = Tally.objects.get()
    assert (tally.opened, tally.machine_opened) == (1, 1)
    assert (tally.clicked, tally.machine_clicked) == (1, 1)
    # The proxy comes again: nothing changes.
    client.get(f"/e/o/{token}.gif", HTTP_USER_AGENT=APPLE)
    recorded()
    assert Tally.objects.get().machine_opened == 1


def test_clicks_seconds_after_the_mail_was_accepted(client: Client, message: Message) -> None:
    Message.objects.filter(pk=message.pk).update(settled_at=timezone.now())
    client.get(f"/e/c/{tokens.make(message.pk)}/0", HTTP_USER_AGENT=CHROME)
    assert recorded() == [("clicked", Actor.TOO_SOON)]


def test_a_proxy_that_hides_its_person_after_another_machine(
    client: Client, token: str, message: Message
) -> None:
    client.head(f"/e/o/{token}.gif")
    recorded()
    client.get(f"/e/o/{token}.gif", HTTP_USER_AGENT=APPLE)
    recorded()
    message.refresh_from_db()
    assert message.machines == Message.MACHINE_OPENED + Message.HIDDEN


@pytest.mark.parametrize("pieces", [[(0, 1, 2, 0)], [(0,), (1,), (2, 0)], [(0, 1), (2,), (0,)]])
def test_a_burst_is_a_machine_in_however_many_pieces_it_is_recorded(
    token: str, message: Message, pieces: list[tuple[int, ...]]
) -> None:
    at = timezone.now() - dt.timedelta(minutes=10)
    hits.keep(message.pk, "opened", actor=Actor.BROWSER, at=at)
    done = 0
    for piece in pieces:
        for link in piece:
            moment = at + dt.timedelta(milliseconds=400 * done)
            hits.keep(message.pk, "clicked", link=link, actor=Actor.BROWSER, at=moment)
            done += 1
        recorded()
    assert set(Event.objects.values_list("actor", flat=True)) == {Actor.BURST}
    tally = Tally.objects.get()
    assert (tally.opened, tally.machine_opened) == (0, 1)
    assert (tally.clicked, tally.machine_clicked) == (0, 1)


def test_a_person_before_and_after_a_burst_stays(token: str, message: Message) -> None:
    at = timezone.now() - dt.timedelta(minutes=30)
    burst(message, at, 0)
    burst(message, at + dt.timedelta(minutes=5), 0, 1)
    recorded()
    burst(message, at + dt.timedelta(minutes=5, milliseconds=900), 2)
    burst(message, at + dt.timedelta(minutes=9), 1)
    recorded()
    message.refresh_from_db()
    assert message.clicked_at == at
    assert sorted(actor for _kind, actor in recorded()) == [Actor.BROWSER] * 2 + [Actor.BURST] * 3


def test_the_first_click_of_a_person_moves_behind_a_burst(token: str, message: Message) -> None:
    at = timezone.now() - dt.timedelta(minutes=30)
    burst(message, at, 0, 1)
    burst(message, at + dt.timedelta(minutes=5), 1)
    recorded()
    burst(message, at + dt.timedelta(milliseconds=900), 2)
    recorded()
    message.refresh_from_db()
    assert message.clicked_at == at + dt.timedelta(minutes=5)


def test_bursts_of_many_messages_move_their_own_counts(
    token: str, message: Message, make_mailing: Any
) -> None:
    other = Message.objects.create(
        mailing=make_mailing(), address="bo@x.example", state=2, counts_opens=True
    )
    at = timezone.now() - dt.timedelta(minutes=30)
    for one in (message, other):
        burst(one, at, 0, 1)
    recorded()
    for one in (message, other):
        burst(one, at + dt.timedelta(milliseconds=900), 2)
    recorded()
    assert {tally.machine_clicked for tally in Tally.objects.all()} == {1}


def test_a_flood_of_clicks_is_bounded(token: str, message: Message) -> None:
    at = timezone.now() - dt.timedelta(minutes=30)
    Hit.objects.bulk_create(
        Hit(message_id=message.pk, kind="clicked", link=n % 4, at=at, actor=0) for n in range(500)
    )
    for _ in range(3):
        hits.record_hits(batch=200)
    assert_counts_close()
    assert set(Event.objects.values_list("actor", flat=True)) == {Actor.BURST}


def test_opens_of_machines_need_the_consent_as_well(
    client: Client, token: str, message: Message, contact: Contact
) -> None:
    client.get(f"/e/o/{token}.gif", HTTP_USER_AGENT=APPLE)
    client.head(f"/e/c/{token}/0")
    client.get(f"/e/o/{token}.gif", HTTP_USER_AGENT=CHROME)
    recorded()
    openconsent.withdraw([contact.pk], BY_HAND)
    assert_counts_close()
    message.refresh_from_db()
    assert (message.opened_at, message.machines) == (None, Message.MACHINE_CLICKED)
    tally = Tally.objects.get()
    assert (tally.opened_unnamed, tally.machine_opened_unnamed) == (1, 1)
    client.get(f"/e/o/{token}.gif", HTTP_USER_AGENT=APPLE)
    assert [kind for kind, _actor in recorded()] == ["clicked"]


def test_stored_events_are_found_by_their_message(token: str, message: Message) -> None:
    """Also while PostgreSQL's statistics say that the table is empty, as before the first campaign:
    not by an index that begins with the mailing, which would be read whole for each message."""
    plans: list[str] = []

    def explain(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if "CROSS JOIN LATERAL" in sql:
            execute(f"EXPLAIN {sql}", parameters, many, context)
            plans.append("\n".join(row[0] for row in context["cursor"].fetchall()))
        return execute(sql, parameters, many, context)

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE sending_event_0; SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    with connection.execute_wrapper(explain):
        burst(message, timezone.now(), 0, 1, 2)
        hits.record_hits()
    [plan] = plans
    assert re.search(r"Index Scan using sending_event_\d+_message_id", plan), plan


def test_opens_alone_ask_nothing_more(token: str, message: Message) -> None:
    hits.keep(message.pk, "opened", actor=Actor.BROWSER)
    hits.keep(message.pk, "clicked", link=0, actor=Actor.BROWSER)
    with CaptureQueriesContext(connection) as queries:
        hits.record_hits()
    assert not any("LATERAL" in one["sql"] for one in queries)
