"""People who do not get a campaign can be found: why, since when, and by whose word."""

import csv
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from html import unescape
from io import StringIO
from typing import cast

import pytest
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import User, Workspace
from accounts.permissions import Role
from accounts.services import erasing
from campaigns.models import Campaign
from campaigns.services import starting
from contacts.models import Contact, List, Subscription, Suppression
from contacts.services import contacts as contact_service
from sending.models import LeftOut, Message

pytestmark = pytest.mark.django_db(transaction=True)
Start = Callable[..., Campaign]
Make = Callable[..., Campaign]
Send = Callable[[], None]
LEFT_AT = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
SUPPRESSED_AT = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)
EXCLUDED_AT = datetime(2026, 1, 20, 7, 0, tzinfo=UTC)
ON_DOMAIN_AT = datetime(2025, 12, 24, 18, 0, tzinfo=UTC)


def words(html: str) -> str:
    return unescape(" ".join(re.sub(r"<[^>]*>", " ", html).split()))


def read(client: Client, name: str, campaign: Campaign, **query: str) -> str:
    answer = client.get(reverse(name, args=["brand", campaign.pk]), query)
    assert answer.status_code == 200
    return words(answer.content.decode())


def total(client: Client, name: str, campaign: Campaign, **query: str) -> int:
    page = client.get(reverse(name, args=["brand", campaign.pk]), query).content.decode()
    [found] = re.findall(r'data-total="(\d+)"', page)
    return int(found)


def suppressed(workspace: Workspace, kind: str, value: str, reason: str, at: datetime) -> int:
    made = Suppression.objects.create(workspace=workspace, kind=kind, value=value, reason=reason)
    Suppression.objects.filter(pk=made.pk).update(created_at=at)
    return made.pk


@pytest.fixture
def audience(workspace: Workspace, make_list: Callable[..., List]) -> dict[str, list[List]]:
    """Five people: one gets it, the others are left out, each for another reason."""
    people = make_list(
        "gets@x.example",
        "left@x.example",
        "bounced@x.example",
        "at@gone.example",
        "staff@x.example",
    )
    out = make_list("staff@x.example", name="Staff")
    Contact.objects.filter(email="left@x.example").update(first_name="Lena", last_name="Left")
    people.subscriptions.filter(contact__email="left@x.example").update(
        status="unsubscribed", changed_at=LEFT_AT
    )
    out.subscriptions.update(changed_at=EXCLUDED_AT)
    suppressed(workspace, "address", "bounced@x.example", "hard_bounced", SUPPRESSED_AT)
    suppressed(workspace, "domain", "gone.example", "manual", ON_DOMAIN_AT)
    suppressed(workspace, "address", "gone@y.example", "complained", SUPPRESSED_AT)
    Contact.objects.create(workspace=workspace, email="nowhere@x.example", full_name="Nora Nowhere")
    return {"lists_in": [people], "lists_out": [out]}


@pytest.fixture
def campaign(start: Start, audience: dict[str, list[List]]) -> Campaign:
    return start(**audience)


def test_each_person_left_out_has_a_row_with_reason_date_and_cause(
    campaign: Campaign, audience: dict[str, list[List]]
) -> None:
    rows = {row.address: row for row in LeftOut.objects.all()}
    found = {address: (row.reason, row.since) for address, row in rows.items()}
    assert found == {
        "left@x.example": ("unsubscribed", LEFT_AT),
        "bounced@x.example": ("suppressed_hard_bounced", SUPPRESSED_AT),
        "at@gone.example": ("suppressed_domain", ON_DOMAIN_AT),
        "staff@x.example": ("excluded", EXCLUDED_AT),
    }
    causes = {row.value: row.pk for row in Suppression.objects.all()}
    assert rows["at@gone.example"].cause_id == causes["gone.example"]
    assert rows["bounced@x.example"].cause_id == causes["bounced@x.example"]
    assert rows["left@x.example"].cause_id == audience["lists_in"][0].pk
    assert rows["staff@x.example"].cause_id == audience["lists_out"][0].pk
    assert campaign.mailing is not None
    assert campaign.mailing.excluded == dict.fromkeys(
        ("unsubscribed", "suppressed_hard_bounced", "suppressed_domain", "excluded"), 1
    )
    assert Message.objects.get().address == "gets@x.example"


