"""Campaigns whose detail was dropped: the report stays, and pages of people say what happened."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.models import Campaign
from campaigns.queries import report
from sending.models import Event, Mailing, Message, Tally
from sending.queries import events
from sending.services import blocks, retention

pytestmark = pytest.mark.django_db(transaction=True)
MIXED = ("anna@x.example", "ben@x.example", "reject@x.example", "spam@y.example")
PAGES = ("recipients/", "recipients/?state=failed", "recipients.csv", "left-out/", "clicks/")


@pytest.fixture
def campaign(start: Callable[..., Campaign], send: Callable[[], None]) -> Campaign:
    """It ended long ago."""
    campaign = start(*MIXED)
    send()
    assert campaign.mailing is not None
    now = timezone.now()
    ben = Message.objects.get(address="ben@x.example")
    events.record(
        [
            events.EventRow(ben.pk, Event.Kind.CLICKED, now, link=0),
            events.EventRow(ben.pk, Event.Kind.DELAYED, now),
            events.EventRow(ben.pk, Event.Kind.SOFT_BOUNCED, now, detail="452 4.2.2 full"),
        ]
    )
    ago = now - timedelta(days=400)
    mailing = Mailing.objects.filter(pk=campaign.mailing.pk)
    mailing.update(state="finished", opened_at=ago, finished_at=ago)
    Tally.objects.update(unjudged_since=None)
    blocks.turn()
    campaign.refresh_from_db()
    return campaign


def drop() -> None:
    before = timezone.now() - timedelta(days=300)
    for block in retention.look(before):
        assert not block.keeping
        retention.drop(block, before)


def told(mailing: Mailing) -> list[object]:
    return [
        report.failures(mailing),
        report.failed_at(mailing),
        report.bounces(mailing),
        report.returns(mailing),
        report.skipped(mailing),
        report.domains(mailing),
        report.links(mailing),
    ]


def test_the_report_stays_as_it_was(campaign: Campaign, owner_client: Client) -> None:
    before = told(Mailing.objects.get())
    assert all(before[i] for i in (0, 2, 3, 5))
    drop()
    assert not Message.objects.exists()
    assert told(Mailing.objects.get()) == before
    page = owner_client.get(f"/w/brand/campaigns/{campaign.pk}/").content.decode()
    assert "was deleted on" in page
    for part in ("failures", "bounces", "domains", "links", "series"):
        answer = owner_client.get(f"/w/brand/campaigns/{campaign.pk}/report/{part}/")
        assert answer.status_code == 200, part
        assert "Try again" not in answer.content.decode()


def test_pages_of_people_say_that_they_were_dropped(
    campaign: Campaign, owner_client: Client
) -> None:
    drop()
    for name in PAGES:
        answer = owner_client.get(f"/w/brand/campaigns/{campaign.pk}/{name}")
        assert answer.status_code == 200, name
        page = answer.content.decode()
        assert "These details are no longer kept" in page
        assert "was deleted on" in page


def test_nobody_is_tried_again(campaign: Campaign, owner_client: Client) -> None:
    drop()
    url = f"/w/brand/campaigns/{campaign.pk}/failed/retry/"
    page = owner_client.post(url, {"query": ""}, follow=True).content.decode()
    assert "no longer kept" in page
    assert Mailing.objects.get().state == "finished"
