"""Pools: who is in them, in which tier and with what weight, and which tier carries now."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User, Workspace
from accounts.permissions import Role
from relays.models import Pool, PoolMember, Relay
from sending.models import Mailing
from tests.relays import lived


@pytest.fixture
def second(workspace: Workspace) -> Relay:
    return Relay.objects.create(
        workspace=workspace, name="Second", host="localhost", tested_at=timezone.now()
    )


def typed(name: str, *members: tuple[Relay, object, object]) -> dict[str, object]:
    """What the form posts for (relay, tier, weight)."""
    values: dict[str, object] = {"name": name}
    for relay, tier, weight in members:
        values |= {f"in_{relay.pk}": "on", f"tier_{relay.pk}": tier, f"weight_{relay.pk}": weight}
    return values


def members(pool: Pool) -> set[tuple[str, int, int]]:
    return set(pool.members.values_list("relay__name", "tier", "weight"))


def test_a_pool_is_made_changed_and_deleted(
    owner_client: Client,
    url: Callable[..., str],
    relay: Relay,
    second: Relay,
    make_mailing: Callable[..., Mailing],
) -> None:
    owner_client.post(url("new_pool"), typed("Both", (relay, 1, 3), (second, 1, 1)))
    pool = Pool.objects.get()
    assert members(pool) == {("Main", 1, 3), ("Second", 1, 1)}

    form = owner_client.get(url("edit_pool", pool.pk)).content.decode()
    assert f'name="weight_{relay.pk}" value="3"' in form
    owner_client.post(url("edit_pool", pool.pk), typed("Two", (second, 1, 7)))
    pool.refresh_from_db()
    assert (pool.name, members(pool)) == ("Two", {("Second", 1, 7)})

    mailing = make_mailing(pool=pool)
    answer = owner_client.post(url("delete_pool", pool.pk), follow=True)
    assert "can&#x27;t be deleted" in answer.content.decode()
    mailing.delete()
    owner_client.post(url("delete_pool", pool.pk))
    assert not Pool.objects.exists()


def test_a_relay_of_others_gets_into_no_pool(
    owner_client: Client, url: Callable[..., str], other_workspace: Workspace
) -> None:
    theirs = Relay.objects.create(workspace=other_workspace, name="Theirs", host="localhost")
    answer = owner_client.post(url("new_pool"), typed("Both", (theirs, 1, 1)))
    assert "Choose at least one relay." in answer.content.decode()
    assert not Pool.objects.exists()


@pytest.mark.parametrize(
    ("tier", "weight", "field", "words"),
    [
        (1, 0, "weight", "whole number from 1 to 100"),
        (1, 101, "weight", "whole number from 1 to 100"),
        (1, "many", "weight", "whole number from 1 to 100"),
        (9, 1, "tier", ""),
        (2, 1, "__all__", "at least one relay into tier 1"),
    ],
)
def test_what_is_wrong_is_said_beside_it(  # noqa: PLR0917 - fixtures
    owner_client: Client,
    url: Callable[..., str],
    relay: Relay,
    tier: object,
    weight: object,
    field: str,
    words: str,
) -> None:
    answer = owner_client.post(url("new_pool"), typed("Both", (relay, tier, weight)))
    errors = answer.context["form"].errors
    key = field if field == "__all__" else f"{field}_{relay.pk}"
    assert words in str(errors[key])
    assert words in answer.content.decode()
    assert not Pool.objects.exists()


def test_the_line_of_a_relay_that_is_left_out_does_not_matter(
    owner_client: Client, url: Callable[..., str], relay: Relay, second: Relay
) -> None:
    values = typed("Both", (relay, 1, 1)) | {f"weight_{second.pk}": "-4"}
    assert owner_client.post(url("new_pool"), values).status_code == 302
    assert members(Pool.objects.get()) == {("Main", 1, 1)}


def test_shares_are_those_of_the_relays_that_can(
    owner_client: Client, url: Callable[..., str], relay: Relay, second: Relay, workspace: Workspace
) -> None:
    third = Relay.objects.create(workspace=workspace, name="Third", host="localhost")
    pool = lived.pool_of("Main", (relay, 1, 2), (second, 1, 2), (third, 2, 1))

    def shares() -> dict[str, tuple[float, float]]:
        now = owner_client.get(url("pool", pool.pk)).context["now"]
        return {one.overview.relay.name: (one.share, one.now) for one in now.members}

    assert shares() == {"Main": (0.5, 0.5), "Second": (0.5, 0.5), "Third": (1.0, 0.0)}
    Relay.objects.filter(pk=second.pk).update(state=Relay.State.DRAINING)
    assert shares() == {"Main": (0.5, 1.0), "Second": (0.5, 0.0), "Third": (1.0, 0.0)}

    # Tier 1 can't at all: the page says why, and that it will again.
    until = timezone.now() + timedelta(hours=2)
    Relay.objects.filter(pk=relay.pk).update(wait_until=until, wait_reason="per_day")
    assert shares()["Third"] == (1.0, 1.0)
    page = owner_client.get(url("pool_now", pool.pk)).content.decode()
    assert "Tier 2 carries the mail now, because none before it can." in page
    assert "daily limit is reached" in page
    assert "it takes over again" in page
    listed = owner_client.get(url("relays")).content.decode()
    assert "tier 2: those before it can" in listed

    Relay.objects.filter(pk=third.pk).update(state=Relay.State.PAUSED)
    page = owner_client.get(url("pool", pool.pk)).content.decode()
    assert "No relay of this pool can take mails now: they wait." in page


def test_a_viewer_sees_a_pool_and_changes_nothing(
    workspace: Workspace, url: Callable[..., str], relay: Relay, make_member: Callable[..., User]
) -> None:
    pool = lived.pool_of("Main", (relay, 1, 1))
    client = Client()
    client.force_login(
        make_member(workspace, Role.VIEWER),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    page = client.get(url("pool", pool.pk)).content.decode()
    assert "Carries the mail" in page
    assert url("edit_pool", pool.pk) not in page
    assert client.get(url("edit_pool", pool.pk)).status_code == 403
    assert client.post(url("delete_pool", pool.pk)).status_code == 403
    assert PoolMember.objects.filter(pool=pool).exists()
