"""The undo of an import brings back what it overwrote, unless somebody has changed it since."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from contacts.models import (
    Afterwards,
    Attribute,
    Contact,
    Import,
    ImportedContact,
    List,
    Subscription,
)
from contacts.provenance import BY_HAND, Source
from contacts.queries import overwritten
from contacts.queries.importundo import Undone
from contacts.queries.overwritten import Restored
from contacts.services import importchoices, importrun, imports, importuploads, lists
from tests import figures

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def news(workspace: Workspace) -> List:
    return List.objects.create(workspace=workspace, name="News")


@pytest.fixture(autouse=True)
def typed(workspace: Workspace) -> None:
    for key, kind in (("city", "text"), ("age", "number"), ("vip", "boolean")):
        Attribute.objects.create(workspace=workspace, key=key, label=key.title(), type=kind)


def run(workspace: Workspace, data: str, **choices: Any) -> Import:
    file = importuploads.receive(
        workspace, filename="x.csv", pieces=[data.encode()], by=None, limit=1 << 20
    )
    given = {"target": None, "known": "overwrite", "dialect": file.dialect, "mapping": file.mapping}
    importchoices.configure(file, consent="explicit", **given | choices)
    imports.start(file, enqueue=None)
    while importrun.run(file.pk, size=2):
        pass
    file.refresh_from_db()
    assert file.state == Import.State.FINISHED, file.error
    return file


def undo(file: Import) -> Restored:
    undone = imports.undo(file)
    assert isinstance(undone, Undone)
    return undone.restored


def make(workspace: Workspace, name: str, **values: Any) -> Contact:
    return Contact.objects.create(workspace=workspace, email=f"{name}@x.example", **values)


def test_only_what_was_changed_is_stored(workspace: Workspace) -> None:
    attributes = {"city": "Bath", "age": 30}
    make(workspace, "ann", first_name="Ann", last_name="Lee", attributes=attributes)
    make(workspace, "bo", first_name="Bo", attributes={"city": "Bern"})
    data = "email,first name,city,age,vip\nann@x.example,Anna,Bath,31,yes\nbo@x.example,Bo,Bern,,\n"
    file = run(workspace, data + "new@x.example,Cy,Rome,1,no\n")
    rows = dict(file.imported.values_list("outcome", "overwritten"))
    assert rows == {
        "updated": {
            "first_name": ["Ann", "Anna"],
            "attributes": {"age": [30, 31], "vip": [None, True]},
        },
        "unchanged": None,
        "new": None,
    }


def test_everything_comes_back(workspace: Workspace) -> None:
    before = {"city": "Bath", "age": 30}
    ann = make(workspace, "ann", first_name="Ann", full_name="Ann Lee", attributes=before)
    data = "email,first name,last name,full name,city,age,vip\n"
    file = run(workspace, data + "ann@x.example,Anna,Li,Anna Li,Bern,31,yes\n")
    ann.refresh_from_db()
    assert (ann.full_name, ann.attributes) == ("Anna Li", {"city": "Bern", "age": 31, "vip": True})
    assert undo(file) == Restored(1, 0, 0)
    ann.refresh_from_db()
    assert (ann.first_name, ann.last_name, ann.full_name) == ("Ann", "", "Ann Lee")
    assert ann.attributes == before
    assert file.imported.get().overwritten is None


def test_filled_in_values_go_again(workspace: Workspace) -> None:
    ann = make(workspace, "ann", attributes={"city": "Bath"})
    file = run(workspace, "email,first name,city,age\nann@x.example,Ann,Bern,31\n", known="fill")
    ann.refresh_from_db()
    assert (ann.first_name, ann.attributes) == ("Ann", {"city": "Bath", "age": 31})
    assert undo(file) == Restored(1, 0, 0)
    ann.refresh_from_db()
    assert (ann.first_name, ann.attributes) == ("", {"city": "Bath"})


def test_a_value_that_was_changed_since_stays_and_is_listed(
    workspace: Workspace, owner_client: Client
) -> None:
    ann = make(workspace, "ann", first_name="Ann", attributes={"city": "Bath", "age": 30})
    bo = make(workspace, "bo", attributes={"city": "Bath", "vip": True})
    cy = make(workspace, "cy", attributes={"city": "Bath"})
    data = "email,first name,city,age,vip\nann@x.example,Anna,Bern,31,\n"
    file = run(workspace, data + "bo@x.example,Bo,Bern,,no\ncy@x.example,Cy,Bern,,\n")
    Contact.objects.filter(pk=ann.pk).update(attributes={"city": "Oslo", "age": 31})
    # It was taken away: that is a change, too.
    Contact.objects.filter(pk=bo.pk).update(attributes={"city": "Bern"})
    page = owner_client.post(
        reverse("undo_import", args=["brand", file.pk]), follow=True
    ).content.decode()
    assert "3 contacts have their former values again." in page
    assert "2 contacts keep values that were changed since the import." in page
    for person in (ann, bo, cy):
        person.refresh_from_db()
    assert (ann.first_name, ann.attributes) == ("Ann", {"city": "Oslo", "age": 30})
    assert (bo.first_name, bo.attributes) == ("", {"city": "Bath"})
    assert (cy.first_name, cy.attributes) == ("", {"city": "Bath"})
    at = reverse("import", args=["brand", file.pk])
    (figure,) = figures.on_page(owner_client, at)
    assert figure.url.endswith("/stayed/")
    assert not figures.differences(owner_client, [figure])
    listed = owner_client.get(figure.url).content.decode()
    assert "City: Oslo; the import wrote Bern, and before it was Bath" in listed
    assert "Vip: –; the import wrote No, and before it was Yes" in listed
    assert "cy@x.example" not in listed
    assert "Age:" not in listed


def test_two_imports_are_undone_in_turn(workspace: Workspace) -> None:
    ann = make(workspace, "ann", attributes={"city": "Bath"})
    first = run(workspace, "email,city\nann@x.example,Bern\n")
    second = run(workspace, "email,city\nann@x.example,Oslo\n")
    assert undo(second) == Restored(1, 0, 0)
    ann.refresh_from_db()
    assert ann.attributes == {"city": "Bern"}
    assert undo(first) == Restored(1, 0, 0)
    ann.refresh_from_db()
    assert ann.attributes == {"city": "Bath"}


def test_a_deleted_contact_counts_nowhere(workspace: Workspace) -> None:
    make(workspace, "ann", attributes={"city": "Bath"})
    file = run(workspace, "email,city\nann@x.example,Bern\n")
    Contact.objects.all().delete()
    assert undo(file) == Restored(0, 0, 0)


# Subscriptions -----------------------------------------------------------------------------------

LEFT = "email,status\nann@x.example,unsubscribed\nbo@x.example,unsubscribed\n"


@pytest.fixture
def on_list(workspace: Workspace, news: List) -> Contact:
    """Ann was on the list by campaign 7; Bo wasn't."""
    ann = make(workspace, "ann")
    make(workspace, "bo")
    Subscription.objects.create(
        list=news, contact=ann, consent="customer", **Source("campaign", 7).columns
    )
    return ann


