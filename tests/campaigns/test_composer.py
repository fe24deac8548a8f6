"""The composer, the review screen and the list, as people use them."""

import re
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
from campaigns.services import audiences
from contacts.models import Contact, List, Subscription
from designs.models import Design
from relays.models import Relay
from sending.models import Mailing

Make = Callable[..., Campaign]
LATELY = (timezone.now() - timedelta(days=2)).date().isoformat()


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


# The list ----------------------------------------------------------------------------------------


def campaigns_page(client: Client, workspace: Workspace, query: str = "") -> str:
    answer = client.get(reverse("campaigns", args=[workspace.slug]) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_list_shows_every_state_with_its_figures(
    owner_client: Client, workspace: Workspace, make_campaign: Make
) -> None:
    make_campaign("A draft")
    services.schedule(make_campaign("Planned"), at=timezone.now() + timedelta(hours=3))
    sent = make_campaign("Sent")
    services.start_now(sent)
    services.start_due()
    sent.refresh_from_db()
    assert sent.mailing is not None
    tally = sent.mailing.tally
    tally.accepted, tally.with_pixel, tally.opened = 3, 2, 1
    tally.save()
    page = campaigns_page(owner_client, workspace)
    assert page.index("Sent") < page.index("Planned") < page.index("A draft")
    assert "50%" in page
    for state, name in (("draft", "A draft"), ("scheduled", "Planned"), ("sending", "Sent")):
        only = campaigns_page(owner_client, workspace, f"?state={state}")
        shown = {n for n in ("A draft", "Planned", ">Sent<") if n in only}
        assert {name.strip("<>")} == {n.strip("<>") for n in shown}
    assert "Planned" not in campaigns_page(owner_client, workspace, "?q=dra")
    assert "No campaign matches" in campaigns_page(owner_client, workspace, "?q=nothing")
    for sort in ("name", "-name", "when", "-when", "recipients", "-recipients"):
        assert "Planned" in campaigns_page(owner_client, workspace, f"?sort={sort}")


def test_only_drafts_are_deleted_in_bulk_and_come_back(
    owner_client: Client, workspace: Workspace, make_campaign: Make
) -> None:
    first, second, planned = make_campaign("One"), make_campaign("Two"), make_campaign("Planned")
    services.start_now(planned)
    answer = owner_client.post(
        reverse("campaigns_bulk", args=[workspace.slug]),
        {"action": "delete", "all": "1", "query": ""},
        follow=True,
    )
    text = answer.content.decode()
    assert "2 drafts deleted." in text
    assert "1 campaign is no draft and stays." in text
    assert list(Campaign.objects.all()) == [planned]
    undo = text.split("undo/?token=")[1].split('"')[0].split("&")[0]
    undo_url = reverse("undo_campaigns", args=[workspace.slug]) + f"?token={undo}"
    assert "2 drafts are back." in owner_client.post(undo_url, follow=True).content.decode()
    assert {c.pk for c in Campaign.objects.all()} == {first.pk, second.pk, planned.pk}
    assert "too late" in owner_client.post(undo_url, follow=True).content.decode()


def test_an_empty_list_leads_on(owner_client: Client, workspace: Workspace) -> None:
    page = campaigns_page(owner_client, workspace)
    assert "No campaigns yet" in page
    assert reverse("new_campaign", args=[workspace.slug]) in page


def test_a_new_campaign_starts_with_what_the_address_says(
    owner_client: Client, workspace: Workspace, design: Design, make_list: Callable[..., List]
) -> None:
    people = make_list("a@x.example")
    address = reverse("new_campaign", args=[workspace.slug])
    owner_client.post(f"{address}?design={design.pk}&list={people.pk}", {"name": "Spring"})
    campaign = Campaign.objects.get()
    assert (campaign.design, campaign.subject) == (design, "Spring 春季")
    assert list(campaign.lists_in.all()) == [people]


def test_opens_are_counted_as_the_workspace_says_unless_the_campaign_does(
    owner_client: Client, workspace: Workspace
) -> None:
    Workspace.objects.filter(pk=workspace.pk).update(open_counting="totals")
    owner_client.post(reverse("new_campaign", args=[workspace.slug]), {"name": "Spring"})
    campaign = Campaign.objects.get()
    assert campaign.open_counting == "totals"
    save(owner_client, campaign, "route", open_counting="everybody")
    campaign.refresh_from_db()
    assert campaign.open_counting == "everybody"
    assert "valid choice" in save(owner_client, campaign, "route", open_counting="always")
    # A page of an earlier version does not send the field.
    save(owner_client, campaign, "route", track_clicks="on")
    campaign.refresh_from_db()
    assert (campaign.open_counting, campaign.track_clicks) == ("everybody", True)


def test_what_belongs_to_others_is_not_chosen(
    owner_client: Client, other_workspace: Workspace, workspace: Workspace, make_campaign: Make
) -> None:
    theirs = List.objects.create(workspace=other_workspace, name="Theirs")
    mail = Design.objects.create(workspace=other_workspace, name="Theirs", html="x")
    way = Relay.objects.create(workspace=other_workspace, name="Theirs", host="x")
    campaign = make_campaign()
    lists, design, relay = list(campaign.lists_in.all()), campaign.design, campaign.relay
    assert "valid choice" in save(owner_client, campaign, "to", lists_in=[theirs.pk])
    assert "valid choice" in save(owner_client, campaign, "content", design=mail.pk)
    assert "valid choice" in save(owner_client, campaign, "route", route=f"relay-{way.pk}")
    assert list(campaign.lists_in.all()) == lists
    assert (campaign.design, campaign.relay) == (design, relay)
    address = reverse("new_campaign", args=[workspace.slug])
    owner_client.post(f"{address}?design={mail.pk}&list={theirs.pk}", {"name": "Mine"})
    mine = Campaign.objects.get(name="Mine")
    assert (mine.design, mine.lists_in.count()) == (None, 0)


# Sections ----------------------------------------------------------------------------------------


def test_what_is_valid_is_saved_and_what_is_not_is_told(
    owner_client: Client, make_campaign: Make
) -> None:
    campaign = make_campaign()
    answer = save(
        owner_client,
        campaign,
        "from",
        from_name="Yan\r\nBcc: x",
        from_email="nobody@",
        reply_to="X@Ü.de",
    )
    assert (campaign.from_name, campaign.from_email) == ("Yan Bcc: x", "news@brand.example")
    assert campaign.reply_to == "x@xn--tda.de"
    place = answer.split('id="id_from_email_error"')[1].split("</ul>")[0]
    assert "<li>" in place
    assert "<li>" not in answer.split('id="id_reply_to_error"')[1].split("</ul>")[0]


def test_without_script_nothing_typed_is_lost(owner_client: Client, make_campaign: Make) -> None:
    campaign = make_campaign()
    data = {"version": campaign.version, "from_name": "Yan", "from_email": "nobody@"}
    page = owner_client.post(url("save_campaign", campaign, "from"), data).content.decode()
    assert 'value="nobody@"' in page
    assert '<details class="section card composer-section" id="from" open>' in page
    data = {"version": campaign.version + 1, "from_name": "Yan", "from_email": "yan@brand.example"}
    answer = owner_client.post(url("save_campaign", campaign, "from"), data)
    assert answer["Location"].endswith("?open=subject")
    campaign.refresh_from_db()
    assert campaign.from_email == "yan@brand.example"


def test_two_tabs_are_told_of_each_other(owner_client: Client, make_campaign: Make) -> None:
    campaign = make_campaign()
    old = campaign.version
    save(owner_client, campaign, "subject", subject="First", preheader="")
    data = {"version": old, "subject": "Second", "preheader": ""}
    address = url("save_campaign", campaign, "subject")
    answer = owner_client.post(address, data, headers={"HX-Request": "true"}).content.decode()
    assert "Somebody saved this campaign at" in answer
    assert f'data-save-over="{campaign.version}"' in answer
    plain = owner_client.post(address, data).content.decode()
    assert 'value="Second"' in plain
    assert "Somebody saved this campaign at" in plain
    campaign.refresh_from_db()
    assert campaign.subject == "First"


def test_a_list_on_both_sides_is_refused(owner_client: Client, make_campaign: Make) -> None:
    campaign = make_campaign()
    one = campaign.lists_in.get()
    answer = save(owner_client, campaign, "to", lists_in=[one.pk], lists_out=[one.pk])
    assert "on both sides" in answer
    assert not campaign.lists_out.exists()


@pytest.mark.parametrize(
    ("date", "time", "zone", "saved", "said"),
    [
        ("2027-03-28", "02:30", "Europe/Berlin", "2027-03-28 01:30", "it starts at 03:30"),
        ("2027-10-31", "02:30", "Europe/Berlin", "2027-10-31 00:30", "it starts the first time"),
        ("2027-07-01", "09:00", "America/New_York", "2027-07-01 13:00", "13:00 UTC"),
        ("2027-07-01", "09:00", "UTC", "2027-07-01 09:00", ""),
    ],
)
def test_times_are_said_in_words(  # noqa: PLR0917 - cases
    owner_client: Client,
    make_campaign: Make,
    date: str,
    time: str,
    zone: str,
    saved: str,
    said: str,
) -> None:
    campaign = make_campaign()
    answer = save(owner_client, campaign, "when", when="later", date=date, time=time, timezone=zone)
    assert campaign.scheduled_at is not None
    assert f"{campaign.scheduled_at:%Y-%m-%d %H:%M}" == saved
    assert campaign.timezone == zone
    assert said in answer


@pytest.mark.parametrize("typed", ["US/Pacific", "los angeles"])
def test_a_zone_is_found_by_its_city_or_its_old_name(
    owner_client: Client, make_campaign: Make, typed: str
) -> None:
    campaign = make_campaign()
    save(
        owner_client,
        campaign,
        "when",
        when="later",
        date="2027-07-01",
        time="09:00",
        timezone=typed,
    )
    assert campaign.timezone == "America/Los_Angeles"


def test_the_readers_zone_is_said_too(
    owner_client: Client, owner: User, make_campaign: Make
) -> None:
    owner.timezone = "Asia/Shanghai"
    owner.save()
    answer = save(
        owner_client,
        make_campaign(),
        "when",
        when="later",
        date="2027-07-01",
        time="09:00",
        timezone="Europe/Berlin",
    )
    assert "07:00 UTC" in answer
    assert "15:00 in your zone (Asia/Shanghai)" in answer


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"date": LATELY, "time": "09:00"}, "This time is over"),
        ({"date": "9999-12-31", "time": "23:59"}, "within the next five years"),
        ({"date": "0001-01-01", "time": "00:00"}, "within the next five years"),
        ({"date": "", "time": "09:00"}, "Choose a date."),
        ({"date": "2027-01-01", "time": ""}, "Choose a time."),
        ({"date": "soon", "time": "09:00"}, "Enter a valid date."),
        (
            {"date": "2027-01-01", "time": "09:00", "timezone": "Mars/Base"},
            "Choose a time zone from the list",
        ),
    ],
)
def test_a_time_that_is_none_is_refused(
    owner_client: Client, make_campaign: Make, given: dict[str, str], why: str
) -> None:
    campaign = make_campaign()
    answer = save(owner_client, campaign, "when", **{"when": "later", "timezone": "UTC", **given})
    assert why in answer
    assert campaign.scheduled_at is None


