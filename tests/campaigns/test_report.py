"""The live page and the report, as a person sees them, of campaigns that really went out."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User, Workspace
from accounts.permissions import Role
from campaigns.models import Campaign
from campaigns.queries import series
from contacts.models import Contact, List, Subscription
from relays.models import Pool, PoolMember, Relay
from sending.models import Event, Mailing, Message, Tally, TallyMinute
from sending.queries import events, pictures
from sending.services import dispatch, mailings
from tests.factories import make_content
from tests.sending.engine.conftest import assert_closes

pytestmark = pytest.mark.django_db(transaction=True)
Start = Callable[..., Campaign]
Send = Callable[[], None]
State = Message.State
LEDGER = ("accepted", "failed", "skipped", "unknown", "in_flight", "waiting")


def url(campaign: Campaign, tail: str = "") -> str:
    return f"/w/brand/campaigns/{campaign.pk}/{tail}"


def read(client: Client, campaign: Campaign, tail: str = "", **headers: str) -> str:
    answer = client.get(url(campaign, tail), headers=headers)
    assert answer.status_code in {200, 286}
    return answer.content.decode()


def words(html: str) -> str:
    """What a person reads of it."""
    return unescape(" ".join(re.sub(r"<[^>]*>", " ", html).split()))


def ledger(html: str) -> dict[str, int]:
    """The ledger line as it is on the page, the sum as `targeted`."""
    shown = {}
    for code in (*LEDGER, "targeted"):
        [(entry,)] = [m.groups() for m in re.finditer(f'(?s)id="ledger-{code}".*?>(.*?)</a>', html)]
        shown[code] = int(re.sub(r"[^\d]", "", words(entry)))
    return shown


def mailing_of(campaign: Campaign) -> Mailing:
    campaign.refresh_from_db()
    assert campaign.mailing is not None
    campaign.mailing.refresh_from_db()
    return campaign.mailing


MIXED = ("a@x.example", "b@x.example", "c@y.example", "reject@x.example", "spam@y.example")


def test_the_ledger_on_the_page_adds_up(
    start: Start, send: Send, owner_client: Client, workspace: Workspace
) -> None:
    campaign = start(*MIXED, "drop@x.example", "defer@x.example")
    Contact.objects.get(email="c@y.example").delete()
    send()
    assert_closes(mailing_of(campaign))
    shown = ledger(read(owner_client, campaign))
    assert shown == {
        "accepted": 2,
        "failed": 2,
        "skipped": 1,
        "unknown": 1,
        "in_flight": 0,
        "waiting": 1,
        "targeted": 7,
    }
    assert sum(shown[code] for code in LEDGER) == shown["targeted"]


def test_every_figure_of_the_ledger_opens_as_many_people(
    start: Start, send: Send, owner_client: Client
) -> None:
    campaign = start(*MIXED, "drop@x.example", "defer@x.example")
    send()
    html = read(owner_client, campaign)
    for code, count in ledger(html).items():
        [link] = re.findall(rf'id="ledger-{code}"[^>]*?href="([^"]+)"', html)
        people = owner_client.get(link).content.decode()
        assert people.count('class="main"') == count, code


def test_it_polls_while_it_sends_and_stops_when_it_is_over(
    start: Start, send: Send, owner_client: Client
) -> None:
    campaign = start("a@x.example", "b@x.example")
    live = read(owner_client, campaign, "live/")
    assert 'hx-trigger="every 2s"' in live
    assert ledger(live)["waiting"] == 2
    send()
    live = read(owner_client, campaign, "live/")
    assert "every 2s" not in live
    assert "Finished" in words(live)
    assert ledger(live)["accepted"] == 2
    answer = owner_client.get(url(campaign, "report/failures/"), headers={"HX-Request": "true"})
    assert answer.status_code == 286  # htmx stops asking


def test_announces_only_what_is_news(start: Start, send: Send, owner_client: Client) -> None:
    campaign = start("a@x.example", "b@x.example")
    first = read(owner_client, campaign)
    seen = unescape(re.findall(r"live/\?(said=[\w-]+&amp;runs=[\w-]*&amp;unknown=\d+)", first)[0])
    again = read(owner_client, campaign, f"live/?{seen}")
    assert "live-said" not in again
    assert 'id="unknown"' not in again
    send()
    later = read(owner_client, campaign, f"live/?{seen}")
    assert "Finished: 2 of 2 done" in words(later)


def test_rate_and_finish_come_from_what_was_sent_lately(
    start: Start, send: Send, owner_client: Client, relay: Relay
) -> None:
    campaign = start(
        *(f"p{n}@x.example" for n in range(20)), *(f"defer{n}@x.example" for n in range(30))
    )
    assert "finishes" not in words(read(owner_client, campaign, "live/"))  # nothing sent so far
    send()
    mailing = mailing_of(campaign)
    Mailing.objects.filter(pk=mailing.pk).update(
        opened_at=timezone.now() - timedelta(seconds=10), wait_reason="", wait_until=None
    )
    shown = words(read(owner_client, campaign, "live/"))
    [rate] = re.findall(r"([\d.]+) a second", shown)
    assert 1.5 <= float(rate) <= 2.0  # 20 in 10 s, or a little more by now
    assert re.search(r"a second finishes in [4-6] minutes", shown)  # the 30 are put off
    Message.objects.update(retry_at=None)
    shown = words(read(owner_client, campaign, "live/"))
    assert re.search(r"a second finishes in \d+ second", shown)
    Tally.objects.filter(mailing=mailing).update(targeted=21)
    assert "finishes" not in words(read(owner_client, campaign, "live/"))  # over before it is read


def test_bounces_are_a_share_of_sent_mails(start: Start, owner_client: Client) -> None:
    campaign = start("a@x.example")
    Tally.objects.filter(mailing=campaign.mailing_id).update(
        targeted=1000, waiting=900, accepted=80, failed=20, hard_bounced=25, soft_bounced=10
    )
    shown = words(read(owner_client, campaign, "live/"))
    assert "Hard bounces 25 25% Soft bounces 10 10%" in shown


@pytest.mark.parametrize(
    ("waits", "retries", "said"),
    [
        # It waits for the first retry; the last one counts.
        ({"wait_reason": "retrying", "wait_until": 48}, (48, 240, 1800), "30 minutes"),
        ({"wait_reason": "retrying", "wait_until": 2}, (2, 240, 1800), "30 minutes"),
        # Just over: the beat has not looked yet.
        ({"wait_reason": "retrying", "wait_until": -2}, (-2, 240, 1800), "30 minutes"),
        ({}, (-2, 240, 1800), "30 minutes"),
        # Nothing is to come that anybody knows of, and nothing goes out.
        ({}, (-2, -2, -2), ""),
        ({"wait_reason": "retrying", "wait_until": 1}, (1, 1, 1), ""),
        # The relay waits longer than the retries.
        ({"wait_reason": "rate", "wait_until": 7200}, (48, 240, 1800), "2 hours"),
        # A lane goes on later; another waits for a person.
        ({"waits": [{"reason": "lane", "lane": "qq", "until": 7200}]}, (48, 48, 48), "2 hours"),
        ({"waits": [{"reason": "held", "lane": "qq"}]}, (48, 240, 1800), ""),
        ({"wait_reason": "held"}, (48, 240, 1800), ""),
    ],
)
def test_it_ends_after_the_last_known_retry_or_says_nothing(  # noqa: PLR0917
    start: Start,
    send: Send,
    owner_client: Client,
    waits: dict[str, Any],
    retries: tuple[int, ...],
    said: str,
) -> None:
    campaign = start("a@x.example", *(f"defer{n}@x.example" for n in range(3)))
    send()
    mailing, now = mailing_of(campaign), timezone.now()
    for message, seconds in zip(Message.objects.exclude(retry_at=None), retries, strict=True):
        message.retry_at = now + timedelta(seconds=seconds)
        message.save(update_fields=["retry_at"])
    TallyMinute.objects.all().delete()  # long ago
    until = waits.pop("wait_until", None)
    mailing.wait_until = until and now + timedelta(seconds=until)
    mailing.wait_reason, mailing.waits = waits.get("wait_reason", ""), waits.get("waits", [])
    for line in mailing.waits:
        if "until" in line:
            line["until"] = (now + timedelta(seconds=line["until"])).isoformat()
    mailing.save()
    for page in (
        words(read(owner_client, campaign, "live/")),
        words(owner_client.get("/w/brand/").content.decode()),
    ):
        assert re.findall(r"finishes in (\d+ \w+)", page) == ([said] if said else [])
        assert " ago" not in page.partition("Waits:")[2][:80]
        assert "in 0 seconds" not in page


def test_says_why_it_waits_until_when_and_in_the_relays_words(
    start: Start, owner_client: Client, relay: Relay
) -> None:
    campaign = start("a@x.example")
    until = timezone.now() + timedelta(hours=3)
    Relay.objects.filter(pk=relay.pk).update(
        wait_until=until, wait_reason="rate", state_words="421 4.7.0 slow down, friend"
    )
    dispatch.tend_mailings()
    shown = words(read(owner_client, campaign))
    assert "Waits: The server asks to go slower · goes on in 3 hours" in shown
    assert "Post · until" in shown
    assert "421 4.7.0 slow down, friend" in shown


def test_of_a_pool_says_which_relay_waits_and_which_carries_on(
    start: Start, owner_client: Client, relay: Relay, workspace: Workspace
) -> None:
    pool = Pool.objects.create(workspace=workspace, name="Main")
    waiting = Relay.objects.create(
        workspace=workspace,
        name="SES",
        host="h.example",
        wait_until=timezone.now() + timedelta(hours=9),
        wait_reason="per_day",
    )
    for one in (relay, waiting):
        PoolMember.objects.create(pool=pool, relay=one)
    campaign = start("a@x.example", relay=None, pool=pool)
    dispatch.tend_mailings()
    shown = words(read(owner_client, campaign))
    assert "Waits:" not in shown
    assert "Post: carries on SES: The relay's daily limit is reached · until" in shown


def test_pause_resume_and_cancel(
    start: Start, send: Send, owner_client: Client, sink: object
) -> None:
    campaign = start("a@x.example", "b@x.example")
    answer = owner_client.post(url(campaign, "pause/"), headers={"HX-Request": "true"})
    assert "Paused" in words(answer.content.decode())
    assert 'id="live"' in answer.content.decode()
    send()
    assert mailing_of(campaign).state == "paused"
    assert ledger(read(owner_client, campaign))["waiting"] == 2

    answer = owner_client.post(url(campaign, "resume/"))  # without script: the page again
    assert answer.status_code == 302
    assert answer["Location"] == url(campaign)
    assert mailing_of(campaign).state == "sending"

    asked = words(read(owner_client, campaign))
    assert "Cancel this campaign? 0 of 2 are done; 2 will not be sent." in asked
    owner_client.post(url(campaign, "cancel/"))
    html = read(owner_client, campaign)
    assert "Cancelled" in words(html)
    assert ledger(html)["skipped"] == 2
    assert "0 of 2 sent" in words(html)
    assert "of 2 done" not in words(html)
    assert "every 2s" not in html
    assert_closes(mailing_of(campaign))


def test_a_verb_that_comes_too_late_says_so(start: Start, send: Send, owner_client: Client) -> None:
    campaign = start("a@x.example")
    send()
    answer = owner_client.post(url(campaign, "pause/"), follow=True)
    assert "This campaign is finished; everything is sent." in words(answer.content.decode())
    assert mailing_of(campaign).state == "finished"


def test_who_may_not_send_sees_no_verbs(
    start: Start, workspace: Workspace, make_member: Callable[..., User]
) -> None:
    campaign = start("a@x.example")
    client = Client()
    client.force_login(
        make_member(workspace, Role.VIEWER),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    html = read(client, campaign)
    assert "live-verb" not in html
    assert "live-cancel" not in html
    assert client.post(url(campaign, "pause/")).status_code == 403


def test_failures_are_grouped_by_what_the_server_said(
    start: Start, send: Send, owner_client: Client
) -> None:
    campaign = start("a@x.example", "reject1@x.example", "reject2@x.example", "spam@y.example")
    send()
    # The same refusal, but each names its own recipient and queue.
    for message in Message.objects.filter(reason="address"):
        message.reply = f"550 5.1.1 <{message.address}>: unknown in table Q{message.pk}9F"
        message.save(update_fields=["reply"])
    shown = words(read(owner_client, campaign, "report/failures/"))
    assert re.search(r"The address does not exist 550 5\.1\.1 <reject\d@x\.example>.* 2 ", shown)
    assert "The server refuses the mail 554 5.7.1 Looks like spam What it means 1" in shown


def test_a_group_of_failures_opens_its_people(
    start: Start, send: Send, owner_client: Client
) -> None:
    campaign = start("reject1@x.example", "reject2@x.example", "spam@y.example")
    send()
    html = read(owner_client, campaign, "report/failures/")
    [link] = set(re.findall(r'href="([^"]*reason=policy[^"]*)"', html))
    people = words(owner_client.get(link.replace("&amp;", "&")).content.decode())
    assert "spam@y.example" in people
    assert "reject1@x.example" not in people


def test_who_was_left_out_is_there_with_the_reason(
    start: Start, owner_client: Client, workspace: Workspace
) -> None:
    gone = List.objects.create(workspace=workspace, name="Gone")
    campaign = start("a@x.example", "left@x.example")
    Subscription.objects.filter(contact__email="left@x.example").update(status="unsubscribed")
    campaign.lists_in.add(gone)
    second = start("c@x.example", name="Second", lists_in=[*campaign.lists_in.all()])
    shown = words(read(owner_client, second))
    assert "Left out when it started 1 Reason People Unsubscribed from the list 1" in shown


def test_bounces_opens_and_clicks(start: Start, send: Send, owner_client: Client) -> None:
    campaign = start("a@x.example", "b@x.example", "c@y.example", "d@y.example")
    send()
    mailing = mailing_of(campaign)
    ids = dict(Message.objects.filter(mailing=mailing).values_list("address", "pk"))
    now = timezone.now()
    events.record(
        [
            events.EventRow(ids["a@x.example"], Event.Kind.OPENED, now),
            events.EventRow(ids["a@x.example"], Event.Kind.OPENED, now),
            events.EventRow(ids["a@x.example"], Event.Kind.CLICKED, now, link=0),
            events.EventRow(ids["a@x.example"], Event.Kind.CLICKED, now, link=0),
            events.EventRow(ids["b@x.example"], Event.Kind.CLICKED, now, link=0),
            events.EventRow(
                ids["c@y.example"], Event.Kind.HARD_BOUNCED, now, detail="550 5.1.1 no c@y.example"
            ),
            events.EventRow(ids["d@y.example"], Event.Kind.BLOCKED, now, detail="554 listed"),
        ]
    )
    live = words(read(owner_client, campaign))
    assert "Opened 1 25% of 4 counted mails Clicked 2 50% Hard bounces 1 25%" in live
    assert "Soft bounces 0 0% Blocked 1 25%" in live
    bounces = words(read(owner_client, campaign, "report/bounces/"))
    assert "Hard bounce 1 Soft bounce 0 Blocked 1 Complaint 0" in bounces
    assert "550 5.1.1 no c@y.example 1" in bounces
    links = words(read(owner_client, campaign, "report/links/"))
    assert "https://brand.example/spring 2 3" in links
    domains = words(read(owner_client, campaign, "report/domains/"))
    assert "x.example 2 100% 0% 0% 50% 100%" in domains
    assert "y.example 2 100% 0% 100% 0% 0%" in domains


def test_series_are_in_the_readers_zone(
    start: Start, send: Send, owner_client: Client, owner: User
) -> None:
    User.objects.filter(pk=owner.pk).update(timezone="Asia/Shanghai")
    campaign = start("a@x.example", "reject@x.example")
    send()
    html = read(owner_client, campaign)
    assert 'data-zone="Asia/Shanghai"' in html
    [chart] = re.findall(r'(?s)id="sending-series"[^>]*>(.*?)</script>', html)
    # One accepted and one failed; around a single minute are others, or nothing would be drawn.
    assert chart.count('"values": [0, 0, 1, 0, 0]') == 2


def test_one_campaigns_messages_are_not_anothers(
    start: Start, send: Send, owner_client: Client, relay: Relay
) -> None:
    first = start("drop@x.example")
    send()
    second = start("drop@x.example", name="Second")
    Relay.objects.filter(pk=relay.pk).update(wait_until=None)  # the cut made it wait
    send()
    theirs = Message.objects.get(mailing=mailing_of(second))
    owner_client.post(url(first, "unknown/count/"), {"pk": str(theirs.pk)})
    theirs.refresh_from_db()
    assert theirs.state == State.UNKNOWN


def test_a_draft_has_no_parts(make_campaign: Callable[..., Campaign], owner_client: Client) -> None:
    draft = make_campaign()
    assert owner_client.get(url(draft, "live/")).status_code == 404
    assert owner_client.get(url(draft, "recipients/")).status_code == 302
    assert owner_client.get(url(draft, "report/nonsense/")).status_code == 404


def test_paused_by_the_platform_says_why(start: Start, owner_client: Client) -> None:
    campaign = start("a@x.example")
    mailings.pause(mailing_of(campaign), "many_refused", "554 5.7.1 Spam")
    shown = words(read(owner_client, campaign))
    assert "Servers refuse too many of the mails 554 5.7.1 Spam" in shown


def test_domains_are_read_in_their_own_letters(
    start: Start, send: Send, owner_client: Client
) -> None:
    campaign = start("a@xn--bcher-kva.example", from_email="news@xn--bcher-kva.example")
    send()
    assert "<news@bücher.example>" in words(read(owner_client, campaign))
    domains = read(owner_client, campaign, "report/domains/")
    assert "bücher.example 1 100%" in words(domains)
    link = re.findall(r'href="([^"]+recipients[^"]+)"', domains)[0]
    assert "a@bücher.example" in owner_client.get(link).content.decode()
    by_hand = read(owner_client, campaign, "recipients/?domain=Bücher.example")
    assert "a@bücher.example" in by_hand


def test_the_subject_is_shown_as_somebody_read_it(
    start: Start, send: Send, owner_client: Client
) -> None:
    campaign = start("ada@x.example", subject="Hello {{ email }}")
    send()
    shown = words(read(owner_client, campaign))
    assert "Hello {{ email }} ada@x.example reads: Hello ada@x.example" in shown


@pytest.mark.parametrize(("hours", "late"), [(0, False), (9, True)])
def test_a_start_that_came_late_is_explained(
    start: Start, send: Send, owner_client: Client, hours: int, late: bool
) -> None:
    campaign = start("ada@x.example")
    send()
    opened = mailing_of(campaign).opened_at
    Campaign.objects.update(scheduled_at=opened - timedelta(hours=hours, seconds=3))
    shown = words(read(owner_client, campaign))
    assert "Scheduled for" in shown
    assert ("It started later" in shown) is late


def test_the_title_is_a_subject_also_when_its_readers_are_deleted(
    start: Start, send: Send, owner_client: Client
) -> None:
    campaign = start("ada@x.example", subject="Hello {{ first_name|default('you') }}")
    send()
    Contact.objects.all().delete()
    shown = read(owner_client, campaign)
    # As the design has it: once, below "What was sent".
    assert shown.count("{{ first_name") == 1
    assert "reads:" not in shown


def test_of_several_languages_it_is_the_subject_of_that_person_s(
    start: Start, send: Send, owner_client: Client
) -> None:
    campaign = start("ada@x.example", subject="Hello {{ email }}")
    send()
    mailing = mailing_of(campaign)
    content = make_content(mailing.workspace, subject="Hallo {{ email }}")
    mailing.variants.create(number=1, language="de", content=content)
    Message.objects.update(variant=1)
    shown = words(read(owner_client, campaign))
    assert "Hello {{ email }} ada@x.example reads: Hallo ada@x.example" in shown


def test_what_was_sent_names_the_lists_that_were_left_out(
    owner_client: Client, make_list: Callable[..., List], start: Start
) -> None:
    left_out = make_list("b@x.example", name="Bought last week")
    campaign = start("a@x.example", "b@x.example", lists_out=[left_out])
    shown = words(read(owner_client, campaign))
    assert "Without Bought last week" in shown[shown.index("What was sent") :]


def test_the_lists_of_what_was_sent_stand_in_the_order_of_their_names(
    owner_client: Client, make_list: Callable[..., List], start: Start
) -> None:
    late = make_list("a@x.example", name="Zebra")
    early = make_list("b@x.example", name="Aster")
    shown = words(read(owner_client, start(lists_in=[late, early])))
    shown = shown[shown.index("What was sent") :]
    assert 0 < shown.index("Aster") < shown.index("Zebra")


def test_the_opens_say_how_they_were_counted(
    start: Start, send: Send, owner_client: Client
) -> None:
    """Only mails with a pixel are the whole; a withdrawn consent keeps the count without a name."""
    campaign = start("a@x.example", "b@x.example", "c@x.example", open_counting="consent")
    send()
    mailing = mailing_of(campaign)
    shown = words(read(owner_client, campaign))
    assert "Opened 0 – of 0 counted mails" in shown
    assert "How opens were counted: Only with consent" in shown

    rows = Message.objects.filter(mailing=mailing, address__in=["a@x.example", "b@x.example"])
    rows.update(counts_opens=True, opened_at=timezone.now())
    Tally.objects.filter(mailing=mailing).update(with_pixel=2, opened=2)
    Message.objects.filter(mailing=mailing, address="b@x.example").update(opened_at=None)
    Tally.objects.filter(mailing=mailing).update(opened=2, opened_unnamed=1)
    shown = words(read(owner_client, campaign))
    assert "Opened 2 100% of 2 counted mails" in shown
    assert "1 of them later withdrew the consent" in shown
    people = read(owner_client, campaign, "recipients/?event=opened")
    assert 'data-gone="1"' in people
    assert "a@x.example" in people
    assert "b@x.example" not in people
    domains = words(read(owner_client, campaign, "report/domains/"))
    assert "x.example 3 100% 0% 0% 50% 0%" in domains


def test_totals_are_called_loaded_pictures(start: Start, send: Send, owner_client: Client) -> None:
    campaign = start("a@x.example", "b@x.example", open_counting="totals")
    send()
    mailing = mailing_of(campaign)
    minute = timezone.now().replace(second=0, microsecond=0)
    pictures.count([(mailing.pk, minute, 7)])
    shown = words(read(owner_client, campaign))
    assert "Pictures loaded 7 a total, without persons" in shown
    assert "Opened" not in shown.partition("Clicked")[0].rpartition("Recipients")[2]
    chart = series.returns(mailing)["series"][0]
    assert (chart["name"], sum(chart["values"])) == ("Pictures loaded", 7)


def test_opens_that_are_not_counted_say_so(start: Start, send: Send, owner_client: Client) -> None:
    campaign = start("a@x.example", open_counting="none")
    send()
    assert "Opened – not counted" in words(read(owner_client, campaign))