def test_of_several_lists_the_one_left_last_counts(
    start: Start, make_list: Callable[..., List]
) -> None:
    first = make_list("both@x.example", name="First")
    second = make_list("both@x.example", "other@x.example", name="Second")
    Subscription.objects.filter(contact__email="both@x.example").update(
        status="unsubscribed", changed_at=SUPPRESSED_AT
    )
    second.subscriptions.filter(status="unsubscribed").update(changed_at=LEFT_AT)
    start(lists_in=[first, second])
    row = LeftOut.objects.get()
    assert (row.since, row.cause_id) == (LEFT_AT, second.pk)


@pytest.mark.parametrize("page", ["left_out", "campaign_audience"])
def test_the_people_of_a_reason_with_its_date_and_the_way_to_its_cause(
    page: str,
    owner_client: Client,
    audience: dict[str, list[List]],
    make_campaign: Make,
    request: pytest.FixtureRequest,
) -> None:
    if page == "left_out":
        campaign = request.getfixturevalue("campaign")
    else:
        campaign = make_campaign(**audience)
    shown = read(owner_client, page, campaign, reason="suppressed_domain")
    assert "at@gone.example Left out The domain is suppressed @gone.example: Added by hand" in shown
    assert "bounced@x.example" not in shown
    everybody = "*" if page == "campaign_audience" else ""
    assert total(owner_client, page, campaign, reason=everybody) == 4
    answer = owner_client.get(
        reverse(page, args=["brand", campaign.pk]), {"reason": "suppressed_domain"}
    )
    [link] = re.findall(r'href="(/w/brand/suppressions/\?id=\d+)"', answer.content.decode())
    one = owner_client.get(link).content.decode()
    assert 'data-total="1"' in one
    assert "@gone.example" in words(one)
    assert 'datetime="2025-12-24T18:00:00+00:00"' in answer.content.decode()


ANSWERS = [
    ("gone@y.example", "has this address. Suppression of gone@y.example"),
    ("nobody@gone.example", "has this address. @gone.example: Added by hand"),
    ("gets@x.example", "gets@x.example"),
    ("left@x.example", "left@x.example Left out Unsubscribed from the list Newsletter"),
    ("LEFT@X.example", "left@x.example Left out Unsubscribed from the list Newsletter"),
    ("Lena", "left@x.example Left out Unsubscribed from the list Newsletter"),
    ("bounced@x.example", "Left out Suppressed after a hard bounce Suppression of bounced@x.exam"),
    ("at@gone.example", "Left out The domain is suppressed @gone.example: Added by hand"),
    ("staff@x", "staff@x.example Left out On a list that is left out Staff"),
    ("stranger@y.example", "stranger@y.example No such contact No contact of this workspace has"),
    (
        "Gone@y.example",
        "gone@y.example Suppressed Suppressed after a complaint. No contact of this workspace has",
    ),
    (
        "nobody@gone.example",
        "nobody@gone.example Suppressed The domain is suppressed. No contact of this workspace has",
    ),
]


@pytest.mark.parametrize(("typed", "expected"), ANSWERS)
def test_a_search_answers_for_anybody(
    typed: str, expected: str, campaign: Campaign, owner_client: Client
) -> None:
    assert expected in read(owner_client, "recipients", campaign, q=typed)


@pytest.mark.parametrize(("typed", "expected"), ANSWERS)
def test_a_search_answers_before_it_is_sent(
    typed: str,
    expected: str,
    audience: dict[str, list[List]],
    make_campaign: Make,
    owner_client: Client,
) -> None:
    draft = make_campaign(**audience)
    assert expected in read(owner_client, "campaign_audience", draft, q=typed)


@pytest.mark.parametrize("typed", ["nowhere@x.example", "Nora"])
def test_somebody_on_none_of_the_lists(
    typed: str,
    campaign: Campaign,
    audience: dict[str, list[List]],
    make_campaign: Make,
    owner_client: Client,
) -> None:
    shown = read(owner_client, "recipients", campaign, q=typed)
    assert "Not in the audience Was on none of the campaign's lists when it started." in shown
    draft = make_campaign(**audience)
    shown = read(owner_client, "campaign_audience", draft, q=typed)
    assert "Not in the audience Is on none of the campaign's lists." in shown
    person = Contact.objects.get(email="nowhere@x.example")
    Subscription.objects.create(list=audience["lists_in"][0], contact=person)
    shown = read(owner_client, "recipients", campaign, q=typed)
    assert "Was added to Newsletter after the campaign had started" in shown


