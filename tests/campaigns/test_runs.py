"""Runs of refusals as people see them: what is held and why, in numbers, and what they decide."""

import json
import re
import threading
from collections.abc import Callable

import pytest
from django.core import mail
from django.core.management import CommandError
from django.db import connection
from django.test import Client

from accounts.models import User, Workspace
from accounts.permissions import Role
from campaigns.exceptions import CampaignError
from campaigns.models import Campaign
from campaigns.services import holddecisions
from contacts.models import Suppression
from relays.models import Relay
from relays.services import relays
from sending.models import Hold, Message
from sending.services import telling
from tests import figures
from tests.campaigns.test_command import run
from tests.campaigns.test_report import mailing_of, read, url, words
from tests.mailservers.sink import Sink
from tests.sending.engine.conftest import assert_closes

pytestmark = pytest.mark.django_db(transaction=True)
Start = Callable[..., Campaign]
Send = Callable[[], None]
GOOD = [f"p{n}@d{n % 5}.example" for n in range(50)]
REFUSED = [f"q{n:02}@qq.com" for n in range(40)]


@pytest.fixture
def held(start: Start, send: Send, sink: Sink) -> Campaign:
    """QQ refuses all of it; the others have it."""
    sink.offers = [b"PIPELINING"]
    sink.answer = lambda address: (
        b"550 Mail content denied\r\n" if address.endswith("qq.com") else None
    )
    campaign = start(*GOOD, *REFUSED)
    send()
    return campaign


def decide(client: Client, campaign: Campaign, verb: str, number: int | None = None) -> str:
    number = number or Hold.objects.latest("pk").pk
    answer = client.post(url(campaign, f"runs/{number}/"), {"do": verb}, follow=True)
    assert answer.status_code == 200
    return words(answer.content.decode())


def test_the_page_says_in_numbers_what_is_held(held: Campaign, owner_client: Client) -> None:
    failed = assert_closes(mailing_of(held)).failed
    shown = words(read(owner_client, held))
    assert f"QQ is held: {failed} of {failed} refused" in shown
    assert "550 Mail content denied" in shown
    assert "Other providers continue." in shown
    assert f"{failed} people were refused in this run." in shown
    assert f"{40 - failed} more wait." in shown
    assert f"Take back {failed} and try again" in shown
    assert f"{40 - failed} people who still wait there get no mail of this campaign." in shown
    assert "Held: too many mails were refused" in shown
    home = words(owner_client.get("/w/brand/").content.decode())
    assert "Spring sale: QQ is held" in home


def test_the_numbers_of_a_run_open_its_people(held: Campaign, owner_client: Client) -> None:
    failed = assert_closes(mailing_of(held)).failed
    hold = Hold.objects.get()
    shown = figures.on_page(owner_client, url(held, ""))
    assert not figures.differences(owner_client, shown)
    numbers = {one.url.partition("?")[2]: one.number for one in shown}
    assert numbers[f"run={hold.pk}"] == failed
    assert numbers[f"held={hold.pk}"] == 40 - failed
    assert numbers["state=done"] == 50 + failed
    home = figures.on_page(owner_client, "/w/brand/")
    assert any(one.url.endswith("state=done") for one in home)
    assert not figures.differences(owner_client, home)
    nothing = owner_client.get(url(held, "recipients/"), {"run": hold.pk + 1}).content.decode()
    assert 'data-total="0"' in nothing


def test_nothing_goes_on_while_it_is_paused(held: Campaign, owner_client: Client) -> None:
    owner_client.post(url(held, "pause/"))
    for page in (read(owner_client, held), owner_client.get("/w/brand/").content.decode()):
        assert "QQ is held" in words(page)
        assert "Other providers continue." not in words(page)


def test_what_waits_is_said_once_and_leads_to_the_decision(
    held: Campaign, owner_client: Client
) -> None:
    page = read(owner_client, held)
    assert words(page).count("Held: too many mails were refused") == 1
    # Nobody knows when: it waits for a person.
    assert "finishes" not in words(page)
    assert '<a href="#runs">Decide about the refusals</a>' in page
    decide(owner_client, held, "drop")
    assert "Decide about the refusals" not in read(owner_client, held)


