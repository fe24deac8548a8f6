"""A campaign does not go through a relay that has not passed a test, unless somebody says so."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.models import Campaign
from contacts.models import List
from relays.models import Relay

Make = Callable[..., Campaign]


@pytest.fixture
def untested(relay: Relay) -> Relay:
    relay.tested_at = None
    relay.save()
    return relay


@pytest.mark.parametrize("verb", ["send", "schedule"])
def test_somebody_has_to_say_so(
    owner_client: Client,
    make_campaign: Make,
    make_list: Callable[..., List],
    untested: Relay,
    verb: str,
) -> None:
    at = timezone.now() + timedelta(days=1) if verb == "schedule" else None
    campaign = make_campaign(scheduled_at=at)
    here = f"/w/brand/campaigns/{campaign.pk}/"
    page = owner_client.get(here + "review/").content.decode()
    assert "Post has not passed a test yet." in page
    assert f'href="/w/brand/relays/{untested.pk}/#relay-test"' in page
    assert "Send although Post has not passed a test yet" in page
    assert "not tested yet" in owner_client.get(here).content.decode()
    version = {"version": campaign.version}
    answer = owner_client.post(f"{here}{verb}/", version, follow=True)
    assert "Test it first, or say that" in answer.content.decode()
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.DRAFT
    owner_client.post(f"{here}{verb}/", {**version, "untested": "1"})
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.SCHEDULED


def test_one_that_passed_is_not_asked_about(owner_client: Client, make_campaign: Make) -> None:
    campaign = make_campaign()
    here = f"/w/brand/campaigns/{campaign.pk}/"
    assert "not passed a test" not in owner_client.get(here + "review/").content.decode()
    owner_client.post(f"{here}send/", {"version": campaign.version})
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.SCHEDULED


def test_the_sandbox_needs_no_test(
    owner_client: Client, make_campaign: Make, untested: Relay
) -> None:
    Relay.objects.filter(pk=untested.pk).update(managed_by="sandbox", delivers=False)
    campaign = make_campaign()
    page = owner_client.get(f"/w/brand/campaigns/{campaign.pk}/review/").content.decode()
    assert "not passed a test" not in page