def test_now_forgets_the_time(owner_client: Client, make_campaign: Make) -> None:
    campaign = make_campaign(scheduled_at=timezone.now() + timedelta(days=1))
    save(owner_client, campaign, "when", when="now", date="", time="", timezone="Asia/Shanghai")
    assert campaign.scheduled_at is None


def test_a_broken_section_does_not_break_the_page(
    owner_client: Client, make_campaign: Make
) -> None:
    campaign = make_campaign()
    slug = campaign.workspace.slug
    bad = owner_client.post(url("save_campaign", campaign, "to"), {"version": "x"})
    assert bad.status_code == 400
    assert owner_client.post(url("save_campaign", campaign, "none"), {}).status_code == 404
    assert owner_client.get(reverse("campaign", args=[slug, 999_999])).status_code == 404


# Problems ----------------------------------------------------------------------------------------


def test_the_rail_says_what_is_missing(
    owner_client: Client, workspace: Workspace, make_campaign: Make
) -> None:
    Workspace.objects.update(postal_address="1 Main Street")
    make: dict[str, object] = {
        "lists_in": [],
        "design": None,
        "subject": "{{ first_name",
        "from_email": "",
    }
    text = rail(owner_client, make_campaign(**make))
    for said in (
        "Choose at least one list or segment.",
        "Choose a design.",
        "Enter the sender&#x27;s address.",
        "things are missing",
    ):
        assert said in text
    assert "postal address" not in text


