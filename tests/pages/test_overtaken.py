"""Two people edit one relay: the second is told before they overwrite what the first one saved."""

import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.test import Client

from accounts.models import Workspace
from relays.models import Relay
from tests import factories


def opened(client: Client, page: str) -> dict[str, str]:
    found = re.search(r'name="seen" value="(\w+)"', client.get(page).text)
    assert found
    return {"seen": found[1]}


@pytest.mark.django_db
@pytest.mark.parametrize("managed_by", ["", "sandbox"])
def test_the_second_one_is_asked(
    owner_client: Client, workspace: Workspace, url: Callable[..., str], managed_by: str
) -> None:
    relay = factories.make_relay(workspace, per_minute=30, envelope="from", managed_by=managed_by)
    page = url("edit_relay", relay.pk)
    typed = {
        "name": relay.name,
        "host": relay.host,
        "port": str(relay.port),
        "security": relay.security,
        "envelope": relay.envelope,
        "bounce_address": relay.bounce_address,
        "password_choice": "keep",
        "tested": "1",
    }
    first, second = opened(owner_client, page), opened(owner_client, page)
    mine = typed | {"per_minute": "31"}
    saved = owner_client.post(page, mine | first)
    assert saved.status_code == 302, saved.context["form"].errors
    theirs = typed | {"per_minute": "30", "per_second": "2"}
    answer = owner_client.post(page, theirs | second)
    assert answer.status_code == 200
    assert "Somebody else saved changes" in answer.text
    assert "A minute" in answer.text
    relay.refresh_from_db()
    assert (relay.per_minute, relay.per_second) == (31, None)
    # What was typed is kept, and saved when the person saves again.
    again = re.search(r'name="seen" value="(\w+)"', answer.text)
    assert again
    last = owner_client.post(page, theirs | {"seen": again[1]})
    assert last.status_code == 302, last.context["form"].errors
    relay.refresh_from_db()
    assert (relay.per_minute, relay.per_second) == (30, Decimal(2))
    assert Relay.objects.count() == 1
