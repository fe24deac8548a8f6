"""What uses an attribute, and how many contacts have a value of it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Workspace
from campaigns.models import Campaign
from contacts import attributeuses as words
from contacts.models import Attribute, Contact, SavedMapping
from contacts.queries import attributeuses
from contacts.segmentmodels import Segment
from contacts.services import attributes
from contacts.tablemodels import SavedView
from tests import factories

pytestmark = pytest.mark.django_db


def rule(kind: str, subject: str, operator: str, *values: str) -> dict[str, Any]:
    one = {"kind": kind, "subject": subject, "operator": operator, "values": list(values)}
    inner = {"match": "any", "items": [one]}
    return {"version": 1, "match": "all", "items": [inner]}


@pytest.fixture
def city(workspace: Workspace) -> Attribute:
    attributes.add(workspace, label="Zip", type_="text")
    return attributes.add(workspace, label="City", type_="text")


def named(workspace: Workspace, key: str) -> list[str]:
    return [text for text, _url, _pk in attributeuses.uses(workspace, [key, "zip"])[key]]


def segment(workspace: Workspace, name: str, of: dict[str, Any]) -> Segment:
    return Segment.objects.create(workspace=workspace, name=name, rule=of)


def test_everything_that_names_it(workspace: Workspace, city: Attribute) -> None:
    inside = segment(workspace, "Bern", rule("attribute", "city", "is", "Bern"))
    around = segment(workspace, "Around", rule("segment", str(inside.pk), "in"))
    segment(workspace, "Other", rule("person", "first_name", "is", "city"))
    factories.make_design(workspace, name="Spring", html="<p>Hi {{ city|default('x') }}</p>")
    factories.make_design(workspace, name="Plain", html="<p>city {{ first_name }}</p>")
    SavedMapping.objects.create(
        workspace=workspace, name="Shop", targets=["email", "attribute:city"]
    )
    view = {"workspace": workspace, "shared": True, "parameters": {"attribute": "city"}}
    SavedView.objects.create(name="Towns", **view)
    subject = Campaign.objects.create(workspace=workspace, name="News", subject="In {{city}}")
    through = Campaign.objects.create(workspace=workspace, name="Through")
    through.segments_out.add(around)
    started = Campaign.objects.create(workspace=workspace, name="Old", state="started")
    started.segments_in.add(inside)
    assert sorted(named(workspace, "city")) == [
        "Campaign “News”",
        "Campaign “Through”",
        "Design “Spring”",
        "Saved mapping “Shop”",
        "Segment “Bern”",
        "View “Towns”",
    ]
    assert named(workspace, "zip") == []
    assert subject.pk != through.pk


def test_another_workspace_is_not_named(
    workspace: Workspace, other_workspace: Workspace, city: Attribute
) -> None:
    segment(other_workspace, "Bern", rule("attribute", "city", "is", "Bern"))
    factories.make_design(other_workspace, html="{{ city }}")
    assert named(workspace, "city") == []


def test_the_number_of_queries_does_not_grow(
    workspace: Workspace, city: Attribute, django_assert_num_queries: Callable[..., Any]
) -> None:
    for number in range(5):
        one = segment(workspace, f"Bern {number}", rule("attribute", "city", "is", "Bern"))
        Campaign.objects.create(workspace=workspace, name="News").segments_in.add(one)
    with django_assert_num_queries(8):
        attributeuses.uses(workspace, ["city", "zip"])


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ("{{ city }}", ["city"]),
        ("{% if user.city and zip %}x{% endif %}", ["city", "zip"]),
        ("city {{ cities }} { city }", []),
        ("{{ a }} city {{ b }}", []),
    ],
)
def test_words_in_tags(part: str, found: list[str]) -> None:
    assert list(words.named_in(["city", "zip"], part)) == found


# Shares ------------------------------------------------------------------------------------------


def fill(workspace: Workspace, number: int) -> None:
    """Every fourth has a city."""
    Contact.objects.bulk_create(
        Contact(
            workspace=workspace,
            email=f"p{n}@b.example",
            attributes={"city": "Bern"} if n % 4 == 0 else {},
        )
        for n in range(number)
    )


def test_few_contacts_are_counted(
    workspace: Workspace, other_workspace: Workspace, city: Attribute
) -> None:
    fill(workspace, 12)
    fill(other_workspace, 8)
    found = attributeuses.shares(workspace.pk)
    assert (found.filled, found.people, found.exact) == ({"city": 3}, 12, True)


def test_of_many_contacts_a_sample_is_read(
    workspace: Workspace, other_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attributeuses, "COUNTED", 100)
    monkeypatch.setattr(attributeuses, "SAMPLE", 300)
    fill(other_workspace, 50)
    fill(workspace, 400)
    found = attributeuses.shares(workspace.pk)
    assert not found.exact
    # 300 random ids of 400, without repetitions.
    assert 150 < found.people <= 300
    assert 0.1 < found.filled["city"] / found.people < 0.4


def test_no_contacts(workspace: Workspace) -> None:
    assert attributeuses.shares(workspace.pk) == attributeuses.Shares({}, 0, exact=True)


def test_the_page(owner_client: Client, workspace: Workspace, city: Attribute) -> None:
    fill(workspace, 8)
    segment(workspace, "Bern", rule("attribute", "city", "is", "Bern"))
    page = owner_client.get("/w/brand/attributes/").content.decode()
    assert "25%" in page.replace("\u202f", "")
    assert "?attribute=city&amp;match=filled" in page
    cells = owner_client.get("/w/brand/attributes/uses/").content.decode()
    assert cells.index(f'id="uses-{city.pk}"') < cells.index("Segment “Bern”")
