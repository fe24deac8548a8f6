"""Scheduled campaigns start at their time, once, whatever happens to whoever starts them."""

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User, Workspace
from accounts.opencounting import OpenCounting
from accounts.services import workspaces
from campaigns import services, tasks, transitions
from campaigns.models import Campaign
from campaigns.services import audiences
from contacts.models import List, Subscription
from contacts.provenance import BY_HAND, Source
from contacts.services.suppressions import suppress
from designs.models import Content, Design
from relays.models import Pool, PoolMember, Relay
from sending.models import Mailing, Message, Tally
from sending.queries.claim import claim
from tests.loglines import logged

Make = Callable[..., Campaign]
SOON = timedelta(hours=1)


def plan(campaign: Campaign, at: datetime | None = None) -> Campaign:
    """Scheduled for a time that has come."""
    services.schedule(campaign, at=timezone.now() + SOON, timezone="Asia/Shanghai")
    Campaign.objects.filter(pk=campaign.pk).update(scheduled_at=at or timezone.now())
    return campaign


def test_a_campaign_starts_when_its_time_has_come_and_not_before(make_campaign: Make) -> None:
    campaign = plan(make_campaign(), timezone.now() + timedelta(seconds=60))
    tasks.start_due.run()
    campaign.refresh_from_db()
    assert transitions.state_of(campaign) == "scheduled"
    Campaign.objects.update(scheduled_at=timezone.now())
    tasks.start_due.run()
    campaign.refresh_from_db()
    assert transitions.state_of(campaign) == "sending"
    mailing = Mailing.objects.get()
    assert campaign.mailing == mailing
    assert mailing.source == Source("campaign", campaign.pk)
    assert (mailing.from_email, mailing.content.subject) == (
        "news@brand.example",
        "Hello {{ first_name|default('you') }}",
    )
    assert Tally.objects.get().targeted == 2 == Message.objects.count()
    tasks.start_due.run()
    assert Mailing.objects.count() == 1


def test_the_mailing_carries_what_was_chosen(
    make_campaign: Make, make_list: Callable[..., List]
) -> None:
    out = make_list("b@x.example", name="Out")
    lists = [make_list("a@x.example", "b@x.example", name="In")]
    campaign = make_campaign(
        lists_in=lists,
        lists_out=[out],
        reply_to="re@brand.example",
        open_counting=OpenCounting.TOTALS,
        track_clicks=False,
    )
    services.start_now(campaign)
    assert services.start_due() == [campaign.pk]
    mailing = Mailing.objects.get()
    assert mailing.list_ids == [lists[0].pk]
    assert mailing.excluded == {"excluded": 1}
    assert (mailing.reply_to, mailing.open_counting, mailing.track_clicks) == (
        "re@brand.example",
        OpenCounting.TOTALS,
        False,
    )
    assert mailing.content.links == []
    assert [m.address for m in Message.objects.all()] == ["a@x.example"]


def test_unscheduling_loses_nothing(make_campaign: Make) -> None:
    at = timezone.now() + SOON
    campaign = make_campaign()
    services.schedule(campaign, at=at, timezone="Asia/Shanghai")
    services.unschedule(campaign)
    assert (campaign.state, campaign.scheduled_at) == ("draft", at)
    assert campaign.timezone == "Asia/Shanghai"
    with pytest.raises(services.CampaignError, match="is not scheduled"):
        services.unschedule(campaign)
    Campaign.objects.update(scheduled_at=timezone.now())
    assert services.start_due() == []


def test_scheduling_twice_is_refused(make_campaign: Make) -> None:
    campaign = make_campaign()
    second = Campaign.objects.get(pk=campaign.pk)
    services.start_now(campaign)
    with pytest.raises(services.CampaignError, match="scheduled already"):
        services.start_now(second)
    services.start_due()
    with pytest.raises(services.CampaignError, match="started already"):
        services.start_now(second)
    with pytest.raises(services.CampaignError, match="started already"):
        services.unschedule(second)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"lists_in": []}, "Choose at least one list"),
        ({"from_email": ""}, "Enter the sender's address"),
        ({"subject": ""}, "The subject is empty"),
        ({"subject": "{{ first_name"}, "ends in the middle of an expression"),
        ({"design": None}, "Choose a design"),
        ({"relay": None}, "Choose a relay or a pool"),
        ({"scheduled_at": None, "subject": "{{ shoe_size }}"}, "no merge field named shoe_size"),
    ],
)
def test_what_is_not_ready_is_not_scheduled(
    make_campaign: Make, changes: dict[str, object], why: str
) -> None:
    campaign = make_campaign(**changes)
    with pytest.raises(services.CampaignError, match=why):
        services.start_now(campaign)
    campaign.refresh_from_db()
    assert campaign.state == "draft"


