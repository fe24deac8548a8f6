"""`manage.py migrate` beside a site that works."""

import io

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from operations.management.commands import migrate
from tests.otherconnections import address

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def query() -> psycopg.Connection[tuple[object, ...]]:
    """Somebody reads mails of the sandbox and does not end."""
    other = psycopg.connect(address())
    other.execute("SELECT 1 FROM sandbox_sandboxmail")
    return other


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "LOCK_SECONDS", "0.1")
    monkeypatch.setattr(migrate, "PAUSES", (1, 2))


@pytest.fixture(autouse=True)
def _back() -> object:
    yield
    call_command("migrate", verbosity=0)


@pytest.mark.usefixtures("short")
def test_it_tries_again_when_a_table_is_in_use(
    query: psycopg.Connection[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        query.close()

    monkeypatch.setattr(migrate.Command, "pause", staticmethod(pause))
    said = io.StringIO()
    call_command("migrate", "sandbox", "zero", verbosity=0, stderr=said)
    assert waited == [1]
    assert "A table is in use" in said.getvalue()
    assert "sandbox_sandboxmail" not in connection.introspection.table_names()
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)


@pytest.mark.slow
@pytest.mark.usefixtures("short")
def test_it_gives_up_with_a_sentence_and_changes_nothing(
    query: psycopg.Connection[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate.Command, "pause", staticmethod(lambda _seconds: None))
    with pytest.raises(CommandError, match="A table stayed in use"):
        call_command("migrate", "sandbox", "zero", verbosity=0, stderr=io.StringIO())
    query.close()
    assert "sandbox_sandboxmail" in connection.introspection.table_names()


def test_a_database_from_before_the_first_release_is_told_apart() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, now())",
            ["quickstart", "0001_initial"],
        )
    try:
        with pytest.raises(CommandError, match=r"an earlier state of Yanshu.*empty database"):
            call_command("migrate", verbosity=0)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE app = 'quickstart'")
