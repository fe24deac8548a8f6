"""The table of contacts: its columns and their cells, in a bounded number of queries."""

import datetime as dt
import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User, Workspace
from contacts import peoplecolumns
from contacts.models import Attribute, Contact, Import, ImportedContact, List, Subscription, Tag
from contacts.provenance import BY_HAND
from contacts.queries import consent
from contacts.services import savedviews
from contacts.services import suppressions as suppression_service
from contacts.tablemodels import TableSettings
from sending.models import Mailing, Message

pytestmark = pytest.mark.django_db


def url(name: str) -> str:
    return reverse(name, args=["brand"])


@pytest.fixture
def people(workspace: Workspace) -> list[Contact]:
    for number in range(5):
        Attribute.objects.create(
            workspace=workspace, key=f"a{number}", label=f"Attribute {number}", position=number
        )
    made = [
        Contact.objects.create(
            workspace=workspace,
            email=f"p{number}@x.example",
            first_name="明",
            last_name="李",
            attributes={"a4": f"value {number}"},
        )
        for number in range(4)
    ]
    news = List.objects.create(workspace=workspace, name="News")
    for person, status in zip(made, ("subscribed", "unsubscribed", "subscribed"), strict=False):
        Subscription.objects.create(list=news, contact=person, status=status)
    suppression_service.suppress(
        workspace, value="p2@x.example", kind="address", reason="hard_bounced", source=BY_HAND
    )
    return made


def shown(client: Client, query: str = "") -> str:
    answer = client.get(f"{url('contacts')}{query}")
    assert answer.status_code == 200
    return str(answer.content.decode())


def headings(page: str) -> list[str]:
    head = page.partition("<thead>")[2].partition("</thead>")[0]
    tags = re.compile(r"<svg.*?</svg>|<[^>]+>", re.DOTALL)
    texts = [tags.sub(" ", cell) for cell in head.split("<th")]
    return [words for text in texts if (words := " ".join(text.split(">", 1)[-1].split()))]