def test_a_time_that_is_over_is_refused(make_campaign: Make) -> None:
    with pytest.raises(services.CampaignError, match="That time has passed"):
        services.schedule(make_campaign(), at=timezone.now() - timedelta(seconds=1))


def test_nobody_left_is_refused(make_campaign: Make, workspace: Workspace) -> None:
    campaign = make_campaign()
    for person in ("a0@x.example", "b0@x.example"):
        suppress(workspace, value=person, kind="address", reason="manual", source=BY_HAND)
    with pytest.raises(services.CampaignError, match="Nobody in this audience"):
        services.start_now(campaign)


def broken_design(campaign: Campaign) -> None:
    Design.objects.update(html="{% if %}")


def lost_relay(campaign: Campaign) -> None:
    Relay.objects.update(archived_at=timezone.now())


def empty_lists(campaign: Campaign) -> None:
    for one in campaign.lists_in.all():
        one.subscriptions.all().delete()


def no_design(campaign: Campaign) -> None:
    Design.objects.all().delete()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (broken_design, "Something is missing between the braces"),
        (lost_relay, "no relay that could send"),
        (empty_lists, "Nobody in this audience"),
        (no_design, "Choose a design"),
    ],
)
def test_what_can_not_start_goes_back_to_draft_and_says_why(
    make_campaign: Make, spoil: Callable[[Campaign], None], why: str
) -> None:
    campaign = plan(make_campaign())
    spoil(campaign)
    assert services.start_due() == []
    campaign.refresh_from_db()
    assert campaign.state == "draft"
    assert why in campaign.state_reason
    assert campaign.scheduled_at is not None
    assert not Mailing.objects.exists()
    assert not Content.objects.exists()


def test_the_reason_is_in_the_language_of_who_made_it(make_campaign: Make, owner: User) -> None:
    owner.language = "zh-hans"
    owner.save()
    campaign = plan(make_campaign(by=owner))
    empty_lists(campaign)
    services.start_due()
    campaign.refresh_from_db()
    assert "受众" in campaign.state_reason