def test_taken_back_and_tried_again(
    held: Campaign, owner_client: Client, send: Send, sink: Sink
) -> None:
    failed = assert_closes(mailing_of(held)).failed
    sink.answer = lambda _: None
    shown = decide(owner_client, held, "retry")
    assert f"{failed} people who were refused are tried again." in shown
    send()
    mailing = mailing_of(held)
    assert (mailing.state, assert_closes(mailing).accepted) == ("finished", 90)
    assert set(sink.accepted.values()) == {1}
    again = decide(owner_client, held, "retry")
    assert "Somebody has decided about these refusals already." in again


def test_it_waits_until_tomorrow(held: Campaign, owner_client: Client, send: Send) -> None:
    assert "It waits for a day" in decide(owner_client, held, "wait")
    send()
    mailing = mailing_of(held)
    until = Hold.objects.get().until
    assert until is not None
    assert (mailing.state, mailing.wait_reason, mailing.wait_until) == ("sending", "held", until)
    # Somebody has decided: the home page asks for nothing.
    assert "QQ is held" not in words(owner_client.get("/w/brand/").content.decode())


def test_the_rest_is_dropped(held: Campaign, owner_client: Client, send: Send) -> None:
    failed = assert_closes(mailing_of(held)).failed
    decide(owner_client, held, "drop")
    send()
    mailing = mailing_of(held)
    assert (mailing.state, assert_closes(mailing).skipped) == ("finished", 40 - failed)


def test_a_stopped_relay(
    start: Start, send: Send, sink: Sink, owner_client: Client, relay: Relay
) -> None:
    sink.answer = lambda address: f"550 Invalid recipient: <{address}>\r\n".encode()
    campaign = start(*GOOD)
    send()
    failed = assert_closes(mailing_of(campaign)).failed
    shown = words(read(owner_client, campaign))
    assert f"The relay Post is stopped: {failed} of {failed} refused" in shown
    assert "Solve what its server reports, then start it again" in shown
    link = rf'href="/w/brand/relays/{relay.pk}/">\s*<svg.*</svg>Go to the relay'
    assert re.search(link, read(owner_client, campaign))
    decide(owner_client, campaign, "retry")
    assert assert_closes(mailing_of(campaign)).waiting == 50
    assert not Suppression.objects.exists()
    assert mailing_of(campaign).state == "sending"


def test_a_relay_that_is_stopped_again_is_one_run(
    start: Start, send: Send, sink: Sink, owner_client: Client, relay: Relay
) -> None:
    sink.answer = lambda address: f"550 Invalid recipient: <{address}>\r\n".encode()
    # So many that enough are left for a second stop, however late the first one comes.
    everybody = [f"p{n}@d{n % 5}.example" for n in range(400)]
    campaign = start(*everybody)
    send()
    first = assert_closes(mailing_of(campaign)).failed
    relays.resume(Relay.objects.get(pk=relay.pk))
    shown = words(read(owner_client, campaign))
    assert f"The relay Post was stopped: {first} of {first} refused" in shown
    send()
    failed = assert_closes(mailing_of(campaign)).failed
    assert failed > first
    shown = words(read(owner_client, campaign))
    assert shown.count("people were refused in this run") == 1
    assert f"{failed} people were refused in this run." in shown
    assert f"The relay Post is stopped: {failed} of {failed} refused" in shown
    decide(owner_client, campaign, "retry")
    assert assert_closes(mailing_of(campaign)).waiting == len(everybody)
    assert not Hold.objects.filter(decision="").exists()


def test_only_who_may_send_decides(
    held: Campaign, workspace: Workspace, make_member: Callable[..., User], client: Client
) -> None:
    client.force_login(make_member(workspace, Role.VIEWER))
    shown = read(client, held)
    assert "QQ is held" in words(shown)
    assert not re.search(r'name="do"', shown)
    number = Hold.objects.get().pk
    assert client.post(url(held, f"runs/{number}/"), {"do": "drop"}).status_code == 403
    assert Hold.objects.get().decision == ""


