"""Markets in a campaign: what the composer says, what the review warns of, and what the report
shows."""

import csv
import email
import email.policy
import io
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import markets
from accounts.models import Workspace
from accounts.opencounting import OpenCounting
from campaigns import marketwords
from campaigns.models import Campaign
from campaigns.services import review
from contacts.countries import ATTRIBUTE
from contacts.models import Attribute, Contact, List
from designs.models import Design
from relays.models import Relay
from sending.machines import Actor
from sending.models import Message
from sending.queries import events
from tests import factories, figures
from tests.mailservers.sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)
CN, EU, FR, US, CA = (one.bit for one in markets.markets().values())
HOUR = timedelta(hours=1)
CODES = {"no_address_in_mail", "no_contact_in_mail", "opens_without_consent"}


@pytest.fixture
def people(workspace: Workspace, make_list: Callable[..., List]) -> List:
    """Two in China, one in France, one of whom nothing is known."""
    Attribute.objects.create(workspace=workspace, key=ATTRIBUTE, label="Country")
    made = make_list("wei@shop.example", "li@qq.com", "zoe@shop.example", "who@shop.example")
    Contact.objects.filter(email__startswith="wei").update(attributes={ATTRIBUTE: "中国"})
    Contact.objects.filter(email__startswith="zoe").update(attributes={ATTRIBUTE: "France"})
    return made


def page(client: Client, name: str, campaign: Campaign) -> str:
    found = client.get(reverse(name, args=[campaign.workspace.slug, campaign.pk]))
    return " ".join(found.content.decode().split())


def warned(campaign: Campaign) -> set[str]:
    return {one.code for one in review.review(campaign).problems} & CODES


def test_figures_count_who_is_in_several_markets_in_each() -> None:
    found = marketwords.figures({0: 5, CN: 2, CN | EU: 1, EU | FR: 4})
    assert [(one.market.key, one.count) for one in found] == [("cn", 3), ("eu", 5), ("fr", 4)]
    assert "the subject begins with 广告 or AD" in found[0].asks
    assert "works for 30 days" in found[0].asks
    assert marketwords.figures({0: 5}) == []


def test_the_composer_says_whose_rules_hold(
    owner_client: Client, make_campaign: Callable[..., Campaign], people: List
) -> None:
    campaign = make_campaign(lists_in=[people])
    rail = page(owner_client, "campaign_readiness", campaign)
    assert "China, 2 contacts</a> <br> the subject begins with 广告 or AD" in rail
    assert markets.markets()["cn"].source in rail
    assert "European Union, 1 contact</a>" in rail
    assert "France, 1 contact</a> <br> only people who agreed, opens are counted" in rail
    assert "the authority's entry page" in unescape(rail)
    assert "contact without a country: nothing is added" in rail
    assert "Set a default market" in rail
    assert "One person may be in several markets" in rail
    assert "Canada" not in rail
    assert "was not understood" not in rail


STRANGE = ("Québec", "Québec", "<b>广东</b>", *(f"Land {number}" for number in range(6)))


@pytest.fixture
def strange(people: List) -> List:
    """Besides them, some whose country is no country's name; one without rules."""
    for number, value in enumerate((*STRANGE, "Japan")):
        one = factories.make_contact(
            people.workspace, f"s{number}@shop.example", attributes={ATTRIBUTE: value}
        )
        people.subscriptions.create(contact=one)
    return people


@pytest.mark.parametrize("name", ["campaign_readiness", "review_campaign"])
def test_values_that_were_not_understood_are_named(
    owner_client: Client,
    workspace: Workspace,
    make_campaign: Callable[..., Campaign],
    strange: List,
    name: str,
) -> None:
    campaign = make_campaign(lists_in=[strange])
    said = page(owner_client, name, campaign)
    assert "contacts have a country that was not understood: “Québec” (2), “&lt;b&gt;广" in said
    assert "“Land 2” (1)" in said
    assert "3 other values." in said
    assert "“Land 3”" not in said
    assert "tells no country either, nothing is added" in said
    assert "contact in a country without rules here" in said
    assert "contact without a country" in said
    # They don't become the default market unnamed.
    workspace.default_market = "cn"
    workspace.save()
    campaign.refresh_from_db()
    said = page(owner_client, name, campaign)
    assert f"China, {2 + 1 + len(STRANGE)} contacts" in said
    assert "that was not understood: “Québec” (2)" in said
    assert "tells no country either, the default market" in unescape(said)
    assert "contact without a country" not in said


