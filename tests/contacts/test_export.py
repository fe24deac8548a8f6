"""The export carries consent: imported again it changes nothing, imported elsewhere it mails nobody
who left."""
# ruff: noqa: PLR0917 - fixtures and cases

import csv
import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import serializers
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from contacts.audience import Audience
from contacts.models import Attribute, Contact, List, Subscription, Suppression
from contacts.provenance import Source
from contacts.queries import audiencesql, consent
from designs.models import Content
from relays.models import Relay
from sending.models import Message
from tests import factories
from tests.contacts.test_imports import chosen, ran, received

pytestmark = pytest.mark.django_db

EVERYBODY = {
    # address: (status on News, status on Offers, reason of a suppression, what the export says of
    # all lists, and of News)
    "both": ("subscribed", "subscribed", "", "subscribed", "subscribed"),
    "news": ("subscribed", "", "", "subscribed", "subscribed"),
    "left": ("unsubscribed", "", "", "unsubscribed", "unsubscribed"),
    "half": ("subscribed", "unsubscribed", "", "unsubscribed", "subscribed"),
    "bounced": ("subscribed", "", "hard_bounced", "bounced", "bounced"),
    "complained": ("subscribed", "unsubscribed", "complained", "complained", "complained"),
    "manual": ("subscribed", "", "manual", "suppressed", "suppressed"),
    "nothing": ("subscribed", "subscribed", "unsubscribed", "unsubscribed", "unsubscribed"),
    "none": ("", "", "", "not_subscribed", None),
    "domain": ("subscribed", "", "domain", "suppressed", "suppressed"),
}
# Values that a spreadsheet, or what protects from it, could change.
ODD: list[dict[str, Any]] = [
    {"city": "=SUM(1)", "vip": False, "born": "2001-02-03", "points": -1.5},
    {"city": "'=SUM(1)", "vip": True, "points": 0},
    {"city": "''5", "points": 12345678901234567890},
    {"city": 'two\nlines, "quoted"; and more'},
    {"city": "'t Zand"},
    {"city": "-"},
]
MAILED_ON_NEWS = {"both@x.example", "news@x.example", "half@x.example"}


@pytest.fixture
def news(workspace: Workspace) -> List:
    return List.objects.create(workspace=workspace, name="News")


@pytest.fixture
def offers(workspace: Workspace) -> List:
    return List.objects.create(workspace=workspace, name="=Offers, 特惠")


@pytest.fixture
def everybody(workspace: Workspace, news: List, offers: List) -> dict[str, Contact]:
    Attribute.objects.create(workspace=workspace, key="city", label="City")
    Attribute.objects.create(workspace=workspace, key="vip", label="VIP", type="boolean")
    Attribute.objects.create(workspace=workspace, key="born", label="Born", type="date")
    Attribute.objects.create(workspace=workspace, key="points", label="Points", type="number")
    made: dict[str, Contact] = {}
    for name, (on_news, on_offers, reason, *_) in EVERYBODY.items():
        domain = "suppressed.example" if reason == "domain" else "x.example"
        made[name] = one = Contact.objects.create(
            workspace=workspace,
            email=f"{name}@{domain}",
            first_name="明",
            last_name="李",
            attributes=ODD[len(made) % len(ODD)],
            **Source("import", 1).columns,
        )
        for target, status in ((news, on_news), (offers, on_offers)):
            if status:
                Subscription.objects.create(
                    list=target,
                    contact=one,
                    status=status,
                    consent="explicit",
                    **Source("import", 1).columns,
                )
        if reason:
            Suppression.objects.create(
                workspace=workspace,
                kind="domain" if reason == "domain" else "address",
                value=domain if reason == "domain" else one.email,
                reason="manual" if reason == "domain" else reason,
                **Source("campaign", 7).columns,
                detail="550 5.1.1 said no",
            )
    return made


def export(client: Client, name: str = "export_contacts", /, **query: str | int) -> str:
    answer: Any = client.get(reverse(name, args=["brand"]), query)
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode("utf-8-sig")


def table(text: str) -> dict[str, dict[str, str]]:
    """{what stands before the @: the row}"""
    rows = csv.DictReader(io.StringIO(text))
    first = (rows.fieldnames or [""])[0]
    return {row[first].partition("@")[0]: row for row in rows}