def test_a_recipient_is_found_by_name_and_under_a_new_address(
    campaign: Campaign, send: Send, owner_client: Client
) -> None:
    send()
    Contact.objects.filter(email="gets@x.example").update(
        email="new@x.example", full_name="Gus Gets"
    )
    for typed in ("Gus", "new@x.example"):
        shown = read(owner_client, "recipients", campaign, q=typed)
        assert "gets@x.example Accepted" in shown
        assert "No such contact" not in shown


def test_a_filter_does_not_hide_the_answer(
    campaign: Campaign, send: Send, owner_client: Client
) -> None:
    send()
    shown = read(owner_client, "recipients", campaign, q="gets@x.example", state="failed")
    assert "Also found" in shown
    assert "gets@x.example Accepted" in shown
    plain = read(owner_client, "recipients", campaign, q="gets@x.example")
    assert "Also found" not in plain


def test_who_left_after_the_start_is_skipped_and_the_suppression_is_named(
    start: Start, send: Send, workspace: Workspace, owner_client: Client
) -> None:
    campaign = start("stays@x.example", "late@x.example", "later@x.example")
    one = Suppression.objects.create(
        workspace=workspace, kind="address", value="late@x.example", reason="manual"
    )
    Subscription.objects.filter(contact__email="later@x.example").update(status="unsubscribed")
    send()
    page = owner_client.get(
        reverse("recipients", args=["brand", campaign.pk]), {"state": "skipped"}
    ).content.decode()
    assert f"/w/brand/suppressions/?id={one.pk}" in page
    assert "late@x.example Skipped Suppressed by hand Suppression of late@x.example" in words(page)
    assert "later@x.example Skipped Unsubscribed from the list To 0" in words(page)


def test_the_contacts_timeline_says_it(campaign: Campaign, owner_client: Client) -> None:
    person = Contact.objects.get(email="left@x.example")
    shown = words(owner_client.get(f"/w/brand/contacts/{person.pk}/").content.decode())
    assert "Left out of the mail “Hello …”" in shown
    assert "Unsubscribed from the list · since" in shown
    assert campaign.name in shown


def test_the_row_outlives_the_contact_and_goes_with_the_workspace(
    campaign: Campaign, owner_client: Client, workspace: Workspace
) -> None:
    contact_service.delete(Contact.objects.filter(email="left@x.example"))
    answer = owner_client.get(reverse("left_out", args=["brand", campaign.pk]))
    assert "left@x.example" in answer.content.decode()
    assert "left@x.example Left out" in read(owner_client, "recipients", campaign, q="left@")
    Workspace.objects.filter(pk=workspace.pk).update(deleted_at=LEFT_AT)
    erasing.erase(workspace.pk)
    assert not LeftOut.objects.exists()


def test_pages_of_the_live_audience_follow_the_address(
    make_campaign: Make, make_list: Callable[..., List], owner_client: Client
) -> None:
    everybody = [f"p{number:03}@x.example" for number in range(120)]
    draft = make_campaign(lists_in=[make_list(*everybody)])
    url = reverse("campaign_audience", args=["brand", draft.pk])
    seen: list[str] = []
    query = ""
    for size in (50, 50, 20):
        html = owner_client.get(url + query).content.decode()
        here = re.findall(r"p\d{3}@x\.example", words(html.partition("data-total")[2]))
        assert len(here) == size
        seen += here
        if found := re.search(r'href="(\?after=[^"]+)"', html):
            query = unescape(found[1])
    assert seen == everybody
    back = re.search(r'href="(\?before=[^"]+)"', html)
    assert back
    html = owner_client.get(url + unescape(back[1])).content.decode()
    assert re.findall(r"p\d{3}@x\.example", words(html))[0] == "p050@x.example"


def test_once_it_has_started_the_address_leads_to_the_rows_of_the_start(
    make_campaign: Make, audience: dict[str, list[List]], owner_client: Client
) -> None:
    draft = make_campaign(**audience)
    assert total(owner_client, "campaign_audience", draft) == 1
    starting.start_now(draft)
    starting.start_due()
    url = reverse("campaign_audience", args=["brand", draft.pk])
    people = owner_client.get(url)
    assert people.headers["Location"] == f"/w/brand/campaigns/{draft.pk}/recipients/"
    left = owner_client.get(url, {"reason": "excluded"})
    assert left.headers["Location"] == f"/w/brand/campaigns/{draft.pk}/left-out/?reason=excluded"


