import os
import signal

import psycopg
import pytest
from django.db import connection

from quickstart.postgres import EmbeddedPostgres

pytestmark = pytest.mark.skipif(
    "YANSHU_TEST_DATABASE_URL" in os.environ, reason="tests run on a given server"
)


def test_tests_run_on_postgresql(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_keeps_its_data_over_a_kill(tmp_path_factory: pytest.TempPathFactory) -> None:
    base = tmp_path_factory.mktemp("pg")
    server = EmbeddedPostgres(base)
    server.start()
    with psycopg.connect(server.url) as database:
        database.execute("CREATE TABLE kept AS SELECT 7 AS n")
    pid = server.owner_pid()
    assert pid
    os.kill(pid, signal.SIGKILL)
    assert server.process
    server.process.wait(10)

    again = EmbeddedPostgres(base)
    again.start()
    try:
        with psycopg.connect(again.url) as database:
            assert database.execute("SELECT n FROM kept").fetchone() == (7,)
    finally:
        again.stop()
    assert again.owner_pid() is None


def test_a_running_server_is_used(tmp_path_factory: pytest.TempPathFactory) -> None:
    base = tmp_path_factory.mktemp("pg")
    server = EmbeddedPostgres(base, fast=True)
    server.start()
    try:
        other = EmbeddedPostgres(base, fast=True)
        other.start()
        assert other.process is None
        assert other.owner_pid() == server.owner_pid()
    finally:
        server.stop()
