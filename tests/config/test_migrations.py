"""All migrations on an empty database: forward, each app backward, and forward again."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from operations import schema

OURS = sorted({app for app, _ in schema.ours()})
# Everything that a migration can leave behind, but for Django's own note of what was run.
LEFT = """
SELECT 'table', relname::text, coalesce(array_to_string(reloptions, ','), '')
  FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
UNION ALL
SELECT 'column', attrelid::regclass || '.' || attname,
       concat_ws(' ', format_type(atttypid, atttypmod), attnotnull, attstorage, attidentity,
                 attgenerated, pg_get_expr(adbin, adrelid))
  FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
  LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
   AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT 'index', indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid)
  FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'function', proname::text, pg_get_functiondef(pg_proc.oid)
  FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind = 'f' AND NOT EXISTS (
       SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
UNION ALL
SELECT 'sequence', sequencename::text, data_type::text FROM pg_sequences WHERE schemaname = 'public'
"""
Thing = tuple[str, str, str]


@pytest.fixture
def empty_database(transactional_db: None) -> Iterator[None]:
    """The default connection's, for the time of the test."""
    usual, name = connection.settings_dict["NAME"], f"migrations_{uuid4().hex}"
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    use(name)
    yield
    use(usual)
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def use(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name


def left() -> set[Thing]:
    with connection.cursor() as cursor:
        cursor.execute(LEFT)
        return {row for row in cursor.fetchall() if "django_migrations" not in row[1]}


def migrate(targets: list[tuple[str, str | None]]) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(targets)


def forward() -> None:
    migrate(list(MigrationLoader(connection).graph.leaf_nodes()))


@pytest.mark.slow
@pytest.mark.usefixtures("empty_database")
def test_each_app_goes_backward_to_nothing_and_forward_again() -> None:
    """From the one that nothing depends on to the first, and back: what was is there again."""
    forward()
    whole = left()
    assert {"contacts_contact", "sending_message", "pages_cache"} <= {name for _, name, _ in whole}
    for app in reversed(in_order()):
        migrate([(app, None)])
        assert not of(app, left())
        assert not {name for done, name in recorded() if done == app}
    migrate([(app, None) for app in MigrationLoader(connection).migrated_apps])
    assert not left()
    for app in in_order():
        migrate(list(MigrationLoader(connection).graph.leaf_nodes(app)))
        assert of(app, left()) == of(app, whole)
    forward()
    assert left() == whole


def in_order() -> list[str]:
    """Our apps, each after those that its migrations depend on."""
    graph = MigrationLoader(connection).graph
    plan = [key for leaf in graph.leaf_nodes() for key in graph.forwards_plan(leaf)]
    return [app for app in dict.fromkeys(app for app, _ in plan) if app in OURS]


def of(app: str, things: set[Thing]) -> set[Thing]:
    tables = tuple(name for kind, name, _ in things if kind == "table")
    return {thing for thing in things if owner(thing, tables).startswith(f"{app}_")}


def owner(thing: Thing, tables: tuple[str, ...]) -> str:
    """A name that begins with the app's. An app's triggers on another one's table have its name."""
    kind, name, _definition = thing
    own = name.rpartition(".")[2]
    return own if kind in {"trigger", "constraint"} and own.startswith(tables) else name


def recorded() -> set[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT app, name FROM django_migrations")
        return set(cursor.fetchall())


@pytest.mark.slow
@pytest.mark.usefixtures("empty_database")
def test_the_command_goes_from_nothing_to_the_newest_and_no_model_differs() -> None:
    call_command("migrate", verbosity=0)
    assert schema.ours() <= recorded()
    # Ends the process with a code where a model and its migrations differ.
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)