def test_an_ended_subscription_comes_back_as_it_was(
    workspace: Workspace, news: List, on_list: Contact, owner_client: Client
) -> None:
    before = Subscription.objects.values().get()
    file = run(workspace, LEFT, target=news)
    assert set(Subscription.objects.values_list("status", flat=True)) == {"unsubscribed"}
    assert overwritten.coming(file.pk).subscribed == 1
    page = owner_client.get(reverse("import", args=["brand", file.pk])).content.decode()
    assert "Subscribes 1 person again, who was on the list and was unsubscribed by it." in page
    assert "people who want no mail stays: 1 recorded as unsubscribed." in page
    assert undo(file) == Restored(0, 0, 1)
    assert Subscription.objects.values().get(contact=on_list) == before
    # What the file says of somebody who was not on the list stays.
    assert Subscription.objects.exclude(contact=on_list).get().status == "unsubscribed"


@pytest.mark.parametrize("what", ["by hand", "said again", "later import"])
def test_who_left_otherwise_since_is_not_subscribed(
    workspace: Workspace, news: List, on_list: Contact, what: str
) -> None:
    file = run(workspace, LEFT, target=news)
    row = Subscription.objects.get(contact=on_list)
    if what == "by hand":
        lists.set_status(news, on_list, status="unsubscribed", source=BY_HAND)
    elif what == "said again":
        row.afterwards = Afterwards.SAID_AGAIN
        row.save()
    else:
        run(workspace, LEFT, target=news)
    assert undo(file) == Restored(0, 0, 0)
    row.refresh_from_db()
    assert row.status == "unsubscribed"


def test_a_line_of_another_batch_that_ends_a_subscription(
    workspace: Workspace, news: List, on_list: Contact
) -> None:
    data = "email,status\nann@x.example,subscribed\nbo@x.example,subscribed\n"
    file = run(workspace, data + "ann@x.example,unsubscribed\n", target=news)
    (kept,) = ImportedContact.objects.filter(overwritten__isnull=False)
    assert (kept.contact_id, set(kept.overwritten or {})) == (on_list.pk, {"list"})
    assert undo(file) == Restored(0, 0, 1)
    # Bo's was made by the import, and goes.
    assert Subscription.objects.get().source == Source("campaign", 7)