def everything() -> str:
    """All that an import could change."""
    kinds = (Contact, Subscription, Suppression, List, Attribute)
    return "\n".join(serializers.serialize("json", kind.objects.order_by("pk")) for kind in kinds)


def mailed(workspace: Workspace, *lists: List) -> set[str]:
    """Whom a campaign to these lists goes to."""
    ids = [one.pk for one in lists]
    wanted = Audience.of_lists(workspace.pk, ids)
    asked = audiencesql.of(wanted)
    sql = f"SELECT address FROM ({asked.statement}) a WHERE reason IS NULL"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, asked.parameters)
        return {address for (address,) in cursor.fetchall()}


def test_the_status_of_each(
    everybody: dict[str, Contact], news: List, owner_client: Client
) -> None:
    rows = table(export(owner_client))
    assert {name: row["status"] for name, row in rows.items()} == {
        name: case[3] for name, case in EVERYBODY.items()
    }
    of_news = table(export(owner_client, list=news.pk))
    assert {name: row["status"] for name, row in of_news.items()} == {
        name: case[4] for name, case in EVERYBODY.items() if case[4]
    }
    assert rows["bounced"]["status_reason"] == "Hard bounce · Campaign 7 · 550 5.1.1 said no"
    assert rows["domain"]["status_reason"].startswith("suppressed.example · Added by hand")
    assert rows["half"]["status_reason"] == "'=Offers, 特惠 · Import 1"
    changed = Subscription.objects.get(contact=everybody["left"]).changed_at
    assert rows["left"]["status_at"] == changed.isoformat(timespec="seconds")
    assert rows["left"]["list: News"] == "; ".join(
        ("unsubscribed", "explicit", "import 1", changed.isoformat(timespec="seconds"))
    )
    assert rows["both"]["list: =Offers, 特惠"].startswith("subscribed; explicit; import 1; ")
    assert rows["none"]["list: News"] == ""
    assert rows["both"]["City"] == "'=SUM(1)"


def test_when_they_were_mailed(
    workspace: Workspace, everybody: dict[str, Contact], owner_client: Client
) -> None:
    moment = datetime(2026, 3, 5, 8, tzinfo=UTC)
    for days in (0, 3):
        mailing = factories.make_mailing(
            workspace,
            source=Source("campaign", days),
            content=Content.objects.create(workspace=workspace, subject="Hi"),
            from_email="news@brand.example",
            relay=Relay.objects.create(workspace=workspace, name=f"R{days}", host="127.0.0.1"),
            retry_for=timedelta(days=1),
        )
        Message.objects.create(
            mailing=mailing,
            contact_id=everybody["both"].pk,
            address="both@x.example",
            state=Message.State.FAILED if days else Message.State.ACCEPTED,
            settled_at=moment + timedelta(days=days),
            opened_at=None if days else moment + timedelta(hours=1),
        )
    rows = table(export(owner_client))
    assert rows["both"]["last_sent_at"] == "2026-03-05T08:00:00+00:00"
    assert rows["both"]["last_opened_at"] == "2026-03-05T09:00:00+00:00"
    assert rows["both"]["last_clicked_at"] == ""
    assert rows["news"]["last_sent_at"] == ""


@pytest.mark.parametrize("known", ["fill", "overwrite"])
@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_importing_our_own_export_changes_nothing(
    workspace: Workspace,
    everybody: dict[str, Contact],
    news: List,
    owner_client: Client,
    known: str,
    listed: bool,
    language: str,
) -> None:
    owner_client.cookies["django_language"] = language
    text = export(owner_client, **({"list": news.pk} if listed else {}))
    before = everything()
    file = received(workspace, text)
    assert not [target for target in file.mapping if target.startswith("new:")], file.mapping
    counts = ran(chosen(file, target=news if listed else None, known=known))
    assert counts["rejected"] == counts["new"] == counts["updated"] == 0
    assert everything() == before


