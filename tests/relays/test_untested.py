"""A relay that has not passed a test says so, and is asked about before it carries a campaign."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Workspace
from relays.models import Pool, Relay
from relays.services import health, relays
from smtp import End, Outcome, Stage, refused
from tests.mailservers.smtp import Habits, serving

Url = Callable[..., str]


@pytest.fixture
def fresh(workspace: Workspace) -> Relay:
    return relays.create(
        workspace, name="Fresh", host="localhost", port=1, security="none", envelope="from"
    )


def typed(port: int, **more: object) -> dict[str, object]:
    known = {"name": "Own", "host": "localhost", "port": port, "security": "none"}
    return known | {"envelope": "from", "warmup_plan": "", "preset": "own"} | more


def test_a_test_that_goes_well_is_remembered(owner_client: Client, url: Url, fresh: Relay) -> None:
    shown = owner_client.get(url("relay", fresh.pk)).content.decode()
    assert "This relay has not passed a test yet." in shown
    assert "not tested yet" in owner_client.get(url("relays")).content.decode()
    test = {"from_email": "news@brand.example"}
    owner_client.post(url("test_relay", fresh.pk), test)
    fresh.refresh_from_db()
    assert fresh.untested  # nothing listens on port 1
    with serving(Habits()) as port:
        Relay.objects.filter(pk=fresh.pk).update(port=port)
        owner_client.post(url("test_relay", fresh.pk), test)
    fresh.refresh_from_db()
    assert fresh.tested_at is not None
    # Another server is a relay of which nothing is known.
    relays.change(fresh, host="127.0.0.1")
    fresh.refresh_from_db()
    assert fresh.untested


def test_a_test_before_saving_counts_for_what_was_tested(owner_client: Client, url: Url) -> None:
    with serving(Habits()) as port:
        part = owner_client.post(url("try_relay"), typed(port)).content.decode()
        proof = re.search(r'name="tested" value="([0-9a-f]+)"', part)
        assert proof
        new = url("new_relay") + "?preset=own"
        owner_client.post(new, typed(port, tested=proof[1]))
        assert not Relay.objects.get(name="Own").untested
        owner_client.post(new, typed(port, name="Other", host="127.0.0.1", tested=proof[1]))
    assert Relay.objects.get(name="Other").untested


def test_a_relay_that_works_asks_before_another_server_takes_its_place(
    owner_client: Client, url: Url, fresh: Relay
) -> None:
    """Campaigns that are scheduled or under way would go through it without anybody being asked."""
    health.mark_tested(fresh)
    edit = url("edit_relay", fresh.pk)
    owner_client.post(edit, typed(1, name="Renamed"))
    fresh.refresh_from_db()
    assert (fresh.name, fresh.untested) == ("Renamed", False)
    with serving(Habits()) as port:
        page = owner_client.post(edit, typed(port)).content.decode()
        assert "Campaigns that are scheduled or under way would go through it." in page
        assert 'name="untested"' in page
        fresh.refresh_from_db()
        assert (fresh.port, fresh.untested) == (1, False)
        part = owner_client.post(url("try_relay"), typed(port, relay=fresh.pk)).content.decode()
        proof = re.search(r'name="tested" value="([0-9a-f]+)"', part)
        assert proof
        other = typed(port, tested=proof[1], host="127.0.0.1")
        assert 'name="untested"' in owner_client.post(edit, other).content.decode()
        owner_client.post(edit, typed(port, tested=proof[1]))
    fresh.refresh_from_db()
    assert (fresh.port, fresh.untested) == (port, False)
    # Who says so is believed, and it is an untested one from then on: nobody is asked again here.
    owner_client.post(edit, typed(2, untested="on"))
    owner_client.post(edit, typed(3))
    fresh.refresh_from_db()
    assert (fresh.port, fresh.untested) == (3, True)


def test_a_mail_that_it_took_is_a_test_and_a_refusal_is_none(fresh: Relay) -> None:
    unknown = refused(550, "5.1.1 No such user", Stage.RCPT)
    health.learn(fresh, [unknown], None)
    fresh.refresh_from_db()
    assert fresh.untested
    health.learn(fresh, [Outcome(End.ACCEPTED, 250, "2.0.0 ok")], None)
    fresh.refresh_from_db()
    assert not fresh.untested


def test_a_pool_asks_before_it_takes_one(owner_client: Client, url: Url, fresh: Relay) -> None:
    line = {f"in_{fresh.pk}": "on", f"tier_{fresh.pk}": 1, f"weight_{fresh.pk}": 1}
    page = owner_client.post(url("new_pool"), {"name": "Both", **line}).content.decode()
    assert "Use Fresh although it has not passed a test yet" in page
    assert not Pool.objects.exists()
    owner_client.post(url("new_pool"), {"name": "Both", **line, "untested": "on"})
    pool = Pool.objects.get()
    # It was said once; a rename does not ask again.
    owner_client.post(url("edit_pool", pool.pk), {"name": "Renamed", **line})
    pool.refresh_from_db()
    assert pool.name == "Renamed"


@pytest.mark.parametrize(
    ("values", "open_"),
    [
        ({}, False),
        ({"messages_per_connection": 50}, True),
        ({"chunking": True}, True),
        ({"envelope": "fixed", "bounce_address": "b@brand.example"}, True),
    ],
)
def test_expert_fields_are_folded_unless_they_are_set(
    owner_client: Client, url: Url, fresh: Relay, values: dict[str, object], open_: bool
) -> None:
    Relay.objects.filter(pk=fresh.pk).update(
        **({"envelope": "verp", "bounce_address": "b@brand.example"} | values)
    )
    page = owner_client.get(url("edit_relay", fresh.pk)).content.decode()
    found = re.search(r'(?s)<details class="card advanced"( open)?>(.*?)</details>', page)
    assert found
    assert bool(found[1]) is open_
    for name in ("envelope", "chunking", "messages_per_connection"):
        assert f'name="{name}"' in found[2]
    assert 'name="bounce_address"' not in found[2]


def test_errors_open_them(owner_client: Client, url: Url) -> None:
    page = owner_client.post(
        url("new_relay") + "?preset=own", typed(25, messages_per_connection="0", envelope="verp")
    ).content.decode()
    assert '<details class="card advanced" open>' in page
