import os
import shutil
import signal
from pathlib import Path

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


@pytest.mark.slow
def test_keeps_its_data_over_a_kill(open_path: Path) -> None:
    base = open_path / "pg"
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


def test_a_running_server_is_used(open_path: Path) -> None:
    base = open_path / "pg"
    server = EmbeddedPostgres(base, fast=True)
    server.start()
    try:
        other = EmbeddedPostgres(base, fast=True)
        other.start()
        assert other.process is None
        assert other.owner_pid() == server.owner_pid()
    finally:
        server.stop()


def test_an_initdb_that_was_killed_is_done_anew(open_path: Path) -> None:
    base = open_path / "pg"
    (base / "data.half").mkdir(parents=True)
    (base / "data.half" / "PG_VERSION").write_text("18\n")
    (base / "password").touch()
    server = EmbeddedPostgres(base, fast=True)
    server.start()
    try:
        with psycopg.connect(server.url) as database:
            assert database.execute("SHOW data_directory").fetchone() == (str(base / "data"),)
    finally:
        server.stop()


def test_waits_for_the_children_of_a_killed_server(open_path: Path) -> None:
    """kill -9 of the server alone: its children end by themselves, a little later."""
    server = EmbeddedPostgres(open_path / "pg", fast=True)
    server.start()
    with psycopg.connect(server.url):
        assert server.process
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait(10)
        server.start()
    try:
        with psycopg.connect(server.url) as database:
            assert database.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.stop()


def test_a_long_path_gets_a_socket_elsewhere(open_path: Path) -> None:
    server = EmbeddedPostgres(open_path / ("long" * 30), fast=True)
    server.start()
    try:
        assert not server.socket_dir.is_relative_to(open_path)
        with psycopg.connect(server.url) as database:
            assert database.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.stop()
        shutil.rmtree(server.socket_dir)


def test_without_the_password_nobody_gets_in(open_path: Path) -> None:
    server = EmbeddedPostgres(open_path / "pg", fast=True)
    server.start()
    try:
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host=str(server.socket_dir), user="yanshu", dbname="yanshu")
    finally:
        server.stop()
