"""Attributes as fields of forms: what uses them, and what a merge and a deletion change."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Workspace
from contacts.models import Attribute
from contacts.services import attributemerge, attributes
from signups.models import Signup, SignupForm
from signups.services import forms
from tests.signups.conftest import ADDRESS

pytestmark = pytest.mark.django_db


@pytest.fixture
def town(workspace: Workspace) -> Attribute:
    return Attribute.objects.create(workspace=workspace, key="town", label="Town")


@pytest.fixture
def city(workspace: Workspace) -> Attribute:
    return Attribute.objects.create(workspace=workspace, key="city", label="City")


def text(page: bytes) -> str:
    return " ".join(page.decode().split())


def test_pages_of_attributes_name_the_forms(
    owner_client: Client, make_form: Callable[..., SignupForm], town: Attribute, city: Attribute
) -> None:
    form = make_form(name="Website", fields=[{"key": "attribute:town"}])
    link = f'href="/w/brand/forms/{form.pk}/"'
    base = "/w/brand/attributes/"
    for page in (
        owner_client.get(f"{base}uses/"),
        owner_client.get(f"{base}{town.pk}/edit/"),
        owner_client.get(f"{base}{town.pk}/merge/?into={city.pk}"),
        owner_client.post(f"{base}delete/", {"pk": [town.pk]}),
    ):
        assert link in text(page.content)
        assert "Form “Website”" in text(page.content)
    assert link not in text(owner_client.get(f"{base}{city.pk}/edit/").content)


def test_after_a_merge_the_form_asks_for_the_other(
    make_form: Callable[..., SignupForm],
    workspace: Workspace,
    other_workspace: Workspace,
    town: Attribute,
    city: Attribute,
) -> None:
    fields = [{"key": "first_name"}, {"key": "attribute:town", "label": "Where?"}]
    one = make_form(fields=fields)
    both = make_form(fields=[*fields, {"key": "attribute:city", "help": "Kept"}])

    def signup(**values: str) -> Signup:
        return Signup.objects.create(
            workspace=workspace, form=one, address=ADDRESS, values=values, state="unconfirmed"
        )

    waiting, known = (
        signup(**{"attribute:town": "Rome"}),
        signup(**{"attribute:town": "Rome", "attribute:city": "Oslo"}),
    )
    attributemerge.merge(town, city, by=None)
    for row in (one, both, waiting, known):
        row.refresh_from_db()
    assert [(row["key"], row.get("label")) for row in one.fields] == [
        ("first_name", ""),
        ("attribute:city", "Where?"),
    ]
    assert [(row["key"], row.get("help")) for row in both.fields] == [
        ("first_name", ""),
        ("attribute:city", "Kept"),
    ]
    assert waiting.values == {"attribute:city": "Rome"}
    assert known.values == {"attribute:city": "Oslo"}


def test_a_deleted_attribute_is_asked_for_no_more(
    make_form: Callable[..., SignupForm], town: Attribute
) -> None:
    one = make_form(fields=[{"key": "attribute:town"}])
    attributes.delete(town)
    assert not forms.fields_of(one)