@pytest.mark.parametrize("listed", [False, True])
def test_importing_it_elsewhere_mails_nobody_who_left(
    everybody: dict[str, Contact],
    news: List,
    other_workspace: Workspace,
    owner_client: Client,
    listed: bool,
) -> None:
    text = export(owner_client, **({"list": news.pk} if listed else {}))
    there = List.objects.create(workspace=other_workspace, name="There")
    ran(chosen(received(other_workspace, text), target=there))
    wanted = MAILED_ON_NEWS if listed else MAILED_ON_NEWS - {"half@x.example"}
    assert mailed(other_workspace, there) == wanted
    reasons = Suppression.objects.filter(workspace=other_workspace)
    assert dict(reasons.values_list("value", "reason")) == {
        "bounced@x.example": "hard_bounced",
        "complained@x.example": "complained",
        "manual@x.example": "imported",
        "nothing@x.example": "imported",
        "domain@suppressed.example": "imported",
    }


def test_a_foreign_file_still_suppresses(
    workspace: Workspace, everybody: dict[str, Contact]
) -> None:
    """Who left one list here, and everything according to another program, gets nothing."""
    ran(chosen(received(workspace, "email,status\nhalf@x.example,unsubscribed\n")))
    assert Suppression.objects.get(value="half@x.example").reason == "unsubscribed"


def test_suppressions_have_an_export(
    workspace: Workspace,
    everybody: dict[str, Contact],
    other_workspace: Workspace,
    owner_client: Client,
) -> None:
    Suppression.objects.create(
        workspace=workspace, kind="address", value="nobody@y.example", reason="complained"
    )
    page = owner_client.get(reverse("suppressions", args=["brand"]), {"q": "y.example"})
    assert f"{reverse('export_suppressions', args=['brand'])}?q=y.example" in page.content.decode()
    rows = table(export(owner_client, "export_suppressions", q="y.example"))
    assert {name: row["status"] for name, row in rows.items()} == {"nobody": "complained"}
    text = export(owner_client, "export_suppressions")
    assert len(table(text)) == 6
    counts = ran(chosen(received(other_workspace, text)))
    assert counts["rejected"] == 1  # the domain
    there = Suppression.objects.filter(workspace=other_workspace)
    assert set(there.values_list("value", flat=True)) == {
        f"{name}@x.example" for name in ("bounced", "complained", "manual", "nothing")
    } | {"nobody@y.example"}
    assert there.get(value="bounced@x.example").reason == "hard_bounced"
    Suppression.objects.filter(value="nobody@y.example").update(lifted_at=datetime.now(UTC))
    lifted = table(export(owner_client, "export_suppressions", lifted="1"))
    assert lifted["nobody"]["status"] == "lifted"


def test_what_became_of_a_source_stands_behind_it(
    owner_client: Client, everybody: dict[str, Contact]
) -> None:
    Suppression.objects.filter(value="nothing@x.example").update(afterwards="said_again")
    Subscription.objects.filter(contact=everybody["news"]).update(
        **Source("campaign", 7).columns, afterwards="taken_back"
    )
    rows = table(export(owner_client))
    assert "campaign 7, taken back" in rows["news"]["list: News"]
    assert "import 1;" in rows["both"]["list: News"]
    assert " · Campaign 7 (said again) · " in rows["nothing"]["status_reason"]
    stops = table(export(owner_client, "export_suppressions"))
    assert " · Campaign 7 (said again) · " in stops["nothing"]["status_reason"]
    assert " · Campaign 7 · " in stops["bounced"]["status_reason"]


def test_one_statement_for_any_number(
    workspace: Workspace,
    everybody: dict[str, Contact],
    django_assert_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    found = Contact.objects.filter(workspace=workspace)
    # The ways in which people are suppressed, the people, and the savepoint around.
    with django_assert_num_queries(4):
        assert len(list(consent.people(found, workspace.pk))) == len(EVERYBODY)


def test_nothing_of_another_workspace(
    everybody: dict[str, Contact], other_workspace: Workspace, owner_client: Client
) -> None:
    Contact.objects.create(workspace=other_workspace, email="theirs@x.example")
    Suppression.objects.create(
        workspace=other_workspace, kind="address", value="news@x.example", reason="complained"
    )
    rows = table(export(owner_client))
    assert "theirs" not in rows
    assert rows["news"]["status"] == "subscribed"