def test_warnings_do_not_block(
    owner_client: Client, workspace: Workspace, make_campaign: Make, relay: Relay
) -> None:
    Relay.objects.update(state="paused", delivers=False, username="post@other.example")
    html = (
        "<p>{{ city }} <img src='https://brand.example/a.png'></p>"
        "<a href='{{ unsubscribe_url }}'>x</a>" + "<!-- x -->" * 12_000
    )
    workspace.attributes.create(key="city", label="City")
    design = Design.objects.create(workspace=workspace, name="Large", html=html)
    campaign = make_campaign(design=design)
    text = rail(owner_client, campaign)
    for said in (
        "Gmail clips",
        "no alt text",
        "2 recipients have no city",
        "no postal address",
        "nothing leaves this machine",
        "does not send now",
        "may refuse a sender of another domain",
    ):
        assert said in text
    assert "Ready" in text
    services.start_now(campaign)
    assert services.start_due() == [campaign.pk]


def test_a_provider_that_wants_its_own_address_blocks_others(
    owner_client: Client, make_campaign: Make
) -> None:
    Relay.objects.update(preset="aliyun", username="mail@brand.example")
    campaign = make_campaign()
    assert "sends only for the address it logs in with" in rail(owner_client, campaign)
    save(owner_client, campaign, "from", from_name="", from_email="mail@brand.example")
    text = rail(owner_client, campaign)
    assert "it logs in with" not in text
    assert "no sender name" in text


