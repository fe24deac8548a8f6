"""What a relay's page says of now and of the last hours, and what can be done there."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User, Workspace
from accounts.permissions import Role
from relays.models import Lane, Relay, RelayMinute, RelayUse
from sending.models import Mailing
from tests.relays import lived


@pytest.fixture
def ses(workspace: Workspace) -> Relay:
    return lived.busy(workspace)


def _series(page: str, name: str) -> dict[str, Any]:
    _, _, rest = page.partition(f'<script id="{name}" type="application/json">')
    found, _, _ = rest.partition("</script>")
    read: dict[str, Any] = json.loads(found)
    return read


def test_now_is_said_with_its_limits(
    owner_client: Client, url: Callable[..., str], ses: Relay
) -> None:
    lived.minutes(ses, 5)
    page = owner_client.get(url("relay_now", ses.pk)).content.decode()
    now = owner_client.get(url("relay", ses.pk)).context["now"]
    # The last whole minute, and the one that runs, which the fixture leaves empty.
    minute = timezone.now().replace(second=0, microsecond=0)
    rows = RelayMinute.objects.filter(relay=ses, minute=minute - timedelta(minutes=1))
    seconds = 60 + (timezone.now() - minute).total_seconds()
    answered = sum(rows.values_list("count", flat=True))
    assert now.figures.per_second == pytest.approx(answered / seconds, rel=0.05)
    assert now.figures.latency == pytest.approx(0.088, abs=0.01)
    assert now.figures.open == 6
    assert "of 8 open, found automatically" in page
    assert "1,640 of 40,000" in page
    assert "1,640 of 50,000" in page
    assert "Day 9 of 28: 1,640 of 1,900 are sent today" in page
    assert "Stepped down" in page
    assert "502 5.5.1 Command pipelined too early" in page


def test_connections_are_in_words_whatever_is_known_of_them(
    owner_client: Client, url: Callable[..., str], relay: Relay
) -> None:
    shown = url("relay", relay.pk)
    assert "the best number is found automatically" in owner_client.get(shown).content.decode()
    Relay.objects.update(connections=4)
    page = owner_client.get(shown).content.decode()
    assert "of 4 open" in page
    assert "4 connections" in page


def test_the_list_has_trouble_first(
    owner_client: Client, url: Callable[..., str], workspace: Workspace, relay: Relay, ses: Relay
) -> None:
    lived.slowed(ses)
    until = timezone.now() + timedelta(minutes=5)
    values: dict[str, dict[str, Any]] = {
        "A paused": {"state": "paused"},
        "A limit": {"wait_until": until, "wait_reason": "per_hour"},
        "Out of reach": {"wait_until": until, "wait_reason": "connection"},
        "Refused": {
            "state": "stopped",
            "state_reason": "login",
            "state_words": "535 no",
        },
        "A sandbox": {"state": "stopped", "managed_by": "sandbox", "delivers": False},
    }
    for name, fields in values.items():
        Relay.objects.create(workspace=workspace, name=name, host="localhost", **fields)
    rows = owner_client.get(url("relays")).context["rows"]
    assert [row.relay.name for row in rows] == [
        "Refused",
        "Out of reach",
        "A limit",
        "A paused",
        "SES",
        "Main",
        "A sandbox",
    ]
    assert rows[4].figures.slowed == 3
    assert "slowed for 3 providers" in owner_client.get(url("relays_now")).content.decode()


def test_the_list_asks_as_often_for_many_relays(
    owner_client: Client,
    url: Callable[..., str],
    workspace: Workspace,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(30):
        made = lived.busy(workspace, name=f"Relay {number}")
        lived.slowed(made)
        lived.pool_of(f"Pool {number}", (made, 1, 1))
    with django_assert_max_num_queries(16):
        page = owner_client.get(url("relays_now")).content.decode()
    assert page.count("slowed for 3 providers") == 30


def test_curves_are_rates_and_sums_are_counts(
    owner_client: Client, url: Callable[..., str], ses: Relay
) -> None:
    now = timezone.now().replace(second=0, microsecond=0)
    answers = [
        (0, "accepted", 50, 5.0),  # the running minute: in the sums alone
        (1, "accepted", 300, 30.0),
        (1, "address", 6, 0.6),
        (1, "made up", 2, 0.0),
        (2, "unknown", 1, 0.0),
        (61, "accepted", 9999, 1.0),  # before the hour
    ]
    RelayMinute.objects.bulk_create(
        RelayMinute(
            relay=ses,
            minute=now - timedelta(minutes=ago),
            meaning=meaning,
            count=count,
            seconds=seconds,
        )
        for ago, meaning, count, seconds in answers
    )
    answer = owner_client.get(url("relay_hours", ses.pk), {"hours": "1"})
    replies = _series(answer.content.decode(), "replies-series")
    assert len(replies["labels"]) == 60
    assert datetime.fromisoformat(replies["labels"][-1]) == now - timedelta(minutes=1)
    curves = {one["name"]: one["values"] for one in replies["series"]}
    assert set(curves) == {"Accepted", "Refused", "Trouble of the relay", "Unknown"}
    assert curves["Accepted"][-2:] == [0, 300]
    assert curves["Refused"][-1] == 6
    assert curves["Unknown"][-2] == 1
    latency = _series(answer.content.decode(), "latency-series")["series"][0]["values"]
    assert latency[-2:] == [None, 100]
    totals = {one.kind.label: one.count for one in answer.context["curves"].totals}
    assert totals == {"Accepted": 350, "Refused": 6, "Trouble of the relay": 2, "Unknown": 1}


def test_a_bucket_that_is_not_over_is_a_rate_of_its_time(
    owner_client: Client, url: Callable[..., str], ses: Relay
) -> None:
    """However much of the last quarter of an hour has passed, 60 a minute are 60 a minute."""
    now = timezone.now().replace(second=0, microsecond=0)
    RelayMinute.objects.bulk_create(
        RelayMinute(
            relay=ses, minute=now - timedelta(minutes=ago), meaning="accepted", count=60, seconds=6
        )
        for ago in range(1, 24 * 60 + 30)
    )
    for hours in (6, 24, 168):
        page = owner_client.get(url("relay_hours", ses.pk), {"hours": hours}).content.decode()
        values = _series(page, "replies-series")["series"][0]["values"]
        assert values[-1] == 60
        assert values[-2] == 60


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/New_York", "UTC"])
def test_buckets_begin_at_the_readers_midnight(
    owner_client: Client, url: Callable[..., str], owner: User, ses: Relay, zone: str
) -> None:
    lived.minutes(ses, 20)
    User.objects.filter(pk=owner.pk).update(timezone=zone)
    page = owner_client.get(url("relay_hours", ses.pk), {"hours": "168"}).content.decode()
    labels = [datetime.fromisoformat(one) for one in _series(page, "replies-series")["labels"]]
    now = timezone.now()
    assert labels[0] <= now - timedelta(days=7) < labels[1]
    assert now - timedelta(hours=2, minutes=1) < labels[-1] <= now
    assert {later - sooner for sooner, later in pairwise(labels)} == {timedelta(hours=2)}
    assert all(one.tzinfo is not None for one in labels)
    assert sum(_series(page, "replies-series")["series"][0]["values"]) > 0


def test_a_time_that_is_not_offered_is_the_usual_one(
    owner_client: Client, url: Callable[..., str], ses: Relay
) -> None:
    for given, shown in (("24", 24), ("", 6), ("5", 6), ("x", 6), ("-1", 6)):
        answer = owner_client.get(url("relay", ses.pk), {"hours": given})
        assert answer.context["hours"] == shown
    assert 'href="?hours=168#hours"' in answer.content.decode()


@pytest.mark.slow
def test_a_week_of_minutes_costs_no_more_queries_than_some_hours(
    owner_client: Client, url: Callable[..., str], ses: Relay
) -> None:
    lived.minutes(ses, 7 * 1440)
    shown = url("relay", ses.pk)
    owner_client.get(shown)
    queries = []
    for hours in ("6", "168"):
        with CaptureQueriesContext(connection) as captured:
            page = owner_client.get(shown, {"hours": hours}).text
        queries.append(len(captured))
        # The database sums the minutes up: the page has a point for each step of its time.
        assert len(_series(page, "replies-series")["labels"]) < 100
    assert queries[0] == queries[1]


def test_slowed_lanes_are_shown_and_let_go(
    owner_client: Client, url: Callable[..., str], ses: Relay
) -> None:
    lived.slowed(ses)
    # Nothing holds this one back: it is only remembered.
    Lane.objects.create(relay=ses, name="gmail", latency=0.2)
    page = owner_client.get(url("relay", ses.pk)).content.decode()
    assert [lane.name for lane in owner_client.get(url("relay", ses.pk)).context["lanes"]] == [
        "netease",
        "qq",
        "brand.example",
    ]
    assert "At most 2.4 a second" in page
    assert "450 4.7.1 Connection frequency limited" in page
    assert "Nothing; one mail tries in 4 minutes" in page
    assert "One mail tries whether it is open again" in page

    lane = Lane.objects.get(name="qq")
    answer = owner_client.post(url("reset_lane", ses.pk, lane.pk), follow=True)
    assert "SES sends to QQ at full pace again." in answer.content.decode()
    assert not Lane.objects.filter(name="qq").exists()
    assert Lane.objects.filter(name="netease").exists()


def test_a_lane_of_others_is_not_reset(
    owner_client: Client, url: Callable[..., str], ses: Relay, other_workspace: Workspace
) -> None:
    theirs = Relay.objects.create(workspace=other_workspace, name="Theirs", host="localhost")
    lane = Lane.objects.create(relay=theirs, name="qq", rate=1)
    owner_client.post(url("reset_lane", ses.pk, lane.pk))
    assert owner_client.post(url("reset_lane", theirs.pk, lane.pk)).status_code == 404
    assert Lane.objects.filter(pk=lane.pk).exists()


def test_a_reset_forgets_what_was_learned_and_keeps_what_is_used(
    owner_client: Client, url: Callable[..., str], ses: Relay
) -> None:
    lived.slowed(ses)
    page = owner_client.get(url("relay", ses.pk)).content.decode()
    assert "It goes slower for 3 providers." in page
    assert "It found that 8 connections are good." in page
    owner_client.post(url("reset_relay", ses.pk))
    ses.refresh_from_db()
    assert (ses.exchange, ses.exchange_since, ses.connections_found) == ("", None, None)
    assert not ses.lanes.exists()
    assert RelayUse.objects.get(relay=ses).count == 1640
    assert ses.warmup == {"plan": "usual"}
    page = owner_client.get(url("relay", ses.pk)).content.decode()
    assert "It has learned nothing that would slow it down." in page


def test_another_server_knows_nothing_of_what_was_learned(
    owner_client: Client, url: Callable[..., str], ses: Relay
) -> None:
    lived.slowed(ses)
    form = {
        "name": "SES",
        "host": "localhost",
        "port": "587",
        "security": "starttls",
        "envelope": "verp",
        "bounce_address": "bounces@brand.example",
        "username": "AKIA",
    }
    assert owner_client.post(url("edit_relay", ses.pk), form).status_code == 302
    ses.refresh_from_db()
    assert (ses.host, ses.exchange) == ("localhost", "")
    assert not ses.lanes.exists()


def test_drain_pause_and_resume_can_be_taken_back(
    owner_client: Client,
    url: Callable[..., str],
    relay: Relay,
    make_mailing: Callable[..., Mailing],
) -> None:
    make_mailing(relay)

    def do(verb: str) -> str:
        page = owner_client.post(url(verb, relay.pk), follow=True).content.decode()
        relay.refresh_from_db()
        return page

    page = do("drain_relay")
    assert relay.state == Relay.State.DRAINING
    assert relay.draining_since is not None
    assert f'"{url("resume_relay", relay.pk)}"' in page
    assert "This relay is being drained." in page
    assert "It ends the mailing that it has begun with" in page
    # What is started now goes elsewhere.
    make_mailing(relay)
    later = owner_client.get(url("relay_now", relay.pk)).content.decode()
    assert "It ends the mailing that it has begun with" in later

    page = do("pause_relay")
    assert relay.state == Relay.State.PAUSED.value
    assert Relay.objects.get(pk=relay.pk).draining_since is None
    assert f'"{url("drain_relay", relay.pk)}"' in page

    page = do("resume_relay")
    assert relay.state == Relay.State.ACTIVE
    assert f'"{url("pause_relay", relay.pk)}"' in page

    # What the platform stopped is no place to go back to.
    Relay.objects.update(state=Relay.State.STOPPED)
    page = do("resume_relay")
    assert "Main sends again." in page
    assert "undo" not in page.split("Main sends again.")[1][:200].lower()
    Relay.objects.update(state=Relay.State.STOPPED)
    do("drain_relay")
    assert relay.state == Relay.State.STOPPED


def test_the_actions_come_along_when_the_state_is_another(
    owner_client: Client, url: Callable[..., str], relay: Relay
) -> None:
    shown = url("relay_now", relay.pk)
    assert "hx-swap-oob" not in owner_client.get(shown, {"state": "active"}).content.decode()
    Relay.objects.update(state=Relay.State.STOPPED)
    page = owner_client.get(shown, {"state": "active"}).content.decode()
    assert "hx-swap-oob" in page
    assert url("pause_relay", relay.pk) not in page


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"warmup_plan": "own"}, "warmup_days", "how many mails it sends on each day"),
        ({"warmup_plan": "own", "warmup_days": "50 many"}, "warmup_days", "Day 2: many is no"),
        ({"warmup_plan": "own", "warmup_days": "50 900 1,500"}, "warmup_days", "rather than 1,500"),
        ({"warmup_plan": "own", "warmup_days": "0"}, "warmup_days", "Day 1: 0 is no number"),
        ({"warmup_plan": "own", "warmup_days": "1 " * 366}, "warmup_days", "At most 365 days."),
        ({"warmup_plan": "usual", "warmup_began": "soon"}, "warmup_began", ""),
        ({"warmup_plan": "endless"}, "warmup_plan", ""),
        ({"per_minute": "0"}, "per_minute", ""),
    ],
)
def test_a_warm_up_that_is_wrong_is_said_beside_the_field(
    owner_client: Client, url: Callable[..., str], values: dict[str, str], field: str, words: str
) -> None:
    answer = owner_client.post(f"{url('new_relay')}?preset=own", FORM | values)
    assert list(answer.context["form"].errors) == [field]
    assert words in str(answer.context["form"].errors[field])
    assert not Relay.objects.exists()


FORM = {
    "name": "New",
    "host": "localhost",
    "port": "25",
    "security": "none",
    "envelope": "from",
}


@pytest.mark.parametrize(
    ("values", "warmup", "shown"),
    [
        ({}, {}, ""),
        ({"warmup_plan": "slow", "warmup_days": "7 x"}, {"plan": "slow"}, "Slow: six weeks"),
        (
            {
                "warmup_plan": "own",
                "warmup_days": "50, 100\n400、1500",
                "warmup_began": "2031-05-01",
            },
            {"days": [50, 100, 400, 1500]},
            "50 100 400 1500",
        ),
    ],
)
def test_a_warm_up_is_stored_and_shown(
    owner_client: Client,
    url: Callable[..., str],
    values: dict[str, str],
    warmup: dict[str, object],
    shown: str,
) -> None:
    owner_client.post(
        f"{url('new_relay')}?preset=own", FORM | values | {"per_minute": "300", "chunking": "on"}
    )
    relay = Relay.objects.get()
    assert (relay.warmup, relay.per_minute, relay.chunking) == (warmup, 300, True)
    assert (relay.warmup_began is not None) == ("warmup_began" in values)
    form = owner_client.get(url("edit_relay", relay.pk)).content.decode()
    assert shown in form
    page = owner_client.get(url("relay", relay.pk)).content.decode()
    assert "300 a minute" in page
    assert "In chunks (BDAT)" in page
    assert ("Warm-up" in page) == bool(warmup)


def test_a_viewer_sees_the_hours_and_does_nothing(
    workspace: Workspace, url: Callable[..., str], ses: Relay, make_member: Callable[..., User]
) -> None:
    lived.slowed(ses)
    client = Client()
    client.force_login(
        make_member(workspace, Role.VIEWER),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    page = client.get(url("relay", ses.pk)).content.decode()
    assert "At most 2.4 a second" in page
    lane = Lane.objects.get(name="qq")
    for name, args in (
        ("drain_relay", (ses.pk,)),
        ("reset_relay", (ses.pk,)),
        ("reset_lane", (ses.pk, lane.pk)),
    ):
        assert url(name, *args) not in page
        assert client.post(url(name, *args)).status_code == 403
