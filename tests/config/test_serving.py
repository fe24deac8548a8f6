"""Slow and greedy clients before the web server that `make run` starts, with its own command."""

import http.client
import os
import select
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from config import programs, serving
from environment.ports import free_port
from tests.otherconnections import address

ROOT = Path(__file__).resolve().parent.parent.parent
HEAD = "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n{length}\r\n\r\n"
# Answers with how much came; /big with 200 MB, piece by piece.
APPLICATION = """
from config.serving import Bridge

def application(environ, start):
    start("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/big":
        return (b"x" * 65536 for _ in range(3200))
    if environ["PATH_INFO"] == "/cut":
        return (1 / 0 for _ in range(1))
    if environ["PATH_INFO"] == "/half":
        return (b"x" * 65536 * (1 if n < 40 else 1 // 0) for n in range(50))
    size = 0
    while data := environ["wsgi.input"].read(100_000):
        size += len(data)
    forwarded = environ.get("HTTP_X_FORWARDED_FOR", "")
    return [f"{size} {environ.get('CONTENT_LENGTH')} {forwarded}".encode()]

served = Bridge(application, largest=32 * 2**20, grace=GRACE, taken_within=1.0)
"""


@contextmanager
def running(command: tuple[str, ...], port: int, **env: str) -> Iterator[int]:
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **env}) as process:
        try:
            until = time.monotonic() + 60
            while time.monotonic() < until and process.poll() is None:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.05)
            yield port
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture
def site() -> Iterator[int]:
    port = free_port("127.0.0.1", 0)
    command = programs.commands(host="127.0.0.1", port=port, sandbox=False)["web"]
    with running(command, port, DATABASE_URL=address()):
        yield port


@contextmanager
def bare(tmp_path: Path, grace: float) -> Iterator[int]:
    """The bridge around a small application."""
    (tmp_path / "small.py").write_text(APPLICATION.replace("GRACE", str(grace)))
    port = free_port("127.0.0.1", 0)
    command = list(programs.granian(host="127.0.0.1", port=port, workers=1))
    command[-1] = "small:served"
    with running(tuple(command), port, PYTHONPATH=f"{tmp_path}:{ROOT}"):
        yield port


def connected(port: int, request: str, stack: ExitStack) -> socket.socket:
    client = stack.enter_context(socket.create_connection(("127.0.0.1", port), 60))
    client.sendall(request.encode())
    return client


def said(client: socket.socket) -> str:
    """All that comes until the server closes or has sent what it promised."""
    client.settimeout(60)
    got = b""
    while b"\r\n\r\n" not in got and (data := client.recv(65536)):
        got += data
    return got.decode(errors="replace")


def get(port: int, path: str) -> tuple[int, bytes]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        return answer.status, answer.read()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_ten_dripping_posts_and_slow_heads_do_not_stop_the_site(site: int) -> None:
    with ExitStack() as stack:
        head = HEAD.format(path="/login/", length="Content-Length: 1000")
        drips = [connected(site, head, stack) for _ in range(3 * serving.THREADS)]
        heads = [connected(site, "GET /login/ HTTP/1.1\r\nHo", stack) for _ in range(10)]
        for client in (*drips, *heads):
            client.sendall(b"s")
        status, page = get(site, "/login/")
        assert status == 200
        assert b"password" in page


def test_a_body_that_drips_is_ended(tmp_path: Path) -> None:
    with bare(tmp_path, 0.5) as port, ExitStack() as stack:
        silent = connected(port, HEAD.format(path="/", length="Content-Length: 9"), stack)
        assert said(silent).startswith("HTTP/1.1 408 ")


@pytest.mark.parametrize(
    "length", [f"Content-Length: {17 * 2**20}", "Content-Length: 99999999999999"]
)
def test_a_body_that_is_announced_too_large_is_not_read(tmp_path: Path, length: str) -> None:
    with bare(tmp_path, 30) as port, ExitStack() as stack:
        client = connected(port, HEAD.format(path="/login/", length=length), stack)
        answer = said(client)
        assert answer.startswith("HTTP/1.1 413 ")
        assert "connection: close" in answer.lower()


def test_a_body_without_a_length_has_the_same_limit(tmp_path: Path) -> None:
    with bare(tmp_path, 30) as port, ExitStack() as stack:
        head = HEAD.format(path="/login/", length="Transfer-Encoding: chunked")
        client = connected(port, head, stack)
        piece = b"100000\r\n" + b"x" * 2**20 + b"\r\n"
        try:
            for _ in range(17):
                client.sendall(piece)
        except OSError:
            pass  # it has closed, with an answer before that
        assert said(client).startswith("HTTP/1.1 413 ")


def test_a_file_for_an_import_may_be_larger_two_at_once(tmp_path: Path) -> None:
    with bare(tmp_path, 30) as port, ExitStack() as stack:
        size = 20 * 2**20
        head = HEAD.format(path="/w/a/imports/new/", length=f"Content-Length: {size}")
        clients = [connected(port, head, stack) for _ in range(serving.LARGE_AT_ONCE + 1)]
        answered, _, _ = select.select(clients, [], [], 25)
        third = said(answered[0])
        assert third.startswith("HTTP/1.1 503 ")
        assert "retry-after: 60" in third.lower()
        for client in clients:
            if client is not answered[0]:
                client.sendall(b"x" * size)
                assert f"{size} {size}" in said(client)
        # They are over.
        last = connected(port, head, stack)
        last.sendall(b"x" * size)
        assert f"{size} {size}" in said(last)


@pytest.mark.slow
def test_clients_that_do_not_read_hold_no_thread(tmp_path: Path) -> None:
    with bare(tmp_path, 30) as port, ExitStack() as stack:
        for _ in range(2 * serving.THREADS):
            connected(port, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n", stack)
        assert get(port, "/") == (200, b"0 None ")
        assert len(get(port, "/big")[1]) == 3200 * 65536


def test_an_underscore_does_not_forge_a_header_of_the_proxy(tmp_path: Path) -> None:
    with bare(tmp_path, 30) as port, ExitStack() as stack:
        head = "GET / HTTP/1.1\r\nHost: a\r\nX_Forwarded_For: 9.9.9.9\r\nConnection: close\r\n\r\n"
        assert "9.9.9.9" not in said(connected(port, head, stack))


def test_an_answer_that_breaks_is_an_error(tmp_path: Path) -> None:
    with bare(tmp_path, 30) as port, ExitStack() as stack:
        client = connected(port, "GET /cut HTTP/1.1\r\nHost: a\r\n\r\n", stack)
        assert "HTTP/1.1 500 " in said(client)
        # Half an answer doesn't look like a whole one.
        with pytest.raises(http.client.IncompleteRead):
            get(port, "/half")
        assert get(port, "/")[0] == 200
