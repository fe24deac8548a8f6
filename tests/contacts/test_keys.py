"""The foreign keys that the database checks once for each statement
(contacts/migrations/0002_search_and_storage.KEYS)."""

import importlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager

import psycopg
import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction
from psycopg import sql

from accounts.models import Workspace
from contacts.models import Contact, ContactTag, List, Subscription, Tag
from tests.factories import make_contact, make_list
from tests.otherconnections import address, wait_until_one_waits

KEYS = importlib.import_module("contacts.migrations.0002_search_and_storage").KEYS
NOBODY = 2_000_000_000


@contextmanager
def checked(constraints: str = "ALL") -> Iterator[None]:
    """With the checks of the commit, or only some of them."""
    with transaction.atomic():
        yield
        with connection.cursor() as cursor:
            cursor.execute(f"SET CONSTRAINTS {constraints} IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def refused(text: str) -> AbstractContextManager[object]:
    return pytest.raises(IntegrityError, match=text)


@pytest.fixture
def rows(workspace: Workspace) -> dict[str, models.Model]:
    """One row of each table with such a key, by the table."""
    ann = make_contact(workspace, "ann@y.example")
    tag = Tag.objects.create(workspace=workspace, name="VIP", key="vip")
    news = List.objects.create(workspace=workspace, name="News")
    return {
        "contacts_contact": ann,
        "contacts_subscription": Subscription.objects.create(list=news, contact=ann),
        "contacts_contacttag": ContactTag.objects.create(tag=tag, contact=ann),
    }


def delete(table: str, pk: int) -> None:
    """Without Django, which would delete the children, too."""
    with connection.cursor() as cursor:
        statement = sql.SQL("DELETE FROM {} WHERE id = %s").format(sql.Identifier(table))
        cursor.execute(statement, [pk])


def test_each_key_of_these_tables_is_checked() -> None:
    """By PostgreSQL itself or by these."""
    unchecked = {
        (model._meta.db_table, field.column, field.related_model._meta.db_table)
        for model in apps.get_app_config("contacts").get_models()
        if model in {Contact, Subscription, ContactTag}
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and not vars(field)["db_constraint"]
    }
    assert unchecked == set(KEYS)


@pytest.mark.parametrize(("table", "column"), [(child, column) for child, column, _ in KEYS])
def test_a_row_without_its_parent_is_refused(
    rows: dict[str, models.Model], table: str, column: str
) -> None:
    row = rows[table]
    fields = {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if not (field.primary_key or field.generated)
    }
    other = type(row)(**fields | {column: NOBODY})
    with refused(rf"{table}\.{column} has no row"), checked():
        type(row)._default_manager.bulk_create([other])


@pytest.mark.parametrize(("table", "column"), [(child, column) for child, column, _ in KEYS])
def test_nor_is_it_given_another_one(
    rows: dict[str, models.Model], table: str, column: str
) -> None:
    row = rows[table]
    with refused(rf"{table}\.{column} has no row"), checked():
        type(row)._default_manager.filter(pk=row.pk).update(**{column: NOBODY})


@pytest.mark.parametrize("key", KEYS, ids=[f"{child}.{column}" for child, column, _ in KEYS])
def test_a_parent_of_rows_stays(rows: dict[str, models.Model], key: tuple[str, str, str]) -> None:
    child, column, parent = key
    parent_id = getattr(rows[child], column)
    with refused("still names a row"), checked(f"{child}_{column}_deleted"):
        delete(parent, parent_id)


def test_a_parent_may_go_before_its_rows(rows: dict[str, models.Model]) -> None:
    """Keys are checked at the commit, as PostgreSQL's own."""
    row = rows["contacts_subscription"]
    assert isinstance(row, Subscription)
    with checked():
        delete("contacts_list", row.list_id)
        delete("contacts_subscription", row.pk)


def test_rows_of_one_statement_are_checked_together(workspace: Workspace) -> None:
    """One of many rows has no parent."""
    news = make_list(workspace, [f"p{n}@y.example" for n in range(200)])
    other = List.objects.create(workspace=workspace, name="Other")
    ids = [*news.subscriptions.values_list("contact_id", flat=True), NOBODY]
    with refused("has no row"), checked():
        Subscription.objects.bulk_create(Subscription(list=other, contact_id=pk) for pk in ids)
    with checked():
        Subscription.objects.bulk_create(Subscription(list=other, contact_id=n) for n in ids[:-1])
    assert other.subscriptions.count() == 200


@pytest.fixture
def somebody(transactional_db: None) -> Iterator[psycopg.Connection]:
    """Another connection to this test's database."""
    with psycopg.connect(address()) as other:
        yield other


def test_a_row_for_a_parent_that_is_being_deleted(
    somebody: psycopg.Connection, workspace: Workspace
) -> None:
    ann = make_contact(workspace, "ann@y.example")
    news = List.objects.create(workspace=workspace, name="News")
    insert = (
        "INSERT INTO contacts_subscription (list_id, contact_id, status, consent, source_kind,"
        " source_id, created_at, changed_at)"
        " VALUES (%s, %s, 'subscribed', 'unknown', 'page', 0, now(), now())"
    )
    with ThreadPoolExecutor(1) as thread:
        with transaction.atomic():
            delete("contacts_list", news.pk)
            inserting = thread.submit(somebody.execute, insert, [news.pk, ann.pk])
            wait_until_one_waits()
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            inserting.result(30)


def test_a_parent_gets_a_row_while_it_is_being_deleted(
    somebody: psycopg.Connection, workspace: Workspace
) -> None:
    ann = make_contact(workspace, "ann@y.example")
    news = List.objects.create(workspace=workspace, name="News")
    with ThreadPoolExecutor(1) as thread:
        with transaction.atomic():
            Subscription.objects.create(list=news, contact=ann)

            def delete_ann() -> None:
                somebody.execute("DELETE FROM contacts_contact WHERE id = %s", [ann.pk])
                somebody.commit()

            deleting = thread.submit(delete_ann)
            wait_until_one_waits()
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            deleting.result(30)
    assert Contact.objects.filter(pk=ann.pk).exists()