def test_one_that_fails_does_not_stop_the_others(
    make_campaign: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = plan(make_campaign("Bad")), plan(make_campaign("Good"))
    # The database refuses the row, as a full disk or a bug of ours would make it do.
    Campaign.objects.filter(pk=bad.pk).update(
        scheduled_at=timezone.now() - timedelta(minutes=1), timezone="UTC"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"ALTER TABLE sending_mailing ADD CONSTRAINT trap CHECK (source_id <> {bad.pk})"
        )
    assert services.start_due() == [good.pk]
    bad.refresh_from_db()
    assert bad.state == "scheduled"
    assert "keeps it from being prepared" in bad.state_reason
    known = {"campaign": bad.pk, "workspace": bad.workspace_id}
    assert ("campaign could not be started", known) in logged(caplog)
    with connection.cursor() as cursor:
        cursor.execute(
            "SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE sending_mailing DROP CONSTRAINT trap"
        )
    assert services.start_due() == [bad.pk]
    bad.refresh_from_db()
    assert bad.state_reason == ""


def test_one_that_cannot_be_prepared_is_a_draft_again(
    make_campaign: Make, relay: Relay, workspace: Workspace, owner_client: Client
) -> None:
    """Relay and pool: no page sets both, but if it were so it must not hang in "Starting"."""
    bad = plan(make_campaign("Bad"))
    pool = Pool.objects.create(workspace=workspace, name="Both")
    PoolMember.objects.create(pool=pool, relay=relay)
    Campaign.objects.filter(pk=bad.pk).update(pool=pool)
    services.start_due()
    page = owner_client.get(f"/w/brand/campaigns/{bad.pk}/starting/").content.decode()
    assert "An error in Yanshu keeps it from being prepared:" in page
    Campaign.objects.filter(pk=bad.pk).update(updated_at=timezone.now() - timedelta(minutes=6))
    services.start_due()
    bad.refresh_from_db()
    assert bad.state == "draft"
    assert "mailing_one_route" in bad.state_reason
    assert "Nobody was mailed." in bad.state_reason
    assert not Mailing.objects.exists()
    home = owner_client.get("/w/brand/").content.decode()
    assert "Bad could not start and is a draft again" in home


# Together, and killed ----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_many_starters_open_one_mailing_each(make_campaign: Make) -> None:
    campaigns = [plan(make_campaign(f"Campaign {n}")) for n in range(6)]
    gate = threading.Barrier(4)
    started: list[int] = []

    def run() -> None:
        gate.wait()
        started.extend(services.start_due())
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(started) == [campaign.pk for campaign in campaigns]
    started_for = sorted(one.source for one in Mailing.objects.all())
    assert started_for == sorted(Source("campaign", campaign.pk) for campaign in campaigns)
    assert not Campaign.objects.exclude(state="started").exists()


@pytest.mark.django_db(transaction=True)
def test_who_is_starting_one_does_not_hold_up_others(make_campaign: Make) -> None:
    held, free = plan(make_campaign("Held")), plan(make_campaign("Free"))
    with transaction.atomic():
        Campaign.objects.select_for_update().get(pk=held.pk)
        started: list[int] = []

        def run() -> None:
            started.extend(services.start_due())
            connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        thread.join(30)
        assert started == [free.pk]
    assert services.start_due() == [held.pk]


@pytest.mark.django_db(transaction=True)
def test_a_double_click_starts_once(make_campaign: Make) -> None:
    campaign = make_campaign()
    gate = threading.Barrier(2)
    said: list[str] = []

    def click() -> None:
        mine = Campaign.objects.get(pk=campaign.pk)
        gate.wait()
        try:
            services.start_now(mine)
            said.append("scheduled")
        except services.CampaignError as error:
            said.append(str(error))
        connection.close()

    threads = [threading.Thread(target=click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["This campaign is scheduled already.", "scheduled"]


# Dies inside of the transaction: the mailing's rows are there for itself alone.
KILLED = """
import os, signal
import django
django.setup()
from django.conf import settings
settings.DATABASES["default"]["NAME"] = {name!r}
from campaigns.services import starting
from sending.services import mailings
opened = mailings.open_mailing
def dies(**given):
    mailing = opened(**given)
    assert mailing.tally.targeted == 2
    os.kill(os.getpid(), signal.SIGKILL)
mailings.open_mailing = dies
starting.start_due()
"""


@pytest.mark.django_db(transaction=True)
def test_kill_9_while_starting_leaves_it_scheduled(make_campaign: Make) -> None:
    campaign = plan(make_campaign())
    code = KILLED.format(name=connection.settings_dict["NAME"])
    killed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert killed.returncode == -9, killed.stderr.decode()
    campaign.refresh_from_db()
    assert (campaign.state, campaign.mailing) == ("scheduled", None)
    assert not Mailing.objects.exists()
    assert not Message.objects.exists()
    # PostgreSQL may take a moment to see that the dead one's connection, and so its lock, is gone.
    with transaction.atomic():
        Campaign.objects.select_for_update().get(pk=campaign.pk)
    assert services.start_due() == [campaign.pk]
    assert Mailing.objects.count() == 1
    assert Message.objects.count() == 2


def test_send_counts_nobody(make_campaign: Make, owner: User, owner_client: Client) -> None:
    """The review has counted them and the freeze counts them: the request only records the
    start."""
    campaign = make_campaign(by=owner)
    with CaptureQueriesContext(connection) as asked:
        answer = owner_client.post(
            reverse("send_campaign", args=["brand", campaign.pk]), {"version": campaign.version}
        )
    assert answer.status_code == 302
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.SCHEDULED
    of_people = [one["sql"] for one in asked if "contacts_subscription" in one["sql"]]
    assert len(of_people) == 1
    assert "count(" not in of_people[0].lower()
    assert of_people[0].endswith("LIMIT 1")


def test_whether_anybody_gets_it_agrees_with_the_count(
    make_campaign: Make, make_list: Callable[..., List], workspace: Workspace
) -> None:
    both = make_list("a@x.example", "left@x.example", "no@x.example", name="Both")
    other = make_list("left@x.example", "out@x.example", name="Other")
    out = make_list("a@x.example", "out@x.example", name="Out")
    Subscription.objects.filter(list=both, contact__email="left@x.example").update(
        status="unsubscribed"
    )
    suppress(workspace, value="no@x.example", kind="address", reason="manual", source=BY_HAND)
    for number, (lists_in, lists_out) in enumerate(
        [([both], []), ([both], [out]), ([both, other], [out]), ([other], [other]), ([], [])]
    ):
        campaign = make_campaign(f"C{number}", lists_in=lists_in, lists_out=lists_out)
        assert audiences.anybody(campaign) == bool(audiences.of(campaign).recipients)
    assert not audiences.anybody(make_campaign("Nobody", lists_in=[both], lists_out=[out]))


def test_a_deleted_workspace_starts_and_sends_nothing_until_it_is_erased(
    workspace: Workspace, make_campaign: Callable[..., Campaign], relay: Relay
) -> None:
    """To erase it can take long, or wait for a worker."""
    sending, due = make_campaign(), make_campaign()
    services.start_now(sending)
    assert services.start_due() == [sending.pk]
    services.start_now(due)
    workspaces.delete(workspace)
    assert services.start_due() == []
    mailing = Mailing.objects.get()
    assert mailing.state == Mailing.State.PAUSED
    assert claim(mailing, relay, holder="here:one", limit=10) is None
    due.refresh_from_db()
    assert (due.state, due.mailing) == (Campaign.State.CANCELLED, None)


def test_a_scheduled_campaign_says_that_its_list_was_archived(
    owner_client: Client, workspace: Workspace, make_campaign: Callable[..., Campaign]
) -> None:
    campaign = make_campaign()
    services.schedule(campaign, at=timezone.now() + timedelta(days=1))
    here = reverse("campaign", args=["brand", campaign.pk])
    assert "is archived" not in owner_client.get(here).content.decode()
    for one in campaign.lists_in.all():
        owner_client.post(reverse("archive_list", args=["brand", one.pk]))
    # The first page says that it was archived.
    owner_client.get(here)
    page = owner_client.get(here).content.decode()
    assert "is archived." in page
    assert "Its people get the campaign all the same." in page


@pytest.mark.parametrize("gone", ["pool", "relay", "design"])
def test_a_scheduled_campaign_says_what_will_keep_it_from_starting(
    owner_client: Client,
    workspace: Workspace,
    make_campaign: Callable[..., Campaign],
    relay: Relay,
    gone: str,
) -> None:
    """Its relay, pool or design can be taken away between the schedule and the start."""
    campaign = make_campaign()
    pool = Pool.objects.create(workspace=workspace, name="Pool")
    PoolMember.objects.create(pool=pool, relay=relay)
    if gone == "pool":
        Campaign.objects.filter(pk=campaign.pk).update(relay=None, pool=pool)
    services.schedule(campaign, at=timezone.now() + timedelta(days=1))
    here = reverse("campaign", args=["brand", campaign.pk])
    assert "start like this" not in owner_client.get(here).content.decode()
    if gone == "pool":
        owner_client.post(reverse("delete_pool", args=["brand", pool.pk]))
    elif gone == "relay":
        owner_client.post(reverse("archive_relay", args=["brand", relay.pk]))
    else:
        owner_client.post(reverse("archive_design", args=["brand", campaign.design_id]))
    why = {
        "pool": "Choose a relay or a pool.",
        "relay": "Post has no relay that could send.",
        "design": "The design Spring is archived.",
    }[gone]
    page = owner_client.get(here).content.decode()
    assert "It can&#x27;t start like this" in page or "It can't start like this" in page
    assert why in page
    assert "it becomes a draft and nobody gets it" in page