@pytest.mark.parametrize(
    "query", ["q=%00", "q=%25", "q=a@b.", "reason=%27", "reason=%00", "after=x"]
)
def test_odd_parameters_find_nobody(
    query: str,
    campaign: Campaign,
    audience: dict[str, list[List]],
    make_campaign: Make,
    owner_client: Client,
) -> None:
    draft = make_campaign(**audience)
    for name, one in (
        ("recipients", campaign),
        ("left_out", campaign),
        ("campaign_audience", draft),
    ):
        answer = owner_client.get(f"{reverse(name, args=['brand', one.pk])}?{query}")
        assert answer.status_code in {200, 400}, name


# As a file ----------------------------------------------------------------------------------------


def file_of(client: Client, name: str, campaign: Campaign, **query: str) -> list[list[str]]:
    answer = client.get(reverse(name, args=["brand", campaign.pk]), query)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "private, no-store"
    assert answer.streaming
    stream = cast("StreamingHttpResponse", answer)
    content = b"".join(cast("Iterable[bytes]", stream.streaming_content))
    return list(csv.reader(StringIO(content.decode("utf-8-sig"))))


@pytest.mark.parametrize("name", ["export_left_out", "export_audience"])
def test_people_left_out_as_csv(  # noqa: PLR0917 - fixtures
    name: str,
    owner: User,
    owner_client: Client,
    audience: dict[str, list[List]],
    make_campaign: Make,
    request: pytest.FixtureRequest,
) -> None:
    User.objects.filter(pk=owner.pk).update(timezone="Asia/Shanghai")
    audience["lists_out"][0].name = "=cmd|' /C calc'!A0"
    audience["lists_out"][0].save()
    live = name == "export_audience"
    one = make_campaign(**audience) if live else request.getfixturevalue("campaign")
    header, *rows = file_of(owner_client, name, one, **({"reason": "*"} if live else {}))
    # Of people before the start, the markets too: here they have none.
    last = ["Market"] if live else []
    assert header == ["E-mail address", "State", "Reason", "Because of", "Since", *last]
    assert [row[5:] for row in rows] == [[""] * len(last)] * len(rows)
    assert {row[0]: row[1:5] for row in rows} == {
        "at@gone.example": [
            "Left out",
            "The domain is suppressed",
            "'@gone.example: Added by hand",
            "2025-12-25T02:00:00+08:00",
        ],
        "bounced@x.example": [
            "Left out",
            "Suppressed after a hard bounce",
            "Suppression of bounced@x.example",
            "2026-02-01T16:00:00+08:00",
        ],
        "left@x.example": [
            "Left out",
            "Unsubscribed from the list",
            "Newsletter",
            "2026-03-04T17:30:00+08:00",
        ],
        "staff@x.example": [
            "Left out",
            "On a list that is left out",
            "'=cmd|' /C calc'!A0",
            "2026-01-20T15:00:00+08:00",
        ],
    }


@pytest.mark.parametrize("name", ["export_left_out", "export_audience"])
def test_the_file_is_of_the_filtered_result_and_in_the_readers_language(
    name: str,
    owner_client: Client,
    audience: dict[str, list[List]],
    make_campaign: Make,
    request: pytest.FixtureRequest,
) -> None:
    live = name == "export_audience"
    one = make_campaign(**audience) if live else request.getfixturevalue("campaign")
    User.objects.update(language="zh-hans")
    header, *rows = file_of(owner_client, name, one, reason="suppressed_domain")
    assert header[:2] == ["邮箱地址", "状态"]
    [row] = rows
    assert row[0] == "at@gone.example"
    assert row[2] == "域名在禁发名单中"
    _header, *rows = file_of(owner_client, name, one, q="staff@x", reason="excluded")
    assert [row[0] for row in rows] == ["staff@x.example"]


