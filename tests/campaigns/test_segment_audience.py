"""Campaigns to segments: chosen in the composer, started, reported, and left by a link."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User, Workspace
from campaigns.exceptions import CampaignConflictError, CampaignError
from campaigns.models import Campaign
from campaigns.services import audiences, drafts, review, starting
from contacts.models import Attribute, Contact, Job, List, Subscription, Suppression
from contacts.provenance import BY_HAND
from contacts.segmentmodels import Segment, SegmentCopy
from contacts.services import segmentkeeping, suppressions
from contacts.services import segments as service
from sending.models import LeftOut, Message
from tests import factories
from tests.campaigns.test_leaving import link, one_click, press
from tests.contacts.segments.scene import attribute, make_segment
from tests.mailservers.sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., Campaign]


@pytest.fixture
def city(workspace: Workspace) -> Attribute:
    return Attribute.objects.create(workspace=workspace, key="city", label="City", type="text")


@pytest.fixture
def vips(workspace: Workspace, city: Attribute) -> Segment:
    return make_segment(workspace, attribute("city", "is", "上海"), name="VIPs")


@pytest.fixture
def away(workspace: Workspace, city: Attribute) -> Segment:
    return make_segment(workspace, attribute("city", "is", "北京"), name="Away")


@pytest.fixture
def news(workspace: Workspace) -> List:
    """Two people of Shanghai, one of Beijing."""
    made = factories.make_list(workspace, [f"{name}@x.example" for name in "abc"], "News")
    Contact.objects.update(attributes={"city": "上海"})
    Contact.objects.filter(email="c@x.example").update(attributes={"city": "北京"})
    return made


def save(client: Client, campaign: Campaign, **values: object) -> str:
    url = reverse("save_campaign", args=["brand", campaign.pk, "to"])
    answer = client.post(url, {"version": campaign.version, **values}, follow=True)
    assert answer.status_code == 200
    campaign.refresh_from_db()
    return answer.content.decode()


def page(client: Client, name: str, campaign: Campaign | Segment, **query: str) -> str:
    answer = client.get(reverse(name, args=["brand", campaign.pk]), query, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def problems(campaign: Campaign) -> set[str]:
    return {one.code for one in review.problems(campaign) if one.section == "to"}


def test_a_segment_alone_is_an_audience(
    owner_client: Client, make_campaign: Make, news: List, vips: Segment, away: Segment
) -> None:
    campaign = make_campaign(lists_in=[])
    assert problems(campaign) == {"no_list"}
    save(owner_client, campaign, segments_in=[vips.pk])
    assert problems(campaign) == set()
    shown = page(owner_client, "campaign_readiness", campaign)
    assert "Ready" in shown
    assert "people get it" in shown
    assert audiences.of(campaign).recipients == 2
    assert audiences.somebody(campaign) == Contact.objects.get(email="a@x.example")
    save(owner_client, campaign, lists_in=[news.pk], segments_in=[], segments_out=[away.pk])
    found = audiences.of(campaign)
    assert [(one.reason, one.count) for one in found.exclusions] == [("excluded_segment", 1)]
    shown = page(owner_client, "campaign_audience", campaign, reason="*")
    assert "c@x.example" in shown
    assert reverse("segment", args=["brand", away.pk]) in shown
    # The composer says so in one line, the review with the way to each.
    assert "News, without Segment “Away”" in page(owner_client, "campaign", campaign)
    assert reverse("segment", args=["brand", away.pk]) in page(
        owner_client, "review_campaign", campaign
    )


def test_the_mail_is_previewed_for_somebody_who_gets_it(
    owner_client: Client, make_campaign: Make, news: List, vips: Segment, workspace: Workspace
) -> None:
    first, second = Contact.objects.filter(email__in=["a@x.example", "b@x.example"]).order_by("pk")
    suppressions.suppress_addresses(
        workspace, [(second.email, "")], reason="manual", source=BY_HAND
    )
    campaign = make_campaign(lists_in=[news], segments_out=[vips])
    assert [audiences.somebody(campaign, after=pk) for pk in (0, second.pk + 1)] == [
        Contact.objects.get(email="c@x.example")
    ] * 2
    assert "As c@x.example gets it" in page(owner_client, "review_campaign", campaign)
    assert audiences.somebody(make_campaign(lists_in=[], segments_in=[vips])) == first
    nobody = make_campaign(lists_in=[], segments_in=[vips], segments_out=[vips])
    assert audiences.somebody(nobody) is None


def test_wrong_choices_are_said_beside_the_field(
    owner_client: Client, make_campaign: Make, vips: Segment, workspace: Workspace
) -> None:
    campaign = make_campaign()
    before = [one.pk for one in campaign.lists_in.all()]
    shown = save(owner_client, campaign, segments_in=[vips.pk], segments_out=[vips.pk])
    assert "VIPs can&#x27;t be on both sides: nobody in it would get the mail." in shown
    many = [
        make_segment(workspace, attribute("city", "is", str(number)), name=f"S{number}").pk
        for number in range(21)
    ]
    assert "Choose at most 20 segments." in save(owner_client, campaign, segments_in=many)
    for hours in ("0", "745", "x", "-3", "1e3"):
        shown = save(owner_client, campaign, lists_in=before, quiet_hours=hours)
        assert campaign.quiet_hours is None
        assert f'value="{hours}"' in shown
    save(owner_client, campaign, lists_in=before, quiet_hours="16")
    assert campaign.quiet_hours == 16


def test_another_workspace_s_segments_and_campaigns_are_unknown(
    owner_client: Client, make_campaign: Make, other_workspace: Workspace
) -> None:
    Attribute.objects.create(workspace=other_workspace, key="city", label="City", type="text")
    foreign = make_segment(other_workspace, attribute("city", "is", "x"), name="Foreign")
    theirs = drafts.create(other_workspace, name="Theirs")
    campaign = make_campaign()
    shown = save(
        owner_client, campaign, segments_in=[foreign.pk], campaigns_out=[theirs.pk, campaign.pk]
    )
    assert "Foreign" not in shown
    assert "Theirs" not in shown
    assert not campaign.segments_in.exists()
    assert not campaign.campaigns_out.exists()


@pytest.mark.parametrize("side", ["segments_in", "segments_out"])
def test_a_rule_that_can_t_be_used_stops_the_start(  # noqa: PLR0917 - fixtures
    owner_client: Client, make_campaign: Make, news: List, vips: Segment, city: Attribute, side: str
) -> None:
    campaign = make_campaign(lists_in=[news], **{side: [vips]})
    starting.schedule(campaign, at=None)
    city.delete()
    assert starting.start_due() == []
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.DRAFT
    assert "The segment VIPs can't be used any more" in campaign.state_reason
    assert not Message.objects.exists()
    shown = page(owner_client, "campaign_readiness", campaign)
    assert "VIPs can&#x27;t be used any more" in shown
    assert "people get it" not in shown
    with pytest.raises(CampaignError, match="VIPs"):
        starting.schedule(campaign, at=None)
    # Pages that count say it, too.
    shown = page(owner_client, "campaign_audience", campaign)
    assert "can&#x27;t be used any more" in shown
    answer = owner_client.get(reverse("export_audience", args=["brand", campaign.pk]), follow=True)
    assert "can&#x27;t be used any more" in answer.content.decode()


def test_the_composer_knows_sizes_and_broken_ones(
    owner_client: Client,
    make_campaign: Make,
    news: List,
    vips: Segment,
    away: Segment,
) -> None:
    campaign = make_campaign(lists_in=[news], segments_in=[vips])
    shown = page(owner_client, "campaign", campaign)
    assert shown.count("Not counted yet") == 4
    page(owner_client, "segment_count", away)
    shown = page(owner_client, "campaign", campaign)
    assert shown.count("1 person</a>") == 2
    assert shown.count("counted") >= 2
    name_of_box = f'name="segments_out" value="{away.pk}"'
    assert name_of_box in shown
    Attribute.objects.all().delete()
    shown = page(owner_client, "campaign", campaign)
    # Away can't be chosen; VIPs is chosen, and can be taken out.
    assert name_of_box not in shown
    assert f'name="segments_in" value="{vips.pk}"' in shown
    assert shown.count("Can't be used: something in the rule no longer exists") == 4


def test_a_segment_in_use_stays(
    owner_client: Client, make_campaign: Make, news: List, vips: Segment
) -> None:
    campaign = make_campaign("Spring sale", lists_in=[news], segments_out=[vips])
    assert service.used_by(vips) == [("Campaign “Spring sale”", "campaign", campaign.pk)]
    with pytest.raises(service.SegmentError, match="used by Campaign “Spring sale”"):
        service.delete(vips)
    assert "Spring sale" in owner_client.get(reverse("segment", args=["brand", vips.pk])).text
    copy = drafts.duplicate(campaign)
    assert list(copy.segments_out.all()) == [vips]


def test_a_deleted_draft_comes_back_without_its_audience_if_a_segment_is_gone(
    owner_client: Client, make_campaign: Make, news: List, vips: Segment, away: Segment
) -> None:
    campaign = make_campaign(lists_in=[news], segments_out=[vips, away], quiet_hours=5)
    token = drafts.delete_draft(campaign)
    service.delete(vips)
    shown = owner_client.post(
        f"{reverse('undo_campaigns', args=['brand'])}?token={token}", follow=True
    ).text
    assert "Spring sale: a segment was deleted meanwhile. Choose again whom they go to." in shown
    back = Campaign.objects.get()
    assert (list(back.lists_in.all()), list(back.segments_out.all())) == ([], [away])
    assert back.quiet_hours == 5
    with pytest.raises(CampaignError, match="Choose at least one list or segment"):
        starting.schedule(back, at=None)


def test_a_segment_that_is_deleted_while_it_is_chosen(make_campaign: Make, vips: Segment) -> None:
    campaign = make_campaign()
    service.delete(Segment.objects.get(pk=vips.pk))
    with pytest.raises(CampaignConflictError, match="was deleted a moment ago"):
        drafts.save(campaign, {"segments_out": [vips]}, version=campaign.version)


def test_the_report_tells_the_segments_of_the_start(
    owner_client: Client, start: Make, news: List, vips: Segment, away: Segment
) -> None:
    campaign = start(lists_in=[news], segments_out=[away], segments_in=[vips])
    assert campaign.mailing is not None
    assert campaign.mailing.tally.targeted == 2
    assert LeftOut.objects.get().address == "c@x.example"
    shown = page(owner_client, "campaign", campaign)
    assert reverse("segment", args=["brand", vips.pk]) in shown
    # Afterwards the segments may change and go; the campaign keeps what it was sent to.
    service.delete(away)
    service.delete(vips)
    shown = page(owner_client, "campaign", campaign)
    assert "Segment “VIPs”" in shown
    assert reverse("segment", args=["brand", vips.pk or 0]) not in shown
    shown = page(owner_client, "left_out", campaign)
    assert "In a segment that is left out" in shown
    assert "Segment “Away”" in shown
    assert SegmentCopy.objects.count() == 2


def test_recipients_of_a_campaign_and_people_mailed_lately(
    owner_client: Client, start: Make, send: Callable[[], None], make_campaign: Make, news: List
) -> None:
    first = start(name="First", lists_in=[news])
    send()
    factories.make_list(news.workspace, ["d@x.example"], "More")
    Subscription.objects.create(list=news, contact=Contact.objects.get(email="d@x.example"))
    second = make_campaign("Second", lists_in=[news])
    save(owner_client, second, lists_in=[news.pk], campaigns_out=[first.pk])
    assert audiences.of(second).recipients == 1
    shown = page(owner_client, "campaign_audience", second, reason="excluded_mailing")
    assert reverse("campaign", args=["brand", first.pk]) in shown
    assert "News, without Recipients of “First”" in page(owner_client, "campaign", second)
    save(owner_client, second, lists_in=[news.pk], quiet_hours=2)
    found = audiences.of(second)
    assert [(one.reason, one.count) for one in found.exclusions] == [("mailed_lately", 3)]
    assert "Who got an advertising mail in the last 2 hours" in page(
        owner_client, "campaign", second
    )


# Leaving -----------------------------------------------------------------------------------------


@pytest.fixture
def mailed(start: Make, send: Callable[[], None], news: List, vips: Segment, sink: Sink) -> Contact:
    """The one recipient of a campaign to a segment, who is on two lists."""
    person = Contact.objects.get(email="a@x.example")
    more = factories.make_list(news.workspace, [person.email], "More")
    Subscription.objects.create(list=more, contact=Contact.objects.get(email="c@x.example"))
    Contact.objects.filter(email="b@x.example").update(attributes={})
    start(lists_in=[], segments_in=[vips])
    send()
    assert [recipient for _sender, recipient, _mail in sink.mails] == [person.email]
    return person


def test_the_link_of_a_mail_to_a_segment_names_all_lists(mailed: Contact, sink: Sink) -> None:
    shown = Client().get(link(sink)).content.decode()
    assert "Mail to <strong><bdi>a@x.example</bdi></strong> came from:" in shown
    assert ">More<" in shown
    assert ">News<" in shown
    assert set(mailed.subscriptions.values_list("status", flat=True)) == {"subscribed"}
    shown = press(sink, "lists")
    assert "You are unsubscribed" in shown
    assert set(mailed.subscriptions.values_list("status", flat=True)) == {"unsubscribed"}
    assert not Suppression.objects.exists()
    # Others stay.
    assert Subscription.objects.filter(status="unsubscribed").count() == 2
    assert "you stay subscribed" in press(sink, "undo")
    assert set(mailed.subscriptions.values_list("status", flat=True)) == {"subscribed"}


def test_one_click_leaves_them(mailed: Contact, sink: Sink) -> None:
    one_click(sink)
    assert set(mailed.subscriptions.values_list("status", flat=True)) == {"unsubscribed"}


def test_counting_that_takes_too_long_is_said(
    owner_client: Client,
    make_campaign: Make,
    news: List,
    vips: Segment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The campaign can be sent nevertheless."""
    campaign = make_campaign(lists_in=[], segments_in=[vips])
    monkeypatch.setattr(audiences, "IMPATIENCE", 0.001)
    monkeypatch.setattr(audiences, "PATIENCE", 0.001)
    monkeypatch.setattr("contacts.queries.audience.audiencesql.AUDIENCE", SLOW)
    shown = page(owner_client, "campaign_readiness", campaign)
    assert "Counting the people takes too long to do it here." in shown
    assert "Review and send" in shown
    monkeypatch.undo()
    starting.start_now(campaign)
    assert starting.start_due() == [campaign.pk]


