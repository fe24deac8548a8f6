"""Queries that take too long, and objects that vanish while a request works with them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection, connections, models
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, User, Workspace
from bounces.models import BounceMail, BounceMailbox
from campaigns.models import Campaign
from contacts.models import Attribute, Contact, Import, Job, List, Tag
from designs.models import Design
from pages.interruptions import limit_queries
from relays.models import Pool, Relay
from tests.accounts.filling import Filler
from tests.accounts.test_access import PATTERNS, arguments
from tests.loglines import logged
from tests.otherconnections import address

pytestmark = pytest.mark.django_db(transaction=True)

REMOVED = "It was removed in the meantime"
# What a path names by its first number.
NAMED: dict[str, type[models.Model]] = {
    "contacts/jobs/": Job,
    "contacts/": Contact,
    "lists/": List,
    "attributes/": Attribute,
    "imports/": Import,
    "designs/": Design,
    "relays/pools/": Pool,
    "relays/": Relay,
    "bounces/": BounceMail,
    "mailboxes/": BounceMailbox,
    "campaigns/": Campaign,
    "tags/": Tag,
}
# What forms need to come as far as their write.
DATA: dict[str, dict[str, Any]] = {
    "edit_contact": {"email": "new@x.example"},
    "contact_open_consent": {"answer": "give"},
    "contact_subscription": {"status": "subscribed"},
    "edit_list": {"name": "Another name"},
    "edit_attribute": {"label": "Another label"},
    "move_attribute": {"to": "up"},
    "contact_tags": {"tag_name": "Another tag"},
    "edit_tag": {"name": "Another name"},
    "edit_design": {"name": "Another", "version": "1", "subject": "", "html": "", "text": ""},
}


@contextmanager
def vanishing(row: models.Model) -> Iterator[list[str]]:
    """Another connection deletes the row as soon as it was read here; gives the statement after
    which it did."""
    table, key = row._meta.db_table, row.pk
    gone: list[str] = []

    def watch(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        result = execute(sql, parameters, many, context)
        if (
            not gone
            and sql.startswith("SELECT")
            and f'FROM "{table}"' in sql
            and key in (parameters or ())
        ):
            with psycopg.connect(address(), options="-c lock_timeout=500") as other:
                other.execute("SET session_replication_role = replica")
                try:
                    for depends in row._meta.related_objects:
                        if depends.on_delete is models.CASCADE:
                            other.execute(
                                f"DELETE FROM {depends.related_model._meta.db_table}"  # noqa: S608
                                f" WHERE {depends.field.column} = %s",
                                [key],
                            )
                    other.execute(f"DELETE FROM {table} WHERE id = %s", [key])  # noqa: S608
                    gone.append(sql)
                except psycopg.errors.LockNotAvailable:
                    gone.append("it was locked")
        return result

    with connection.execute_wrapper(watch):
        yield gone


def of_path(name: str) -> type[models.Model] | None:
    route = str(PATTERNS[name].pattern).removeprefix("w/<slug:slug>/")
    if "<int:pk>" not in route:
        return None
    return next((model for prefix, model in NAMED.items() if route.startswith(prefix)), None)


OBJECTS = sorted(name for name in PATTERNS if of_path(name) is not None)


@pytest.fixture
def client(owner_client: Client) -> Client:
    owner_client.raise_request_exception = False
    return owner_client


def filled(workspace: Workspace, owner: User) -> Filler:
    filler = Filler(workspace, owner)
    filler.made[Membership] = Membership.objects.get()
    filler.fill()
    return filler


def restore(filler: Filler) -> None:
    """Puts back what requests removed; rows come after those that they refer to."""
    for kind, row in filler.made.items():
        if not kind._base_manager.filter(pk=row.pk).exists():
            kind._base_manager.bulk_create([row])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_page_breaks_when_its_object_vanishes(
    client: Client, workspace: Workspace, owner: User
) -> None:
    filler = filled(workspace, owner)
    assert len(OBJECTS) > 60
    vanished, broken = 0, []
    for name in OBJECTS:
        model = of_path(name)
        assert model is not None
        row = filler.made[model]
        given = arguments(PATTERNS[name]) | {"pk": row.pk}
        for method in ("get", "post"):
            restore(filler)
            data = DATA.get(name, {}) | {"list": filler.made[List].pk}
            with vanishing(row) as gone:
                answer = getattr(client, method)(reverse(name, kwargs=given), data)
                if answer.status_code == 200:
                    b"".join(answer)  # also what is streamed
            vanished += bool(gone)
            if answer.status_code >= 500:
                broken.append((name, method))
    assert broken == []
    assert vanished > 80


@pytest.mark.parametrize(
    ("name", "model", "back"),
    [
        ("edit_contact", Contact, "contacts"),
        ("contact_subscription", Contact, "contacts"),
        ("edit_list", List, "lists"),
        ("archive_list", List, "lists"),
        ("edit_attribute", Attribute, "attributes"),
        ("contact_tags", Contact, "contacts"),
        ("edit_tag", Tag, "tags"),
        ("undo_import", Import, "imports"),
    ],
)
def test_the_list_says_that_it_was_removed(  # noqa: PLR0917
    name: str,
    model: type[models.Model],
    back: str,
    client: Client,
    workspace: Workspace,
    owner: User,
) -> None:
    filler = filled(workspace, owner)
    row = filler.made[model]
    data = DATA.get(name, {}) | {"list": filler.made[List].pk}
    with vanishing(row) as gone:
        answer = client.post(reverse(name, args=["brand", row.pk]), data, follow=True)
    assert gone
    assert answer.redirect_chain[0][0] == reverse(back, args=["brand"])
    assert REMOVED in answer.content.decode()
    assert not model._base_manager.filter(pk=row.pk).exists()


def test_htmx_is_led_to_the_list(client: Client, workspace: Workspace) -> None:
    person = Contact.objects.create(workspace=workspace, email="a@x.example")
    with vanishing(person):
        answer = client.post(
            reverse("edit_contact", args=["brand", person.pk]),
            DATA["edit_contact"],
            headers={"HX-Request": "true"},
        )
    assert answer.headers["HX-Redirect"] == reverse("contacts", args=["brand"])


# Queries that take too long -----------------------------------------------------------------------


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The database gives up what takes longer than 50 ms, and the list of contacts does."""

    def sleep(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if 'FROM "contacts_contact"' in sql:
            execute("SELECT pg_sleep(10)", None, *rest[1:])
        return execute(sql, *rest)

    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 50")
    with connection.execute_wrapper(sleep):
        yield
    connection.close()


@pytest.mark.usefixtures("slow")
def test_a_page_that_takes_too_long_says_so(
    client: Client, workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.get(reverse("contacts", args=["brand"]))
    assert answer.status_code == 503
    assert "The database took too long for this page" in answer.content.decode()
    assert answer.headers["Retry-After"] == "60"
    assert answer.headers["X-Request-Id"] in answer.content.decode()
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert ("query took too long", {"view": "contacts"}) in logged(caplog)
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(("seconds", "shown"), [(30, "30s"), (0, "0")])
def test_queries_of_web_processes_have_a_limit(
    seconds: int, shown: str, monkeypatch: pytest.MonkeyPatch, workspace: Workspace
) -> None:
    settings = connections.settings["default"]
    # Without a limit that another test's import of config.wsgi may have set.
    plain = {name: value for name, value in settings["OPTIONS"].items() if name != "options"}
    monkeypatch.setitem(settings, "OPTIONS", plain)
    limit_queries(seconds)
    found: list[str] = []

    def ask() -> None:
        # A thread has a connection of its own, as each of a web process.
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            found.append(cursor.fetchone()[0])
        connection.close()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert found == [shown]


def test_the_address_of_a_form_can_not_be_opened(owner_client: Client) -> None:
    answer = owner_client.get("/w/brand/contacts/bulk/")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "A button or a form uses this address" in answer.text
    assert owner_client.put("/w/brand/contacts/bulk/").content == b""
