"""Two attributes become one: values, conflicts, and what names them."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Workspace
from contacts.models import Attribute, Contact, Job, SavedMapping
from contacts.queries import attributemerge as query
from contacts.segmentmodels import Segment
from contacts.services import attributemerge, attributes, jobs
from tests.contacts.jobscene import finish
from tests.contacts.test_attributeuses import rule

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nudges")]

PEOPLE: dict[str, dict[str, Any]] = {
    "old@b.example": {"town": "Bern"},
    "both@b.example": {"town": "Bern", "city": "Bern"},
    "differ@b.example": {"town": "Bern", "city": "Basel"},
    "new@b.example": {"city": "Chur"},
    "none@b.example": {},
}


@pytest.fixture
def town(workspace: Workspace) -> Attribute:
    Contact.objects.bulk_create(
        Contact(workspace=workspace, email=email, attributes=given)
        for email, given in PEOPLE.items()
    )
    return attributes.add(workspace, label="Town", type_="choice", choices=["Bern", "Chur"])


@pytest.fixture
def city(workspace: Workspace, town: Attribute) -> Attribute:
    return attributes.add(workspace, label="City", type_="choice", choices=["Basel", "Bern"])


def stored(workspace: Workspace) -> dict[str, dict[str, Any]]:
    own = Contact.objects.filter(workspace=workspace)
    return {one.email.partition("@")[0]: one.attributes for one in own}


MERGED = {
    "old": {"city": "Bern"},
    "both": {"city": "Bern"},
    "differ": {"city": "Basel"},
    "new": {"city": "Chur"},
    "none": {},
}


def test_values_fill_the_blanks(
    workspace: Workspace, other_workspace: Workspace, town: Attribute, city: Attribute
) -> None:
    other = Contact.objects.create(
        workspace=other_workspace, email="o@b.example", attributes={"town": "Bern"}
    )
    assert query.counts(workspace.pk, "town", "city") == query.MergeCounts(3, 2, 1)
    assert attributemerge.merge(town, city, by=None) == 1
    assert stored(workspace) == MERGED
    city.refresh_from_db()
    assert city.choices == ["Basel", "Bern", "Chur"]
    assert not Attribute.objects.filter(key="town").exists()
    other.refresh_from_db()
    assert other.attributes == {"town": "Bern"}


def test_a_job_does_it_batch_by_batch(
    workspace: Workspace, town: Attribute, city: Attribute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "SMALL", 2)
    job = attributemerge.merge(town, city, by=None)
    assert isinstance(job, Job)
    # Until the end both attributes are there, and nothing is lost.
    jobs.run(job.pk, seconds=0, size=1)
    assert Attribute.objects.filter(key="town").exists()
    assert stored(workspace)["old"] == {"town": "Bern", "city": "Bern"}
    while jobs.run(job.pk, size=1):
        pass
    job.refresh_from_db()
    assert (job.state, job.counts["changed"]) == (Job.State.FINISHED, 1)
    # Then the old values are deleted, by a job of their own.
    finish(Job.objects.get(kind=attributes.DELETE))
    assert stored(workspace) == MERGED


def test_segments_and_mappings_are_about_the_other(
    workspace: Workspace, town: Attribute, city: Attribute
) -> None:
    segment = Segment.objects.create(
        workspace=workspace, name="Bern", rule=rule("attribute", "town", "is", "Bern")
    )
    mapping = SavedMapping.objects.create(
        workspace=workspace, name="A", targets=["email", "attribute:town"]
    )
    two = SavedMapping.objects.create(
        workspace=workspace, name="B", targets=["email", "attribute:town", "attribute:city"]
    )
    attributemerge.merge(town, city, by=None)
    segment.refresh_from_db()
    assert segment.version == 2
    condition = segment.rule["items"][0]["items"][0]
    assert (condition["subject"], condition["label"]) == ("city", "City")
    mapping.refresh_from_db()
    assert mapping.targets == ["email", "attribute:city"]
    two.refresh_from_db()
    assert two.targets == ["email", "", "attribute:city"]


def test_only_those_of_one_type(workspace: Workspace, town: Attribute) -> None:
    points = attributes.add(workspace, label="Points", type_="number")
    with pytest.raises(attributemerge.MergeError, match="another type"):
        attributemerge.merge(town, points, by=None)
    with pytest.raises(attributemerge.MergeError, match="itself"):
        attributemerge.merge(town, town, by=None)


def test_the_page(
    owner_client: Client, workspace: Workspace, town: Attribute, city: Attribute
) -> None:
    url = f"/w/brand/attributes/{town.pk}/merge/"
    page = owner_client.get(url, {"into": city.pk}).content.decode()
    for words in ("3 contacts have a value of Town", "For 1 contact both", "differ@b.example"):
        assert words in page
    none = owner_client.get(url, follow=True).content.decode()
    assert "Choose the attribute to merge it into." in none
    done = owner_client.post(url, {"into": city.pk}, follow=True).content.decode()
    assert "Town is merged into City; 1 contact got its value." in done
    assert stored(workspace) == MERGED


def test_an_attribute_of_another_workspace(
    owner_client: Client, other_workspace: Workspace, town: Attribute
) -> None:
    theirs = attributes.add(other_workspace, label="City", type_="choice", choices=["x"])
    answer = owner_client.post(f"/w/brand/attributes/{town.pk}/merge/", {"into": theirs.pk})
    assert answer.status_code == 302
    assert Attribute.objects.filter(pk=town.pk).exists()