@pytest.mark.parametrize(
    ("html", "why"),
    [
        ("<p>Hello</p>", "no unsubscribe link"),
        ("<a href='{{ unsubscribe_url }}'>x</a>\n{{ shoe }}", "no merge field named shoe"),
        ("<a href='{{ unsubscribe_url }}'>x</a>\n\n{% if %}", "(line 3)"),
        ("<img src='{{ unsubscribe_url }}'>", "plain-text part would be empty"),
        ("", "The mail is empty"),
    ],
)
def test_errors_of_the_design_block(
    owner_client: Client, workspace: Workspace, make_campaign: Make, html: str, why: str
) -> None:
    design = Design.objects.create(workspace=workspace, name="Broken", html=html)
    campaign = make_campaign(design=design)
    assert why in rail(owner_client, campaign)
    review = owner_client.get(url("review_campaign", campaign)).content.decode()
    assert "This has to be done first" in review
    assert 'data-dialog="send-now" disabled' in review
    owner_client.post(url("send_campaign", campaign), {"version": campaign.version})
    campaign.refresh_from_db()
    assert campaign.state == "draft"


def test_who_is_left_out_and_why_with_the_way_there(
    owner_client: Client, workspace: Workspace, make_campaign: Make, make_list: Callable[..., List]
) -> None:
    people = make_list("a@x.example", "b@x.example", "c@x.example", "d@y.example", name="In")
    people.subscriptions.filter(contact__email="a@x.example").update(status="unsubscribed")
    workspace.suppressions.create(kind="address", value="b@x.example", reason="hard_bounced")
    out = make_list("c@x.example", name="Out")
    text = rail(owner_client, make_campaign(lists_in=[people], lists_out=[out]))
    assert "Suppressed after a hard bounce" in text
    assert "?reason=suppressed_hard_bounced" in text
    assert "?reason=unsubscribed" in text
    assert "?reason=excluded" in text
    assert ">1</a> person gets it" in " ".join(text.split())


# Review and go -----------------------------------------------------------------------------------


def test_sending_now_asks_with_the_number_and_happens_once(
    owner_client: Client, make_campaign: Make
) -> None:
    campaign = make_campaign()
    review = owner_client.get(url("review_campaign", campaign)).content.decode()
    assert "Send to 2 people now?" in review
    assert "Schedule for" not in review
    data = {"version": campaign.version}
    first = owner_client.post(url("send_campaign", campaign), data, follow=True)
    assert "Starting" in first.content.decode()
    second = owner_client.post(url("send_campaign", campaign), data, follow=True)
    assert "scheduled already" in second.content.decode()
    services.start_due()
    third = owner_client.post(url("send_campaign", campaign), data, follow=True)
    assert "started already" in third.content.decode()
    assert Mailing.objects.count() == 1


def test_what_was_changed_since_it_was_looked_at_is_not_sent(
    owner_client: Client, make_campaign: Make
) -> None:
    campaign = make_campaign()
    looked_at = campaign.version
    save(owner_client, campaign, "subject", subject="Other", preheader="")
    answer = owner_client.post(
        url("send_campaign", campaign), {"version": looked_at}, follow=True
    ).content.decode()
    assert "Please review it again." in answer
    campaign.refresh_from_db()
    assert campaign.state == "draft"


def test_the_sample_is_one_of_the_people(
    owner_client: Client, make_campaign: Make, make_list: Callable[..., List]
) -> None:
    lists = [make_list("first@x.example", "second@x.example", name="People")]
    campaign = make_campaign(lists_in=lists, subject="For {{ email }}")
    review = url("review_campaign", campaign)
    page = owner_client.get(review).content.decode()
    assert "For first@x.example" in page
    after = lists[0].subscriptions.order_by("contact_id")[0].contact_id
    page = owner_client.get(f"{review}?after={after}").content.decode()
    assert "For second@x.example" in page
    assert "sandbox=" in page