def test_from_the_command_line(held: Campaign, send: Send, sink: Sink) -> None:
    failed = assert_closes(mailing_of(held)).failed
    (one,) = json.loads(run(held, "status", "--json"))["runs"]
    assert (one["refused"], one["waiting"]) == (failed, 40 - failed)
    assert one["reply"] == "550 Mail content denied"
    assert f"run {one['run']}: QQ is held" in run(held, "status")
    sink.answer = lambda _: None
    run(held, "take-back", "--run", str(one["run"]))
    send()
    assert assert_closes(mailing_of(held)).accepted == 90
    with pytest.raises(CommandError, match="no such run"):
        run(held, "drop")


def test_people_are_told_once(held: Campaign, owner: User) -> None:
    failed = assert_closes(mailing_of(held)).failed
    assert telling.tell_all() == 1
    (told,) = mail.outbox
    assert (told.to, told.subject) == ([owner.email], "Spring sale: QQ is held")
    assert f"QQ is held: {failed} of {failed} refused" in told.body
    assert "550 Mail content denied" in told.body
    assert f"Still waiting: {40 - failed}." in told.body
    assert telling.tell_all() == 0


def test_too_large_says_how_large(start: Start, send: Send, sink: Sink) -> None:
    sink.offers = [b"SIZE 1000"]
    campaign = start(*GOOD)
    send()
    mailing = mailing_of(campaign)
    assert mailing.state == "paused"
    assert re.search(r"The mail is \d+\.\d kB, the relay takes 1\.0 kB", mailing.state_words)
    assert Message.objects.filter(reason="too_large", state=0, attempts=0).exists()


@pytest.mark.parametrize("case", [(3, "550 5.1.1 User unknown"), (9, "550 5.7.1 Denied")])
def test_a_small_campaign_that_wholly_failed_says_so(
    start: Start, send: Send, sink: Sink, owner_client: Client, case: tuple[int, str]
) -> None:
    """Too few for a run, and yet nobody got it."""
    number, said = case
    sink.answer = lambda _: f"{said}\r\n".encode()
    campaign = start(*GOOD[:number])
    send()
    assert mailing_of(campaign).state == "finished"
    assert not Suppression.objects.exists()
    shown = words(read(owner_client, campaign))
    assert f"{number} of {number} recipients failed" in shown
    assert said in shown
    assert f"Try {number} again" in shown
    home = words(owner_client.get("/w/brand/").content.decode())
    assert f"Spring sale: {number} of {number} recipients failed" in home
    # The relay is mended.
    sink.answer = lambda _: None
    html = read(owner_client, campaign)
    query = re.findall(r'(?s)id="mostly-failed".*?name="query" value="([^"]*)"', html)[0]
    confirmed = {"query": query, "confirmed": "1"}
    owner_client.post(url(campaign, "failed/retry/"), confirmed)
    send()
    assert assert_closes(mailing_of(campaign)).accepted == number
    assert "recipients failed" not in words(read(owner_client, campaign))
    home = words(owner_client.get("/w/brand/").content.decode())
    assert "recipients failed" not in home


@pytest.mark.parametrize("verbs", [("drop", "retry"), ("retry", "retry"), ("keep", "drop")])
def test_of_two_who_decide_at_once_the_second_is_told(
    held: Campaign, verbs: tuple[str, str]
) -> None:
    number = Hold.objects.get().pk
    said: list[str] = []

    def press(verb: str) -> None:
        try:
            together.wait()
            said.append(holddecisions.decide(Campaign.objects.get(pk=held.pk), number, verb))
        except CampaignError as error:
            said.append(str(error))
        finally:
            connection.close()

    together = threading.Barrier(2)
    threads = [threading.Thread(target=press, args=(verb,)) for verb in verbs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said.count("Somebody has decided about these refusals already.") == 1
    assert_closes(mailing_of(held))
