"""Public addresses while PostgreSQL is stopped: 503, and what was asked for works afterwards."""

import os
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from config import programs
from environment.ports import free_port
from quickstart.postgres import EmbeddedPostgres
from tests.config.test_serving import ROOT, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
ONE_CLICK = b"List-Unsubscribe=One-Click"


class Site(NamedTuple):
    url: str
    token: str
    postgres: EmbeddedPostgres


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: object) -> None:
        return None


def ask(url: str, data: bytes | None = None, **headers: str) -> Answer:
    opener = urllib.request.build_opener(NoRedirect)
    try:
        answer = opener.open(urllib.request.Request(url, data, headers), timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        lower = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status, lower, answer.read())


@pytest.fixture
def site(open_path: Path) -> Iterator[Site]:
    postgres = EmbeddedPostgres(open_path / "pg", fast=True)
    postgres.start()
    env = {"DATABASE_URL": postgres.url}
    told = {**os.environ, **env, "PYTHONPATH": str(ROOT)}
    try:
        for command in (("manage.py", "migrate", "-v0"), ("manage.py", "createcachetable")):
            subprocess.run([sys.executable, *command], cwd=ROOT, env=told, check=True)
        made = subprocess.run(
            [sys.executable, "-m", "tests.tracking.away"],
            cwd=ROOT,
            env=told,
            check=True,
            capture_output=True,
        )
        port = free_port("127.0.0.1", 0)
        web = programs.commands(host="127.0.0.1", port=port, sandbox=False)["web"]
        with running(web, port, **env):
            yield Site(f"http://127.0.0.1:{port}", made.stdout.decode().split()[-1], postgres)
    finally:
        postgres.stop()


def test_nothing_is_lost_without_a_word(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    leave = f"{site.url}/e/u/{site.token}"
    addresses = [
        leave,
        f"{site.url}/e/v/{site.token}",
        f"{site.url}/e/c/{site.token}/0",
        f"{site.url}/e/o/{site.token}.gif",
    ]
    assert [ask(url).status for url in addresses] == [200, 200, 302, 200]
    site.postgres.stop()
    # Twice: with the connection that broke, and without one.
    for _round in range(2):
        answers = [ask(leave, ONE_CLICK), *map(ask, addresses)]
        assert [one.status for one in answers] == [503] * 5
        assert all(int(one.headers["retry-after"]) > 0 for one in answers)
    assert b"was not carried out" in ask(leave, ONE_CLICK).body
    assert "无法连接数据库" in ask(leave, None, **{"Accept-Language": "zh-CN"}).body.decode()
    assert ask(addresses[3]).body.startswith(b"GIF89a")
    # And the rest of the site: with a session, and at the log-in.
    assert ask(f"{site.url}/w/brand/", Cookie="sessionid=" + "a" * 32).status == 503
    assert ask(f"{site.url}/invitations/abc/").status == 503

    site.postgres.start()
    assert ask(leave, ONE_CLICK).status == 200
    assert [ask(url).status for url in addresses] == [200, 200, 302, 200]
    with psycopg.connect(site.postgres.url) as database:
        found = database.execute("SELECT status FROM contacts_subscription").fetchall()
    assert found == [("unsubscribed",)]
    log = capfd.readouterr().err
    assert "Traceback" not in log
    assert site.token not in log
