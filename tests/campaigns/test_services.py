"""The verbs of campaigns, and the one table of their states."""

from collections.abc import Callable

import pytest

import sending.transitions
from accounts.models import User, Workspace
from campaigns import services, transitions
from campaigns.models import Campaign
from campaigns.services import drafts
from contacts.models import List
from designs.models import Design
from relays.models import Pool, Relay
from sending.models import Mailing, Message
from sending.queries.claim import claim

Make = Callable[..., Campaign]


def started(campaign: Campaign) -> Campaign:
    services.start_now(campaign)
    services.start_due()
    campaign.refresh_from_db()
    assert campaign.mailing is not None
    return campaign


def test_the_table_agrees_with_that_of_mailings() -> None:
    for verb, (sources, target) in sending.transitions.TRANSITIONS.items():
        ours = {t.source for t in transitions.TRANSITIONS if t.verb == verb} - {
            transitions.SCHEDULED
        }
        assert ours == set(sources), verb
        assert {t.target for t in transitions.TRANSITIONS if t.verb == verb} == {target}


def test_every_state_is_reached_and_every_verb_of_a_person_has_a_word() -> None:
    assert set(transitions.STATES) - {transitions.DRAFT} <= {
        t.target for t in transitions.TRANSITIONS
    }
    assert all(str(t.label) for t in transitions.TRANSITIONS if t.permission)
    step = transitions.transition("cancel", transitions.SENDING)
    assert step is not None
    said = transitions.asked(step, {"done": 12480, "targeted": 20000, "left": 7520})
    assert said == ("Cancel this campaign? 12,480 of 20,000 are done; 7,520 will not be sent.")
    assert transitions.transition("pause", transitions.DRAFT) is None


def test_a_new_campaign_takes_what_the_workspace_proposes(
    workspace: Workspace, relay: Relay, owner: User
) -> None:
    Relay.objects.create(workspace=workspace, name="A sandbox", host="x", delivers=False)
    workspace.timezone = "Asia/Shanghai"
    made = drafts.create(workspace, name="Spring", by=owner)
    assert (made.from_name, made.from_email) == ("Brand", "news@brand.example")
    assert (made.relay, made.timezone, made.state) == (relay, "Asia/Shanghai", "draft")
    drafts.save(made, {"from_name": "Yan", "reply_to": "yan@brand.example"}, version=1)
    second = drafts.create(workspace, name="Summer", by=owner)
    assert (second.from_name, second.reply_to) == ("Yan", "yan@brand.example")


def test_a_new_campaign_takes_a_pool_before_a_relay(workspace: Workspace, relay: Relay) -> None:
    pool = Pool.objects.create(workspace=workspace, name="Main")
    made = drafts.create(workspace, name="Spring")
    assert (made.relay, made.pool) == (None, pool)


def test_save_counts_versions_and_refuses_an_older_one(make_campaign: Make) -> None:
    campaign = make_campaign()
    version = campaign.version
    mine, theirs = Campaign.objects.get(pk=campaign.pk), Campaign.objects.get(pk=campaign.pk)
    drafts.save(theirs, {"subject": "Theirs"}, version=version)
    with pytest.raises(services.CampaignConflictError, match="Somebody saved this campaign at"):
        drafts.save(mine, {"subject": "Mine"}, version=version)
    campaign.refresh_from_db()
    assert (campaign.subject, campaign.version) == ("Theirs", version + 1)


def test_saving_what_is_there_already_is_no_change(make_campaign: Make) -> None:
    campaign = make_campaign()
    lists = list(campaign.lists_in.all())
    saved = drafts.save(campaign, {"subject": campaign.subject, "lists_in": lists}, version=1)
    assert saved.version == campaign.version
    assert list(saved.lists_in.all()) == lists


def test_save_changes_the_lists(make_campaign: Make, make_list: Callable[..., List]) -> None:
    campaign = make_campaign()
    other = make_list("c@x.example", name="Other")
    saved = drafts.save(
        campaign, {"lists_in": [other], "lists_out": [other]}, version=campaign.version
    )
    assert list(saved.lists_in.all()) == [other] == list(saved.lists_out.all())


