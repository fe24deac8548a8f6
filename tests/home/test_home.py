"""The first page of a workspace: new, and later."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User, Workspace
from accounts.permissions import Role
from bounces.models import BounceMailbox
from campaigns.models import Campaign
from campaigns.services import starting
from contacts.models import Contact, Import, List, Subscription
from contacts.queries import growthchart
from contacts.statuswords import ASKED
from home import todo
from relays.models import Relay
from sending.models import Mailing, Tally

pytestmark = pytest.mark.django_db(transaction=True)
Start = Callable[..., Campaign]
Send = Callable[[], None]


def words(html: str) -> str:
    return unescape(" ".join(re.sub(r"<[^>]*>", " ", html).split()))


def page(client: Client, tail: str = "") -> str:
    answer = client.get(f"/w/brand/{tail}")
    assert answer.status_code == 200
    return answer.content.decode()


def ticked(html: str) -> list[str]:
    return [
        words(re.sub(r'<span class="visually-hidden">.*?</span>', "", title))
        for title in re.findall(
            r'(?s)<li class="done">.*?<div class="step-title">(.*?)</div>', html
        )
    ]


def test_a_new_workspace_shows_the_first_steps(owner_client: Client, workspace: Workspace) -> None:
    html = page(owner_client)
    assert ticked(html) == []
    shown = words(html)
    for title in ("Send a campaign to the sandbox", "Import your contacts", "Connect a relay"):
        assert title in shown
    assert 'href="/w/brand/imports/new/"' in html
    # The first thing to do; and no offer of sandbox addresses where there is no sandbox.
    assert shown.index("Import your contacts") < shown.index("Send a campaign to the sandbox")
    assert "sandbox/list/" not in html
    assert "Campaigns of the last 30 days" not in shown


def test_steps_tick_themselves(
    owner_client: Client, workspace: Workspace, start: Start, relay: Relay
) -> None:
    Contact.objects.create(workspace=workspace, email="a@x.example")
    assert "Import your contacts" in ticked(page(owner_client))
    BounceMailbox.objects.create(workspace=workspace, name="Returns", host="imap.example")
    assert ticked(page(owner_client))[-2:] == ["Connect a relay", "Collect bounces"]
    Relay.objects.update(managed_by="sandbox", delivers=False)
    assert "Connect a relay" not in ticked(page(owner_client))


def test_other_workspaces_tick_nothing(
    owner_client: Client, workspace: Workspace, other_workspace: Workspace
) -> None:
    Contact.objects.create(workspace=other_workspace, email="a@x.example")
    Relay.objects.create(workspace=other_workspace, name="Theirs", host="h.example")
    assert ticked(page(owner_client)) == []


def test_sending_through_the_sandbox_only_leaves_steps_to_do(
    owner_client: Client, start: Start, send: Send
) -> None:
    start("a@x.example")
    send()
    Relay.objects.update(managed_by="sandbox", delivers=False)
    shown = words(page(owner_client))
    assert "Still to do" in shown
    assert "Send your first campaign" in shown
    assert "Send a campaign to the sandbox" not in shown


def test_shows_what_is_going_out(owner_client: Client, start: Start, send: Send) -> None:
    start("a@x.example", "defer@x.example", name="Weekly letter")
    send()
    html = page(owner_client)
    assert 'hx-trigger="every 5s"' in html
    assert "Weekly letter" in words(html)
    assert "1 of 2" in words(html)
    assert "Waits: The rest is tried again later · goes on in" in words(html)
    Mailing.objects.update(state="finished", finished_at=timezone.now())
    part = page(owner_client, "home/running/")
    assert "every 5s" not in part
    assert "Nothing is going out any more." in part


def test_shows_what_is_scheduled(
    owner_client: Client, make_campaign: Callable[..., Campaign]
) -> None:
    campaign = make_campaign("Autumn letter")
    starting.schedule(campaign, at=timezone.now() + timedelta(days=2))
    assert "Scheduled Autumn letter" in words(page(owner_client))


def counted(campaign: Campaign, days: int, **counts: int) -> None:
    """The campaign started so many days ago, with this tally now."""
    Mailing.objects.filter(campaign=campaign).update(
        opened_at=timezone.now() - timedelta(days=days)
    )
    Tally.objects.filter(mailing=campaign.mailing_id).update(**counts)


def test_the_last_30_days_beside_those_before(
    owner_client: Client, start: Start, workspace: Workspace
) -> None:
    counted(
        start("a@x.example"),
        1,
        targeted=5000,  # most of them are not sent yet
        accepted=500,
        with_pixel=400,
        failed=100,
        opened=300,
        clicked=90,
        bounced=90,
    )
    counted(start("b@x.example"), 29, targeted=400, accepted=400, with_pixel=200)
    before = {"targeted": 800, "accepted": 800, "with_pixel": 800}
    counted(start("c@x.example"), 40, **before, opened=200, clicked=80)
    counted(start("d@x.example"), 70, accepted=5000, opened=5000)  # too long ago
    shown = words(page(owner_client))
    assert "Sent 1,000 25% more than before" in shown
    assert "Opened 300 50% of mails that count opens 25% in the 30 days before" in shown
    assert "Clicked 90 10% of accepted 10% in the 30 days before" in shown
    # As in the report: of sent mails, since a refused mail bounces without being accepted.
    assert "Bounced 90 9% of sent 0% in the 30 days before" in shown


def test_needs_name_what_a_person_must_do(
    owner_client: Client, workspace: Workspace, start: Start, send: Send
) -> None:
    start("drop@x.example", name="Letter")
    send()
    Relay.objects.update(failures=0, wait_until=None)
    Relay.objects.create(
        workspace=workspace, name="SES", host="h", state="stopped", state_words="535 5.7.8 no"
    )
    BounceMailbox.objects.create(
        workspace=workspace, name="Returns", host="h", error="login", error_words="NO login"
    )
    Import.objects.create(
        workspace=workspace,
        filename="people.csv",
        state=Import.State.FINISHED,
        counts={"rejected": 7},
        finished_at=timezone.now(),
    )
    Campaign.objects.create(workspace=workspace, name="Refused", state_reason="The design is gone.")
    shown = words(page(owner_client))
    assert "The relay SES is stopped" in shown
    assert "535 5.7.8 no" in shown
    assert (
        "Bounces of Returns are not collected The server refuses this user and password." in shown
    )
    assert "NO login" in shown
    assert "Letter: the result of 1 message is unknown" in shown
    assert "people.csv: 7 lines were not imported" in shown
    assert "Refused could not start and is a draft again The design is gone." in shown


def test_asks_what_unknown_status_words_mean(owner_client: Client, workspace: Workspace) -> None:
    word = [3, "status", "zorp", "Zorp", ASKED, "", 2]
    file = Import.objects.create(
        workspace=workspace,
        filename="people.csv",
        state=Import.State.FINISHED,
        counts={"asked": 2},
        words=[word],
        finished_at=timezone.now(),
    )
    html = page(owner_client)
    assert "people.csv: 2 people have a status that is not understood" in words(html)
    assert f'href="/w/brand/imports/{file.pk}/#status-words"' in html
    owner_client.post(
        f"/w/brand/imports/{file.pk}/words/",
        {"kind_0": "status", "word_0": "zorp", "text_0": "Zorp", "meaning_0": "unsubscribed"},
    )
    assert "Nothing right now." in words(page(owner_client))


def test_nothing_needed_is_said(owner_client: Client, workspace: Workspace) -> None:
    Import.objects.create(
        workspace=workspace,
        filename="old.csv",
        state=Import.State.FINISHED,
        counts={"rejected": 7},
        finished_at=timezone.now() - timedelta(days=8),
    )
    assert "Nothing right now." in words(page(owner_client))


def test_apps_to_the_right_add_needs_and_replace_steps(
    owner_client: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for registry in (todo.steps, todo.needs):
        monkeypatch.setattr(registry, "_items", dict(registry._items))
    todo.steps.add(
        lambda _request: todo.FirstStep("Try it", "At once.", done=True),
        key="sandbox",
        order=20,
        replace=True,
    )
    todo.needs.add(lambda _request: [todo.Need("The disk is full", tone="bad")])
    html = page(owner_client)
    assert ticked(html) == ["Try it"]
    assert "The disk is full" in html


def test_growth_counts_the_end_of_each_day(workspace: Workspace, owner_client: Client) -> None:
    newsletter = List.objects.create(workspace=workspace, name="Newsletter")
    people = [
        Contact.objects.create(workspace=workspace, email=f"p{number}@x.example")
        for number in range(4)
    ]
    now = timezone.now()
    for number, days in enumerate((200, 3, 1, 1)):
        row = Subscription.objects.create(list=newsletter, contact=people[number])
        Subscription.objects.filter(pk=row.pk).update(created_at=now - timedelta(days=days))
    Subscription.objects.filter(contact=people[0]).update(
        status="unsubscribed", changed_at=now - timedelta(days=2)
    )
    chart = growthchart.chart(workspace, days=5)
    assert chart["series"] == [{"name": "Newsletter", "values": [1, 2, 1, 3, 3]}]
    assert len(chart["labels"]) == 5
    assert '"values": [' in page(owner_client, "home/growth/")


def test_a_viewer_gets_no_links_to_what_they_may_not_do(
    workspace: Workspace, make_member: Callable[..., User]
) -> None:
    viewer = Client()
    viewer.force_login(
        make_member(workspace, Role.VIEWER),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    html = page(viewer)
    assert "/imports/new/" not in html
    assert "/campaigns/new/" not in html


def test_the_tray_has_campaigns_under_way_and_over(
    owner_client: Client, start: Start, send: Send
) -> None:
    campaign = start("a@x.example", "defer@x.example", name="Weekly letter")
    send()
    tray = page(owner_client, "activity/")
    assert f'data-task="campaign-{campaign.pk}"' in tray
    assert "1 of 2" in words(tray)
    Mailing.objects.update(state="finished", finished_at=timezone.now())
    assert "data-ended" in page(owner_client, "activity/")
    Mailing.objects.update(finished_at=timezone.now() - timedelta(days=2))
    assert "Weekly letter" not in page(owner_client, "activity/")


def test_search_finds_campaigns(
    owner_client: Client, make_campaign: Callable[..., Campaign]
) -> None:
    campaign = make_campaign("Autumn letter")
    hits = page(owner_client, "search/?q=autumn")
    assert f"/w/brand/campaigns/{campaign.pk}/" in hits
    assert "Draft" in words(hits)
