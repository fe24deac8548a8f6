"""The index of values: filled in the background, kept by whoever writes contacts."""

import os
import re

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Workspace
from contacts import tasks
from contacts.models import Attribute, Contact, IndexedValue, Indexing
from contacts.queries import indexing as query
from contacts.services import indexing
from tests.contacts.segments.scene import attribute, group, make_segment, when
from tests.factories import make_contact
from tests.otherconnections import elsewhere

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def city(workspace: Workspace) -> Attribute:
    return Attribute.objects.create(workspace=workspace, key="city", label="City", type="text")


def index_of(city: Attribute) -> dict[str, str]:
    emails = dict(Contact.objects.values_list("pk", "email"))
    rows = IndexedValue.objects.filter(attribute=city).values_list("contact_id", "text")
    return {emails[pk].split("@")[0]: text for pk, text in rows}


def people(workspace: Workspace, **cities: object) -> None:
    for name, value in cities.items():
        make_contact(workspace, f"{name}@x.example", attributes={"city": value})


def test_a_saved_segment_asks_for_its_attributes(workspace: Workspace, city: Attribute) -> None:
    other = Attribute.objects.create(workspace=workspace, key="x", label="X", type="text")
    people(workspace, ann="Ｂerlin", bob="Oslo", cid=None)
    make_segment(workspace, attribute("city", "is", "Oslo"), when("person", "email", "is", "x"))
    assert index_of(city) == {}
    tasks.index_values()
    city.refresh_from_db()
    other.refresh_from_db()
    assert (city.indexing, other.indexing) == (Indexing.READY, Indexing.NO)
    assert index_of(city) == {"ann": "berlin", "bob": "oslo"}


def test_whoever_writes_contacts_keeps_it(
    workspace: Workspace, other_workspace: Workspace, city: Attribute
) -> None:
    people(workspace, ann="Berlin", bob="Oslo", cid="Rome")
    make_segment(workspace, attribute("city", "filled"))
    assert indexing.fill()
    people(workspace, dan="Paris", eve=None)
    people(other_workspace, far="Lima")
    Contact.objects.filter(email__startswith="ann").update(attributes={"city": "Bonn"})
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE contacts_contact SET attributes = attributes - 'city' WHERE id = %s",
            [Contact.objects.get(email="bob@x.example").pk],
        )
    Contact.objects.get(email="cid@x.example").delete()
    assert index_of(city) == {"ann": "bonn", "dan": "paris"}
    Contact.objects.filter(workspace=workspace).delete()
    assert not IndexedValue.objects.exists()


def test_a_deleted_attribute_takes_its_index_along(workspace: Workspace, city: Attribute) -> None:
    people(workspace, ann="Berlin")
    make_segment(workspace, attribute("city", "filled"))
    assert indexing.fill()
    city.delete()
    assert not IndexedValue.objects.exists()


def test_a_stopped_worker_goes_on_where_it_was(
    workspace: Workspace, city: Attribute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "BATCH", 2)
    people(workspace, **{f"p{number}": "Oslo" for number in range(5)})
    make_segment(workspace, attribute("city", "filled"))
    assert not indexing.fill(seconds=0)
    city.refresh_from_db()
    assert city.indexing == Indexing.FILLING
    assert indexing.fill()
    assert len(index_of(city)) == 5


def test_only_one_worker_is_at_it(workspace: Workspace, city: Attribute) -> None:
    people(workspace, ann="Berlin")
    make_segment(workspace, attribute("city", "filled"))
    with elsewhere("SELECT pg_advisory_xact_lock(hashtext(%s))", "contacts_indexing"):
        assert not indexing.fill()
    assert indexing.fill()


def test_a_contact_that_somebody_changes_is_not_missed(
    workspace: Workspace, city: Attribute
) -> None:
    people(workspace, ann="Berlin", bob="Oslo")
    Attribute.objects.update(indexing=Indexing.FILLING)
    ann = Contact.objects.get(email="ann@x.example")
    with elsewhere("SELECT FROM contacts_contact WHERE id = %s FOR UPDATE", ann.pk):
        _last, whole = query.fill(city, 0)
        assert not whole
        assert index_of(city) == {"bob": "oslo"}
    assert query.fill(city, 0)[1]
    assert index_of(city) == {"ann": "berlin", "bob": "oslo"}


def test_it_does_not_wait_for_transactions_of_other_databases(
    workspace: Workspace, city: Attribute
) -> None:
    people(workspace, ann="Berlin")
    make_segment(workspace, attribute("city", "filled"))
    with psycopg.connect(os.environ["DATABASE_URL"]) as other:
        other.execute("SELECT pg_current_xact_id()")
        assert indexing.fill()
    assert index_of(city) == {"ann": "berlin"}