def test_a_list_that_was_just_filled_shows_its_size(
    owner_client: Client, make_campaign: Make, make_list: Callable[..., List], workspace: Workspace
) -> None:
    first = make_list("a@x.example", name="Members")
    campaign = make_campaign(lists_in=[first])
    review = reverse("campaign", args=["brand", campaign.pk])
    assert "Members" in owner_client.get(review).content.decode()
    person = Contact.objects.create(workspace=workspace, email="b@x.example")
    Subscription.objects.create(list=first, contact=person)
    assert audiences.sizes(workspace.pk) == {first.pk: 2}


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Members 1 person Readers 1 person without Gone 1 person"),
        ("zh-hans", "Members 1 人 Readers 1 人 不含 Gone 1 人"),
    ],
)
def test_the_review_names_the_lists_with_their_sizes(
    owner_client: Client,
    make_campaign: Make,
    make_list: Callable[..., List],
    language: str,
    said: str,
) -> None:
    names = ("Members", "Readers", "Gone")
    lists = {name: make_list(f"{name}@x.example".lower(), name=name) for name in names}
    campaign = make_campaign(
        lists_in=[lists["Members"], lists["Readers"]], lists_out=[lists["Gone"]]
    )
    owner_client.cookies["django_language"] = language
    page = owner_client.get(url("review_campaign", campaign)).content.decode()
    assert said in " ".join(re.sub(r"<[^>]*>", " ", page).split())


def test_a_sender_without_an_address_is_said(owner_client: Client, make_campaign: Make) -> None:
    campaign = make_campaign(from_name="Shop", from_email="")
    page = owner_client.get(url("campaign", campaign)).content.decode()
    assert "Shop, no address yet" in page


def test_while_it_starts_the_page_asks_and_then_is_drawn_anew(
    owner_client: Client, make_campaign: Make
) -> None:
    campaign = make_campaign()
    services.schedule(campaign, at=timezone.now() + timedelta(hours=1))
    starting = url("campaign_starting", campaign)
    assert owner_client.get(starting).status_code == 204
    Campaign.objects.update(scheduled_at=timezone.now())
    assert "Starting" in owner_client.get(starting).content.decode()
    Campaign.objects.update(scheduled_at=timezone.now() - timedelta(minutes=1))
    assert "manage.py doctor" in owner_client.get(starting).content.decode()
    services.start_due()
    assert owner_client.get(starting)["HX-Refresh"] == "true"


def test_why_it_could_not_start_is_shown(owner_client: Client, make_campaign: Make) -> None:
    campaign = make_campaign()
    services.start_now(campaign)
    Relay.objects.update(archived_at=timezone.now())
    services.start_due()
    page = owner_client.get(url("campaign", campaign)).content.decode()
    assert "could not start and is a draft again" in page
    assert "has no relay that could send" in page


def test_duplicate_and_delete_from_the_composer(owner_client: Client, make_campaign: Make) -> None:
    campaign = make_campaign()
    owner_client.post(url("duplicate_campaign", campaign))
    copy = Campaign.objects.exclude(pk=campaign.pk).get()
    assert copy.name == "Spring sale (copy)"
    answer = owner_client.post(url("delete_campaign", copy), follow=True).content.decode()
    assert "Spring sale (copy) was deleted." in answer
    assert list(Campaign.objects.all()) == [campaign]


def test_rename(owner_client: Client, make_campaign: Make) -> None:
    campaign = make_campaign()
    rename = url("save_campaign", campaign, "name")
    owner_client.post(rename, {"version": campaign.version, "name": "Summer"})
    campaign.refresh_from_db()
    assert campaign.name == "Summer"
    data = {"version": campaign.version, "name": " "}
    assert "Enter a name." in owner_client.post(rename, data, follow=True).content.decode()


@pytest.mark.parametrize(("role", "edits", "sends"), [("viewer", 0, 0), ("editor", 1, 0)])
def test_what_a_role_may_do(  # noqa: PLR0917 - cases
    workspace: Workspace,
    make_member: Callable[..., User],
    make_campaign: Make,
    role: Role,
    edits: int,
    sends: int,
) -> None:
    client = Client()
    client.force_login(
        make_member(workspace, role),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    campaign = make_campaign()
    page = client.get(url("campaign", campaign)).content.decode()
    assert ('id="composer"' in page) == bool(edits)
    review = client.get(url("review_campaign", campaign)).content.decode()
    assert ("send-now" in review) == bool(sends)
    data = {"version": campaign.version}
    assert client.post(url("send_campaign", campaign), data).status_code == 403
    saved = client.post(url("save_campaign", campaign, "name"), data | {"name": "New"})
    assert saved.status_code == (302 if edits else 403)
