"""Leaves the database to the next test as it was: a pytest plugin.

Django truncates each table and then makes content types and permissions anew, which nothing here
uses: half a second for each of a thousand tests. Most tests leave rows in few tables.
"""

from collections.abc import Iterator
from contextlib import suppress
from functools import cache

import psycopg
import pytest
from django.core.management.color import no_style
from django.db import connection
from django.test import TransactionTestCase
from psycopg.pq import TransactionStatus

# Partitions first: the rows of a table that has them are in these. Without triggers, which are
# those of the foreign keys: all tables are emptied. What grew large is truncated, as its dead rows
# would be read by each later test. And the planner must know no more of a table than of a new one:
# "no rows", which a background ANALYZE may have noted just then, would make it read a hundred
# thousand new ones again for each of them.
EMPTY = """
DO $$
DECLARE name text; filled boolean; names text[];
BEGIN
  names := ARRAY(SELECT relname FROM pg_class WHERE relkind = 'r' AND relispartition)
           || ARRAY[{tables}];
  FOREACH name IN ARRAY names LOOP
    IF pg_relation_size(quote_ident(name)) > 1000000 THEN
      EXECUTE format('TRUNCATE %I CASCADE', name);
    ELSE
      EXECUTE format('SELECT EXISTS (SELECT FROM %I)', name) INTO filled;
      IF filled THEN EXECUTE format('DELETE FROM %I', name); END IF;
    END IF;
  END LOOP;
  UPDATE pg_class SET relpages = 0, reltuples = -1
   WHERE relname = ANY (names) AND relkind = 'r' AND reltuples >= 0;
END $$
"""


@cache
def _empty() -> str:
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return EMPTY.format(tables=", ".join(f"'{name}'" for name in sorted(tables)))


def empty_tables(*_: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('is_superuser') = 'on'")
        if cursor.fetchone() == (True,):
            cursor.execute("SET session_replication_role = replica")
            try:
                cursor.execute(_empty())
            finally:
                cursor.execute("SET session_replication_role = DEFAULT")
        else:
            # Another server's ordinary user may not leave the triggers out.
            names = connection.introspection.django_table_names(only_existing=True)
            for statement in connection.ops.sql_flush(no_style(), names):
                cursor.execute(statement)
    from tests import blocktables  # noqa: PLC0415 - models, which need the settings

    blocktables.put_back()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """A test that takes too long is cut off, maybe within a query. Its connection answers no more,
    and each later test of the worker would fail."""
    try:
        yield
    finally:
        raw = connection.connection
        if raw is not None and raw.info.transaction_status == TransactionStatus.ACTIVE:
            with suppress(psycopg.Error):
                raw.cancel_safe(timeout=5)
            raw.close()
            # Within a transaction Django finds out when it rolls it back.
            if not connection.in_atomic_block:
                connection.close()


@pytest.fixture(autouse=True, scope="session")
def _quick_teardown() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_tables)
        yield
