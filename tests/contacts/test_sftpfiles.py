"""Files over SFTP, from asyncssh's own server on loopback."""

import asyncio
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contacts import fetching, fileaddresses, sftpfiles
from contacts.fetching import Bounds, FetchError, FileLogin, HostKeyError, Version
from tests.contacts import sftpservers
from tests.contacts.fileservers import LOOPBACK, PEOPLE
from tests.contacts.sftpservers import (
    HOST_KEY,
    OTHER_KEY,
    USER_KEY,
    Doorman,
    SftpServer,
    public,
)
from tests.mailservers import threads

MOST = 1 << 20


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpServer]:
    with sftpservers.serving(tmp_path) as server:
        yield server


ANN = FileLogin(username="ann", password="pa ss", host_key=public(HOST_KEY))


def fetched(
    url: str, login: FileLogin = ANN, seen: Version | None = None, **bounds: Any
) -> tuple[bytes, str, Version] | None:
    given: dict[str, Any] = {"most": MOST, "networks": LOOPBACK}
    limits = Bounds(**(given | bounds))
    address = fileaddresses.parse(url)
    with sftpfiles.opened(address, login, seen or Version(), limits) as found:
        if found is None:
            return None
        return b"".join(found.pieces), found.filename, found.version


def refusal(url: str, login: FileLogin = ANN, **bounds: Any) -> FetchError:
    with pytest.raises(FetchError) as refused:
        fetched(url, login, **bounds)
    return refused.value


def test_a_file_by_password_and_by_key(server: SftpServer) -> None:
    found = fetched(server.url())
    assert found
    assert found[:2] == (PEOPLE, "people.csv")
    private = USER_KEY.export_private_key("openssh").decode()
    by_key = FileLogin(username="ann", key=private, host_key=public(HOST_KEY))
    assert fetched(server.url("/~/people.csv"), by_key) == found
    assert fetched(server.url(), seen=found[2]) is None
    (server.folder / "people.csv").write_bytes(PEOPLE + PEOPLE)
    assert fetched(server.url(), seen=found[2])


def test_the_key_of_the_server_is_confirmed_before_any_log_in(server: SftpServer) -> None:
    error = refusal(server.url(), FileLogin(username="ann", password="pa ss"))
    assert isinstance(error, HostKeyError)
    assert (error.code, error.key) == ("host_key", public(HOST_KEY))
    assert error.words == f"ssh-ed25519 {HOST_KEY.get_fingerprint()}"
    assert Doorman.tried == []


def test_another_key_is_refused(server: SftpServer) -> None:
    other = FileLogin(username="ann", password="pa ss", host_key=public(OTHER_KEY))
    error = refusal(server.url(), other)
    assert isinstance(error, HostKeyError)
    assert (error.code, error.key) == ("host_key_changed", public(HOST_KEY))
    assert Doorman.tried == []


def test_refusals(server: SftpServer) -> None:
    wrong = FileLogin(username="ann", password="wrong", host_key=public(HOST_KEY))
    assert refusal(server.url(), wrong).code == "login"
    assert refusal(server.url("/none.csv")).code == "not_found"
    (server.folder / "folder").mkdir()
    assert refusal(server.url("/folder")).code == "not_a_file"
    rubbish = FileLogin(username="ann", key="rubbish", host_key=public(HOST_KEY))
    assert refusal(server.url(), rubbish).code == "private_key"
    assert refusal(server.url(), networks=()).code == "forbidden_host"
    assert refusal(server.url(), most=10).code == "too_large"


def test_gzip_is_unpacked_within_the_bound(server: SftpServer) -> None:
    (server.folder / "people.csv.gz").write_bytes(gzip.compress(PEOPLE))
    (server.folder / "bomb.gz").write_bytes(gzip.compress(bytes(4 << 20)))
    found = fetched(server.url("/people.csv.gz"))
    assert found
    assert found[0] == PEOPLE
    assert refusal(server.url("/bomb.gz")).code == "too_large"


def test_a_file_that_changes_meanwhile_is_no_file(server: SftpServer) -> None:
    address = fileaddresses.parse(server.url())
    with sftpfiles.opened(address, ANN, Version(), Bounds(MOST, LOOPBACK)) as found:
        assert found
        with (server.folder / "people.csv").open("ab") as file:
            file.write(b"e@x.example,Eve\n")
        with pytest.raises(FetchError) as refused:
            list(found.pieces)
    assert (refused.value.code, refused.value.temporary) == ("changing", True)


def test_a_server_that_is_none_or_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    async def says(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async def mute(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    with threads.serving(says) as port:
        assert refusal(f"sftp://localhost:{port}/a").code in {"broken_off", "garbled"}
    with threads.serving(mute) as port:
        assert refusal(f"sftp://localhost:{port}/a", seconds=0.3).code == "too_slow"
        monkeypatch.setattr(fetching, "SILENT", 0.3)
        assert refusal(f"sftp://localhost:{port}/a").code == "silent"


def test_fingerprints() -> None:
    assert fetching.fingerprint(public(HOST_KEY)) == f"ssh-ed25519 {HOST_KEY.get_fingerprint()}"
    assert fetching.fingerprint("") == fetching.fingerprint("ssh-rsa no base64") == ""
