"""Deleting a list: the numbers, what refuses it, and the wishes that stay known."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User, Workspace
from campaigns.models import Campaign
from contacts.models import Contact, Import, Job, List, Subscription, Suppression
from contacts.provenance import Source
from contacts.services import jobs, listdeleting
from relays.models import Relay
from sending.models import Mailing
from signups.models import SignupForm
from tests import factories
from tests.contacts.segments.scene import make_segment, when

pytestmark = pytest.mark.django_db


def text(answer: object) -> str:
    return " ".join(answer.content.decode().split())  # type: ignore[attr-defined]


@pytest.fixture
def news(workspace: Workspace) -> List:
    """Of four people: one is subscribed to another list, too; two have left, one of whom is on the
    other list."""
    names = ("here", "both", "left", "left-both")
    made = factories.make_list(workspace, [f"{name}@x.example" for name in names])
    factories.make_list(workspace, ["both@x.example", "left-both@x.example"], name="Other")
    gone = Subscription.objects.filter(list=made, contact__email__startswith="left")
    gone.update(status="unsubscribed", **Source("campaign", 7).columns)
    return made


def test_the_page_has_the_numbers_and_a_get_deletes_nothing(
    owner_client: Client, news: List
) -> None:
    page = text(owner_client.get(f"/w/brand/lists/{news.pk}/delete/"))
    assert "2 contacts are subscribed. 1 of them is on no other list." in page
    assert "2 contacts have unsubscribed from it. 1 of them is on no other list" in page
    assert List.objects.filter(pk=news.pk).exists()


def test_contacts_stay_and_so_does_the_wish_of_who_left_the_last_list(
    owner_client: Client, news: List
) -> None:
    page = owner_client.post(f"/w/brand/lists/{news.pk}/delete/", follow=True)
    assert "Newsletter was deleted." in text(page)
    assert not List.objects.filter(pk=news.pk).exists()
    assert Contact.objects.count() == 4
    kept = Suppression.objects.get()
    assert (kept.value, kept.reason) == ("left@x.example", "unsubscribed")
    assert kept.detail == "Newsletter"
    assert kept.source == Source("campaign", 7)


def test_a_large_list_is_deleted_by_a_job(
    owner_client: Client, news: List, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "SMALL", 1)
    answer = owner_client.post(f"/w/brand/lists/{news.pk}/delete/")
    job = Job.objects.get()
    assert answer["Location"] == f"/w/brand/contacts/jobs/{job.pk}/"
    news.refresh_from_db()
    assert news.archived_at
    jobs.run(job.pk, size=3, seconds=0)
    jobs.run(job.pk, size=3)
    job.refresh_from_db()
    assert not List.objects.filter(pk=news.pk).exists()
    assert job.counts["changed"] == 4
    assert Suppression.objects.get().value == "left@x.example"


def test_the_job_leaves_a_list_that_something_uses_meanwhile(
    workspace: Workspace, owner: User, news: List, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "SMALL", 1)
    job = listdeleting.delete(news, by=owner)
    assert job
    make_segment(workspace, when("list", str(news.pk), "subscribed"))
    jobs.run(job.pk, size=3, seconds=0)
    jobs.run(job.pk, size=3)
    job.refresh_from_db()
    assert List.objects.filter(pk=news.pk).exists()
    assert not news.subscriptions.exists()


@pytest.fixture
def campaign(workspace: Workspace) -> Campaign:
    return Campaign.objects.create(workspace=workspace, name="Spring")


def in_scheduled(campaign: Campaign, news: List) -> None:
    campaign.lists_in.add(news)
    Campaign.objects.update(state="scheduled")


def in_running(campaign: Campaign, news: List) -> None:
    campaign.lists_in.add(news)
    Campaign.objects.update(state="started", mailing=factories.make_mailing(campaign.workspace))


def in_exclusions(campaign: Campaign, news: List) -> None:
    """Without the list the draft would mail its people."""
    campaign.lists_out.add(news)


def in_segment(campaign: Campaign, news: List) -> None:
    make_segment(campaign.workspace, when("list", str(news.pk), "subscribed"), name="Spring")


def in_import(campaign: Campaign, news: List) -> None:
    Import.objects.create(
        workspace=campaign.workspace, filename="Spring", state="running", list=news
    )


@pytest.mark.parametrize("use", [in_scheduled, in_running, in_exclusions, in_segment, in_import])
def test_what_needs_the_list_refuses(
    owner_client: Client, campaign: Campaign, news: List, use: Callable[[Campaign, List], None]
) -> None:
    use(campaign, news)
    page = owner_client.post(f"/w/brand/lists/{news.pk}/delete/", follow=True)
    assert "can&#x27;t be deleted: it is used by" in text(page)
    assert "“Spring”" in text(page)
    assert "Delete list" not in text(page)
    assert List.objects.filter(pk=news.pk).exists()
    assert news.subscriptions.count() == 4


def test_what_can_do_without_it_is_named(
    owner_client: Client, campaign: Campaign, news: List, relay: Relay
) -> None:
    campaign.lists_in.add(news)
    form = SignupForm.objects.create(workspace=campaign.workspace, name="Footer", relay=relay)
    form.lists.add(news)
    ended = factories.make_mailing(campaign.workspace, state=Mailing.State.FINISHED)
    old = Campaign.objects.create(
        workspace=campaign.workspace, name="Old", state="started", mailing=ended
    )
    old.lists_in.add(news)
    page = text(owner_client.get(f"/w/brand/lists/{news.pk}/delete/"))
    assert "Campaign “Spring”" in page
    assert "Form “Footer”" in page
    assert "“Old”" not in page
    owner_client.post(f"/w/brand/lists/{news.pk}/delete/")
    assert not List.objects.filter(pk=news.pk).exists()
    assert not form.lists.exists()