SLOW = """
SELECT c.id AS contact_id, c.email AS address, NULL AS reason, NULL::bigint AS suppression_id
  FROM contacts_contact c, pg_sleep(2) WHERE c.workspace_id = %(workspace)s
"""


@pytest.mark.parametrize("side", ["segments_in", "segments_out"])
def test_an_incomplete_one_stops_the_start(  # noqa: PLR0917 - fixtures
    owner_client: Client, make_campaign: Make, news: List, vips: Segment, owner: User, side: str
) -> None:
    job = segmentkeeping.keep(vips, by=owner)
    Job.objects.filter(pk=job.pk).update(state=Job.State.CANCELLED, total=4021)
    kept = Segment.objects.exclude(pk=vips.pk).get()
    campaign = make_campaign(lists_in=[news], **{side: [kept]})
    with pytest.raises(CampaignError, match=r"is incomplete: 0 of 4,021\. Finish it on its page"):
        starting.schedule(campaign, at=None)
    shown = page(owner_client, "campaign", campaign)
    assert shown.count("Can't be used: incomplete: 0 of 4,021") == 2
    # One that was complete when it was scheduled.
    Job.objects.filter(pk=job.pk).update(state=Job.State.FINISHED)
    starting.schedule(campaign, at=None)
    Job.objects.filter(pk=job.pk).update(undone_at=timezone.now())
    assert starting.start_due() == []
    campaign.refresh_from_db()
    assert "keeping its people was undone" in campaign.state_reason
    assert not Message.objects.exists()


def test_what_was_sent_to_it_is_named(
    owner_client: Client, start: Make, news: List, vips: Segment, away: Segment
) -> None:
    assert "Nothing uses it yet." in page(owner_client, "segment", vips)
    campaign = start("Spring sale", lists_in=[news], segments_out=[vips])
    shown = page(owner_client, "segment", vips)
    assert "Nothing uses it now." in shown
    assert "Sent to it: 1 campaign" in " ".join(shown.split())
    assert reverse("campaign", args=["brand", campaign.pk]) in shown
    assert service.sent_to(vips) == [([("Spring sale", "campaign", campaign.pk)], 1)]
    assert service.sent_to(away) == []