def test_numbers_of_markets_open_their_people(
    owner_client: Client,
    workspace: Workspace,
    make_campaign: Callable[..., Campaign],
    strange: List,
) -> None:
    campaign = make_campaign(lists_in=[strange])
    # China, EU and France; without rules; not understood; and no country, or the default market.
    for default in ("", "us"):
        workspace.default_market = default
        workspace.save()
        for name in ("campaign_readiness", "review_campaign"):
            url = reverse(name, args=[workspace.slug, campaign.pk])
            found = [one for one in figures.on_page(owner_client, url) if "market=" in one.url]
            assert len({one.url for one in found}) == 6
            assert figures.differences(owner_client, found) == []
    audience = reverse("campaign_audience", args=[workspace.slug, campaign.pk])
    listed = " ".join(owner_client.get(audience, {"market": "fr"}).content.decode().split())
    assert 'data-label="Market">European Union, France</td>' in listed
    assert '<option value="fr" selected>France</option>' in listed
    assert "wei@shop.example" not in listed
    sheet = owner_client.get(
        reverse("export_audience", args=[workspace.slug, campaign.pk]), {"market": "cn"}
    )
    assert {row["E-mail address"]: row["Market"] for row in read(sheet)} == {
        "wei@shop.example": "China",
        "li@qq.com": "China",
    }


def read(sheet: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(sheet).decode("utf-8-sig"))))


def test_the_composer_names_no_market_if_there_is_none(
    owner_client: Client, make_campaign: Callable[..., Campaign]
) -> None:
    assert "composer-markets" not in page(owner_client, "campaign_readiness", make_campaign())


def test_the_inbox_shows_the_subject_of_the_person_shown(
    owner_client: Client, workspace: Workspace, make_campaign: Callable[..., Campaign], people: List
) -> None:
    Contact.objects.exclude(email="wei@shop.example").delete()
    campaign = make_campaign(lists_in=[people], subject="Sale")
    assert "AD: Sale" in page(owner_client, "review_campaign", campaign)
    assert "AD: Sale" in page(owner_client, "campaign", campaign)
    Contact.objects.update(attributes={})
    assert "AD: Sale" not in page(owner_client, "review_campaign", campaign)
    workspace.default_market = "cn"
    workspace.save()
    assert "AD: Sale" in page(owner_client, "review_campaign", campaign)


def test_the_preview_page_of_a_campaign_has_the_mark(
    owner_client: Client, workspace: Workspace, people: List, design: Design
) -> None:
    url = reverse("design_preview", args=[workspace.slug, design.pk])
    wei = Contact.objects.get(email="wei@shop.example")
    given = {"subject": "Sale", "contact": str(wei.pk)}
    assert "AD: Sale" in owner_client.get(url, {**given, "advertising": "1"}).content.decode()
    # A design by itself may be that of a notice.
    assert "AD: Sale" not in owner_client.get(url, given).content.decode()


def test_a_design_without_addresses_is_pointed_out(
    owner_client: Client,
    workspace: Workspace,
    make_campaign: Callable[..., Campaign],
    people: List,
    design: Design,
) -> None:
    workspace.postal_address = "1 Main Street, Berlin"
    workspace.save()
    campaign = make_campaign(lists_in=[people], open_counting=OpenCounting.EVERYBODY)
    assert warned(campaign) == CODES
    shown = page(owner_client, "review_campaign", campaign)
    assert "European Union: the mail must give your postal address" in shown
    assert "{{ workspace.address }}" in shown
    assert "China: the mail must give an e-mail address for replies" in shown
    assert reverse("design", args=[workspace.slug, design.pk]) in shown
    design.html += "<p>{{ workspace.address }} · Write to help@brand.example</p>"
    design.save()
    campaign.refresh_from_db()
    assert warned(campaign) == {"opens_without_consent"}
    Campaign.objects.update(open_counting=OpenCounting.CONSENT)
    campaign.refresh_from_db()
    assert warned(campaign) == set()


def test_only_markets_in_the_audience_are_asked(
    workspace: Workspace, make_campaign: Callable[..., Campaign], people: List
) -> None:
    workspace.postal_address = "1 Main Street, Berlin"
    workspace.save()
    campaign = make_campaign(lists_in=[people], open_counting=OpenCounting.EVERYBODY)
    Contact.objects.filter(email="zoe@shop.example").delete()
    assert warned(campaign) == {"no_contact_in_mail"}
    Contact.objects.filter(attributes__country="中国").delete()
    Contact.objects.filter(email="li@qq.com").delete()
    assert warned(campaign) == set()


# What was sent -----------------------------------------------------------------------------------


@pytest.fixture
def sent(
    people: List, start: Callable[..., Campaign], send: Callable[[], None]
) -> Callable[..., Campaign]:
    def make(subject: str) -> Campaign:
        campaign = start(
            "wei@shop.example", "li@qq.com", "zoe@shop.example", "who@shop.example", subject=subject
        )
        send()
        return campaign

    return make


def test_the_report_shows_what_each_market_read(
    owner_client: Client, sent: Callable[..., Campaign], sink: Sink
) -> None:
    campaign = sent("Sale")
    # What was sent stays, whatever becomes of the contact.
    Contact.objects.filter(email="wei@shop.example").update(attributes={ATTRIBUTE: "Japan"})
    Contact.objects.filter(email="li@qq.com").update(attributes={ATTRIBUTE: "Japan"})
    report = page(owner_client, "campaign", campaign)
    assert "reads: AD: Sale" in report
    assert "reads: Sale" in report
    assert '<p class="page-intro">AD: Sale' not in report
    left = {
        to: str(email.message_from_bytes(raw, policy=email.policy.default)["Subject"])
        for _from, to, raw in sink.mails
    }
    assert left["wei@shop.example"] == left["li@qq.com"] == "AD: Sale"
    assert left["zoe@shop.example"] == left["who@shop.example"] == "Sale"