@pytest.mark.parametrize("state", ["scheduled", "started", "cancelled"])
def test_only_drafts_are_edited_and_deleted(make_campaign: Make, state: str) -> None:
    campaign = make_campaign()
    Campaign.objects.filter(pk=campaign.pk).update(state=state)
    with pytest.raises(services.CampaignError, match="not a draft any more"):
        services.save(campaign, {"subject": "New"}, version=campaign.version)
    with pytest.raises(services.CampaignError, match="Only drafts can be deleted"):
        services.delete_draft(campaign)
    assert Campaign.objects.filter(pk=campaign.pk).exists()


def test_a_duplicate_is_a_draft_with_everything_but_the_time(
    make_campaign: Make, owner: User
) -> None:
    campaign = started(make_campaign(reply_to="yan@brand.example", open_counting="none"))
    copy = services.duplicate(campaign, by=owner)
    assert (copy.name, copy.state, copy.mailing) == ("Spring sale (copy)", "draft", None)
    assert (copy.reply_to, copy.open_counting) == ("yan@brand.example", "none")
    assert (copy.subject, copy.design) == (campaign.subject, campaign.design)
    assert list(copy.lists_in.all()) == list(campaign.lists_in.all())
    assert copy.scheduled_at is None


def test_a_deleted_draft_comes_back_as_it_was(
    make_campaign: Make, workspace: Workspace, other_workspace: Workspace
) -> None:
    campaign = make_campaign()
    pk, lists, made = campaign.pk, list(campaign.lists_in.all()), campaign.created_at
    token = services.delete_draft(campaign)
    assert not Campaign.objects.exists()
    assert services.restore(other_workspace, token) == (0, [])
    assert services.restore(workspace, token) == (1, [])
    back = Campaign.objects.get(pk=pk)
    assert (back.name, back.subject, back.created_at) == (campaign.name, campaign.subject, made)
    assert list(back.lists_in.all()) == lists
    assert services.restore(workspace, token) == (0, [])


def test_what_was_deleted_meanwhile_is_empty_in_a_restored_draft(
    make_campaign: Make, workspace: Workspace, design: Design
) -> None:
    campaign = make_campaign()
    pk = campaign.pk
    token = services.delete_draft(campaign)
    design.delete()
    assert services.restore(workspace, token) == (1, [])
    assert Campaign.objects.get(pk=pk).design is None


def test_pause_resume_cancel(make_campaign: Make) -> None:
    campaign = started(make_campaign())
    services.pause(campaign)
    assert transitions.state_of(campaign) == "paused"
    with pytest.raises(services.CampaignError, match="paused already"):
        services.pause(campaign)
    services.resume(campaign)
    assert transitions.state_of(campaign) == "sending"
    with pytest.raises(services.CampaignError, match="being sent already"):
        services.resume(campaign)
    services.cancel(campaign)
    assert transitions.state_of(campaign) == "cancelled"
    messages = Message.objects.filter(mailing=campaign.mailing)
    assert {(m.state, m.reason) for m in messages} == {(Message.State.SKIPPED, "cancelled")}
    for verb in (services.pause, services.resume, services.cancel):
        with pytest.raises(services.CampaignError, match="cancelled already"):
            verb(campaign)


def test_pause_is_felt_by_whoever_claims(make_campaign: Make, relay: Relay) -> None:
    campaign = started(make_campaign())
    services.pause(campaign)
    assert campaign.mailing is not None
    assert claim(campaign.mailing, relay, holder="test", limit=10) is None


def test_a_cancelled_schedule_never_starts(make_campaign: Make) -> None:
    campaign = make_campaign()
    services.start_now(campaign)
    services.cancel(campaign)
    assert services.start_due() == []
    assert transitions.state_of(campaign) == "cancelled"
    assert not Mailing.objects.exists()
    with pytest.raises(services.CampaignError, match="duplicate it"):
        services.start_now(campaign)


def test_nothing_is_paused_that_has_not_started(make_campaign: Make) -> None:
    campaign = make_campaign()
    with pytest.raises(services.CampaignError, match="is a draft"):
        services.pause(campaign)
    with pytest.raises(services.CampaignError, match="is a draft"):
        services.cancel(campaign)
    services.start_now(campaign)
    with pytest.raises(services.CampaignError, match="has not started yet"):
        services.pause(campaign)