def test_the_page_offers_the_file_to_those_who_may_export(
    campaign: Campaign, owner_client: Client, make_member: Callable[..., User], workspace: Workspace
) -> None:
    page = reverse("left_out", args=["brand", campaign.pk])
    offered = f'{reverse("export_left_out", args=["brand", campaign.pk])}?reason=excluded"'
    assert offered in owner_client.get(page, {"reason": "excluded"}).content.decode()
    viewer = Client()
    viewer.force_login(
        make_member(workspace, Role.VIEWER),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    assert "left-out.csv" not in viewer.get(page).content.decode()
    for name in ("export_left_out", "export_audience"):
        url = reverse(name, args=["brand", campaign.pk])
        assert viewer.get(url).status_code == 403


# Opened before there were rows --------------------------------------------------------------------


@pytest.fixture
def unrecorded(campaign: Campaign) -> Campaign:
    """As the migration that brought the rows left a mailing that had been opened before."""
    LeftOut.objects.all().delete()
    return campaign


def test_people_who_were_not_recorded_are_said_in_words(
    unrecorded: Campaign, owner_client: Client
) -> None:
    report = owner_client.get(reverse("campaign", args=["brand", unrecorded.pk])).content.decode()
    assert "4 people were left out. When this campaign started, only the numbers" in words(report)
    assert "/left-out/" not in report
    assert "4 people were left out" in read(owner_client, "left_out", unrecorded)
    assert total(owner_client, "left_out", unrecorded) == 0
    assert "left-out.csv" not in read(owner_client, "left_out", unrecorded)
    found = read(owner_client, "recipients", unrecorded, q="left@x.example")
    assert "Is no recipient. Who was left out of this campaign was not recorded" in found
    assert "Was on none of the campaign's lists" not in found


def test_nobody_left_out_is_no_gap(start: Start, owner_client: Client) -> None:
    campaign = start("gets@x.example")
    shown = read(owner_client, "campaign", campaign)
    assert "Nobody: everybody in its audience was a recipient." in shown
    assert "only the numbers were kept" not in shown


# Attacks ------------------------------------------------------------------------------------------


def test_a_search_by_name_among_the_people_left_out(
    campaign: Campaign, owner_client: Client
) -> None:
    shown = read(owner_client, "left_out", campaign, q="Lena")
    assert "left@x.example Left out Unsubscribed from the list Newsletter" in shown
    once = read(owner_client, "left_out", campaign, q="left@x.example")
    assert once.count("left@x.example Left out") == 1
    assert "gets@x.example" in read(owner_client, "left_out", campaign, q="gets@x.example")


def test_the_answer_outlives_what_happens_to_the_contact(
    campaign: Campaign, owner_client: Client, workspace: Workspace, other_workspace: Workspace
) -> None:
    """Deleted, changed, suppressed afterwards, and the same address in another workspace."""
    why = "Unsubscribed from the list Newsletter"
    Contact.objects.create(workspace=other_workspace, email="elsewhere@x.example", full_name="Lena")
    moved = Contact.objects.get(email="left@x.example")
    contact_service.delete(Contact.objects.filter(email="staff@x.example"))
    Contact.objects.filter(pk=moved.pk).update(email="moved@x.example")
    suppressed(workspace, "address", "moved@x.example", "complained", SUPPRESSED_AT)
    for text in ("left@x.example", "moved@x.example", "Lena Left"):
        shown = read(owner_client, "recipients", campaign, q=text)
        assert f"left@x.example Left out {why}" in shown, text
    gone = read(owner_client, "recipients", campaign, q="staff@x.example")
    assert "staff@x.example Left out On a list that is left out Staff" in gone
    # Whoever has the address now was on no list then.
    Contact.objects.create(workspace=workspace, email="left@x.example", full_name="Somebody Else")
    other = read(owner_client, "recipients", campaign, q="Somebody Else")
    assert "Somebody Else" not in other or why not in other.partition("Also found")[0]
    nobody = read(owner_client, "recipients", campaign, q="elsewhere@x.example")
    assert "No contact of this workspace has this address." in nobody


@pytest.mark.parametrize(
    "text",
    [
        "%",
        "_",
        "\\",
        "a\\%",
        "x" * 6000,
        "a" * 5000 + "@x.example",
        "👨‍👩‍👧",
        "\u200d",
        "' OR 1=1 --",
    ],
)
def test_odd_texts_find_nobody(
    text: str,
    campaign: Campaign,
    audience: dict[str, list[List]],
    make_campaign: Make,
    owner_client: Client,
) -> None:
    draft = make_campaign(**audience)
    for name, one, more in (
        ("recipients", campaign, {}),
        ("left_out", campaign, {}),
        ("campaign_audience", draft, {"reason": "*"}),
    ):
        shown = read(owner_client, name, one, q=text, **more)
        assert "left@x.example" not in shown, name
        assert "gets@x.example" not in shown, name
        assert total(owner_client, name, one, q=text, **more) == 0
