"""The composer, the review screen and the list, as people use them."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User, Workspace
from accounts.permissions import Role
from campaigns import services
from campaigns.models import Campaign
from contacts.models import List
from designs.models import Design
from sending.models import Mailing, Relay

Make = Callable[..., Campaign]


def url(name: str, campaign: Campaign, *more: object) -> str:
    return reverse(name, args=[campaign.workspace.slug, campaign.pk, *more])


def save(client: Client, campaign: Campaign, section: str, **given: object) -> str:
    """Saves a section as the page's script does; the answer's text."""
    campaign.refresh_from_db()
    data = {"version": campaign.version} | given
    answer = client.post(
        url("save_campaign", campaign, section), data, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 200
    campaign.refresh_from_db()
    return answer.content.decode()


def rail(client: Client, campaign: Campaign) -> str:
    return client.get(url("campaign_readiness", campaign)).content.decode()


def test_from_nothing_to_scheduled(
    owner_client: Client,
    workspace: Workspace,
    relay: Relay,
    design: Design,
    make_list: Callable[..., List],
) -> None:
    people = make_list("a@x.example", "b@x.example")
    made = owner_client.post(reverse("new_campaign", args=[workspace.slug]), {"name": "Spring"})
    campaign = Campaign.objects.get()
    assert made["Location"] == url("campaign", campaign)
    page = owner_client.get(made["Location"]).content.decode()
    assert "Newsletter" in page
    assert "2 people" in page
    assert "Spring" in page
    save(owner_client, campaign, "to", lists_in=[people.pk])
    save(owner_client, campaign, "content", design=design.pk)
    assert (campaign.subject, campaign.preheader) == ("Spring 春季", "New")
    tomorrow = timezone.now().date() + timedelta(days=2)
    answer = save(
        owner_client,
        campaign,
        "when",
        when="later",
        date=tomorrow.isoformat(),
        time="09:00",
        timezone="Asia/Shanghai",
    )
    assert "01:00 UTC" in answer
    assert campaign.scheduled_at is not None
    assert campaign.scheduled_at.hour == 1
    assert "Ready" in rail(owner_client, campaign)
    review = owner_client.get(url("review_campaign", campaign)).content.decode()
    assert "Schedule for" in review
    assert "09:00 (Asia/Shanghai)" in review
    assert "Send to" not in review
    planned = owner_client.post(
        url("schedule_campaign", campaign), {"version": campaign.version}, follow=True
    ).content.decode()
    assert "is scheduled for" in planned
    campaign.refresh_from_db()
    assert campaign.state == "scheduled"
    assert "Back to draft" in planned
    owner_client.post(url("unschedule_campaign", campaign))
    campaign.refresh_from_db()
    assert campaign.state == "draft"
    assert campaign.scheduled_at is not None