def cells(page: str, label: str) -> list[str]:
    """The words of a column, the newest contact first."""
    found = re.findall(rf'<td data-label="{label}"[^>]*>(.*?)</td>', page, flags=re.DOTALL)
    return [" ".join(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", cell).split()) for cell in found]


def test_the_usual_columns(
    workspace: Workspace, people: list[Contact], owner_client: Client
) -> None:
    first = [f"Attribute {number}" for number in range(3)]
    assert headings(shown(owner_client))[-5:] == ["Lists", *first, "Added sorted descending"]
    Tag.objects.create(workspace=workspace, name="VIP", key="vip")
    assert "Tags" in headings(shown(owner_client))


def test_chosen_columns_in_their_order(
    workspace: Workspace, owner: User, people: list[Contact], owner_client: Client
) -> None:
    chosen = ["status", "attribute:a4", "name", "domain"]
    owner_client.post(url("people_columns"), {"column": [*chosen, "status", "gone"]})
    assert TableSettings.objects.get(user=owner).columns == chosen
    page = shown(owner_client)
    assert headings(page)[-4:] == ["Status", "Attribute 4", "Name", "Domain"]
    assert cells(page, "Status") == ["On no list", "Hard bounce", "Unsubscribed", "Subscribed"]
    assert cells(page, "Attribute 4") == [f"value {number}" for number in (3, 2, 1, 0)]
    assert cells(page, "Name") == ["李明"] * 4
    assert cells(page, "Domain") == ["x.example"] * 4
    # The name is not shown twice.
    assert page.count("李明") == 4


def test_the_status_is_that_of_the_chosen_list(
    workspace: Workspace, owner: User, people: list[Contact], owner_client: Client
) -> None:
    other = List.objects.create(workspace=workspace, name="Other")
    Subscription.objects.create(list=other, contact=people[1])
    savedviews.choose_columns(workspace, owner, ["status"])
    assert cells(shown(owner_client, f"?list={other.pk}"), "Status") == ["Subscribed"]


def test_columns_are_each_persons_own(
    workspace: Workspace,
    people: list[Contact],
    owner_client: Client,
    make_member: Callable[..., User],
) -> None:
    owner_client.post(url("people_columns"), {"column": ["domain"]})
    other = Client()
    other.force_login(make_member(workspace, email="other@brand.example"))
    assert headings(shown(owner_client))[-1] == "Domain"
    assert headings(shown(other))[-1] == "Added sorted descending"
    owner_client.post(url("people_columns"), {"column": ["domain"], "keep": "standard"})
    assert headings(shown(owner_client))[-1] == "Added sorted descending"


def test_no_column_but_the_address(
    workspace: Workspace, people: list[Contact], owner_client: Client
) -> None:
    owner_client.post(url("people_columns"), {})
    assert headings(shown(owner_client))[-1] == "Address"


def test_move_a_column_without_scripts(
    workspace: Workspace, owner: User, people: list[Contact], owner_client: Client
) -> None:
    savedviews.choose_columns(workspace, owner, ["domain", "added"])
    page = owner_client.get(url("people_columns")).content.decode()
    order = re.findall(r'name="order" value="([^"]+)"', page)
    assert order[:2] == ["domain", "added"]
    given = {"order": order, "column": ["domain", "added"], "down": "domain", "query": "q=x"}
    page = owner_client.post(url("people_columns"), given).content.decode()
    assert re.findall(r'name="order" value="([^"]+)"', page)[:2] == ["added", "domain"]
    assert re.findall(r'name="column" value="([^"]+)"\s+checked', page) == ["added", "domain"]
    assert 'name="query" value="q=x"' in page
    # Nothing is saved yet.
    assert TableSettings.objects.get().columns == ["domain", "added"]
    first = owner_client.post(url("people_columns"), given | {"down": "", "up": order[0]})
    assert re.findall(r'name="order" value="([^"]+)"', first.content.decode()) == order


def test_columns_of_a_view(
    workspace: Workspace, owner: User, people: list[Contact], owner_client: Client
) -> None:
    view = savedviews.create(
        workspace, owner, name="V", shared=False, parameters={"q": "p1"}, columns=["added"]
    )
    query = savedviews.query(view)
    assert headings(shown(owner_client, f"?{query}"))[-1] == "Added sorted descending"
    owner_client.post(url("people_columns"), {"column": ["domain"], "query": query, "keep": "view"})
    view.refresh_from_db()
    assert view.columns == ["domain"]
    answer = owner_client.post(
        url("people_columns"), {"column": ["name"], "query": query, "keep": "own"}
    )
    view.refresh_from_db()
    assert view.columns == ["domain"]
    assert TableSettings.objects.get().columns == ["name"]
    # The filters stay, without the view and its columns.
    assert answer["Location"] == f"{url('contacts')}?q=p1&view=0"


def test_mails_of_a_page(
    workspace: Workspace,
    owner: User,
    people: list[Contact],
    owner_client: Client,
    make_mailing: Callable[..., Mailing],
) -> None:
    at = timezone.now() - dt.timedelta(days=3)
    Message.objects.create(
        mailing=make_mailing(),
        contact_id=people[0].pk,
        address=people[0].email,
        state=Message.State.ACCEPTED,
        settled_at=at,
        opened_at=at,
    )
    savedviews.choose_columns(workspace, owner, consent.engagement_names())
    page = shown(owner_client)
    assert headings(page)[-3:] == ["Last mail", "Last open", "Last click"]
    assert cells(page, "Last mail") == ["–", "–", "–", "3 days ago"]
    assert cells(page, "Last click") == ["–"] * 4


def test_the_number_of_queries_is_bounded(
    workspace: Workspace, owner: User, people: list[Contact], owner_client: Client
) -> None:
    all_of = [column.key for column in peoplecolumns.available(workspace)]
    savedviews.choose_columns(workspace, owner, all_of)
    Tag.objects.create(workspace=workspace, name="VIP", key="vip")

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert headings(shown(owner_client))[-1] == "Last changed"
        return len(captured)

    few = queries()
    Contact.objects.bulk_create(
        Contact(workspace=workspace, email=f"more{number}@y.example") for number in range(60)
    )
    news = List.objects.get()
    Subscription.objects.bulk_create(
        Subscription(list=news, contact=person)
        for person in Contact.objects.filter(email__startswith="more")
    )
    # Two more: a second page makes the total be counted.
    assert queries() <= few + 2
    assert few < 45


@pytest.mark.parametrize("state", [Import.State.FINISHED, Import.State.CANCELLED])
def test_an_import_is_chosen_as_a_filter(
    workspace: Workspace, people: list[Contact], owner_client: Client, state: str
) -> None:
    done = Import.objects.create(workspace=workspace, filename="people.csv", state=state)
    ImportedContact.objects.create(of_import=done, contact=people[0], outcome="new")
    page = shown(owner_client, f"?import={done.pk}")
    assert f'<option value="{done.pk}" selected>people.csv' in page
    assert "p0@x.example" in page
    assert "p1@x.example" not in page


def test_what_is_chosen_stays_in_the_form(
    workspace: Workspace, people: list[Contact], owner_client: Client
) -> None:
    query = "?activity=never_opened&within=30&domain=x.example&attribute=a4&match=is&value=value 1"
    page = shown(owner_client, query)
    assert "p1@x.example" in page
    assert "p2@x.example" not in page
    assert '<option value="never_opened" selected>' in page
    assert '<option value="a4" selected>' in page
    assert '<option value="is" selected>' in page
    assert 'name="value" value="value 1"' in page
    assert '<details class="more-filters" open>' in page
    assert '<details class="more-filters">' in shown(owner_client)