def test_the_report_of_a_subject_with_merge_fields_shows_both(
    owner_client: Client, sent: Callable[..., Campaign]
) -> None:
    report = page(owner_client, "campaign", sent("For {{ email }}"))
    assert "reads: AD: For wei@shop.example" in report
    assert "reads: For zoe@shop.example" in report


def test_recipients_and_the_timeline_show_the_market(
    owner_client: Client, workspace: Workspace, sent: Callable[..., Campaign]
) -> None:
    campaign = sent("Sale")
    table = page(owner_client, "recipients", campaign)
    assert table.count('<td data-label="Market">China</td>') == 2
    assert table.count('<td data-label="Market">European Union, France</td>') == 1
    url = reverse("recipients", args=[workspace.slug, campaign.pk])
    for market, number in {"cn": 2, "eu": 1, "fr": 1, "us": 0, "none": 1, "x": 0}.items():
        shown = owner_client.get(url, {"market": market}).content.decode()
        assert f'data-total="{number}"' in shown, market
    wei = Contact.objects.get(email="wei@shop.example")
    shown = owner_client.get(reverse("contact", args=[workspace.slug, wei.pk])).content.decode()
    assert "AD: Sale" in shown


def test_the_csv_says_who_did_it_the_market_and_the_subject(
    owner_client: Client, workspace: Workspace, sent: Callable[..., Campaign]
) -> None:
    campaign = sent("Sale for {{ email }}")
    wei, li, zoe = (Message.objects.get(address__startswith=one) for one in ("wei", "li", "zoe"))
    now = timezone.now()
    for message, actor, at in (
        (wei, Actor.BURST, now),
        (wei, Actor.BROWSER, now + HOUR),
        (li, Actor.SCANNER, now),
        (zoe, Actor.UNKNOWN, now),
    ):
        events.record([events.EventRow(message.pk, "clicked", at, link=0, actor=actor)])
    sheet = owner_client.get(reverse("export_recipients", args=[workspace.slug, campaign.pk]))
    told = {row["E-mail address"]: row for row in read(sheet)}
    assert told[wei.address]["Who clicked first"].startswith("likely a person")
    assert told[li.address]["Who clicked first"].startswith("by a machine: a known scanner")
    assert told[zoe.address]["Who clicked first"] == "by a person or a machine: unknown"
    assert told["who@shop.example"]["Who clicked first"] == ""
    assert {row["Who opened first"] for row in told.values()} == {""}
    assert told[wei.address]["Market"] == "China"
    assert told[zoe.address]["Market"] == "European Union, France"
    assert told[wei.address]["Subject as sent"] == "AD: Sale for …"
    assert told["who@shop.example"]["Subject as sent"] == "Sale for …"


# Tests of a mail ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("advertising", "contact", "subjects"),
    [
        ("1", "", {"me@qq.com": "[Test] AD: Sale", "me@shop.example": "[Test] Sale"}),
        ("1", "wei", {"me@qq.com": "[Test] AD: Sale", "me@shop.example": "[Test] AD: Sale"}),
        ("1", "zoe", {"me@qq.com": "[Test] Sale", "me@shop.example": "[Test] Sale"}),
        ("", "wei", {"me@qq.com": "[Test] Sale", "me@shop.example": "[Test] Sale"}),
    ],
)
def test_a_test_mail_has_the_mark_of_the_person_shown(
    *,
    owner_client: Client,
    workspace: Workspace,
    design: Design,
    people: List,
    sink: Sink,
    advertising: str,
    contact: str,
    subjects: dict[str, str],
) -> None:
    workspace.from_email = "news@brand.example"
    workspace.save()
    relay = factories.make_relay(workspace, port=sink.port)
    chosen = Contact.objects.filter(email=f"{contact}@shop.example").first()
    given = {
        "addresses": " ".join(subjects),
        "relay": relay.pk,
        "from_name": "",
        "from_email": "news@brand.example",
        "subject": "Sale",
        "contact": chosen.pk if chosen else "",
    }
    url = reverse("design_test", args=[workspace.slug, design.pk])
    answer = owner_client.post(url, given | ({"advertising": "1"} if advertising else {}))
    assert answer.status_code == 200
    assert ('name="advertising"' in answer.content.decode()) == bool(advertising)
    assert subjects == {
        to: str(email.message_from_bytes(raw, policy=email.policy.default)["Subject"])
        for _from, to, raw in sink.mails
    }


def test_the_composer_asks_for_a_test_of_a_campaign(
    owner_client: Client, make_campaign: Callable[..., Campaign], relay: Relay
) -> None:
    assert "test/?advertising=1" in page(owner_client, "campaign", make_campaign())