def test_it_waits_for_transactions_that_do_not_know_of_it(
    workspace: Workspace, city: Attribute
) -> None:
    insert = (
        "INSERT INTO contacts_contact (workspace_id, email, first_name, last_name, full_name,"
        " attributes, source_kind, source_id, created_at, updated_at)"
        " VALUES (%s, 'late@x.example', '', '', '', '{\"city\": \"Rome\"}', '', 0, now(), now())"
    )
    with elsewhere(insert, workspace.pk):
        make_segment(workspace, attribute("city", "filled"))
        assert not indexing.fill(seconds=0.3)
    city.refresh_from_db()
    assert city.indexing == Indexing.FILLING
    assert indexing.fill()
    assert index_of(city) == {"late": "rome"}


def test_many_changes_are_not_compared_each_with_each(
    workspace: Workspace, city: Attribute
) -> None:
    """PostgreSQL keeps plans of functions: that of a change of one contact must not be used for
    thousands, which took minutes."""
    Attribute.objects.filter(pk=city.pk).update(indexing="whole")
    Contact.objects.bulk_create(
        Contact(workspace=workspace, email=f"p{n}@x.example", attributes={"city": "Bern"})
        for n in range(2000)
    )
    everybody = Contact.objects.filter(workspace=workspace)
    one = everybody.filter(pk=everybody.first().pk)  # type: ignore[union-attr]
    plans: list[str] = []
    with connection.cursor() as cursor:
        cursor.execute("LOAD 'auto_explain'")
        cursor.execute("SET auto_explain.log_min_duration = 0")
        cursor.execute("SET auto_explain.log_nested_statements = on")
        cursor.execute("SET client_min_messages = log")
        try:
            one.update(attributes={"city": "Basel"})
            connection.connection.add_notice_handler(
                lambda notice: plans.append(notice.message_primary or "")
            )
            everybody.update(attributes={"city": "Chur"})
        finally:
            connection.close()
    kept = [plan for plan in plans if "Named Tuplestore Scan" in plan and "gone" in plan]
    assert kept
    for plan in kept:
        assert re.search(r"(Hash|Merge) Cond: \(c\w*\.id = gone\.id\)", plan), plan
    assert set(index_of(city).values()) == {"chur"}


# Not named any more ------------------------------------------------------------------------------


def an_hour_passes(city: Attribute) -> None:
    """An hour passes after the indexing ended."""
    city.refresh_from_db()
    assert city.indexing == Indexing.NO
    Attribute.objects.filter(pk=city.pk).update(unindexed_at=timezone.now() - indexing.GRACE)


def test_what_no_segment_names_is_deleted_in_batches(
    workspace: Workspace, city: Attribute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "BATCH", 2)
    people(workspace, **{f"p{number}": "Oslo" for number in range(5)})
    nested = make_segment(workspace, group("NONE", attribute("city", "is", "Oslo")), name="One")
    other = make_segment(workspace, attribute("city", "filled"), name="Two")
    assert indexing.fill()
    other.delete()
    assert indexing.drop()
    city.refresh_from_db()
    assert city.indexing == Indexing.READY
    nested.delete()
    tasks.index_values()
    # A query that was made before may still read the rows.
    assert len(index_of(city)) == 5
    an_hour_passes(city)
    assert not indexing.drop(seconds=0)
    assert 0 < len(index_of(city)) < 5
    assert indexing.drop()
    assert index_of(city) == {}
    city.refresh_from_db()
    assert city.unindexed_at is None
    # Nobody keeps an index that is gone.
    people(workspace, ann="Berlin")
    assert index_of(city) == {}


def test_named_again_it_has_no_old_value(workspace: Workspace, city: Attribute) -> None:
    people(workspace, ann="Berlin", bob="Oslo", cid="Rome")
    segment = make_segment(workspace, attribute("city", "filled"), name="One")
    assert indexing.fill()
    segment.delete()
    assert indexing.drop()
    # Meanwhile nothing keeps the rows.
    Contact.objects.filter(email__startswith="ann").update(attributes={"city": "Bonn"})
    Contact.objects.filter(email__startswith="cid").update(attributes={})
    make_segment(workspace, attribute("city", "filled"), name="Two")
    assert indexing.drop()
    assert indexing.fill()
    assert index_of(city) == {"ann": "bonn", "bob": "oslo"}
    city.refresh_from_db()
    assert (city.indexing, city.unindexed_at) == (Indexing.READY, None)


def test_a_locked_row_is_deleted_later(workspace: Workspace, city: Attribute) -> None:
    people(workspace, ann="Berlin", bob="Oslo")
    segment = make_segment(workspace, attribute("city", "filled"))
    assert indexing.fill()
    segment.delete()
    assert indexing.drop()
    an_hour_passes(city)
    ann = Contact.objects.get(email="ann@x.example")
    lock = "SELECT FROM contacts_indexedvalue WHERE contact_id = %s FOR UPDATE"
    with elsewhere(lock, ann.pk):
        assert not indexing.drop(seconds=0.2)
        assert index_of(city) == {"ann": "berlin"}
    assert indexing.drop()
    assert index_of(city) == {}
