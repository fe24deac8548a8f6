"""Files over HTTPS, from a real server on loopback."""

import asyncio
import base64
import gzip
import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from contacts import fetching, fileaddresses, webfiles
from contacts.fetching import Bounds, FetchError, FileLogin, Version
from tests.contacts import fileservers
from tests.contacts.fileservers import LOOPBACK, PEOPLE, FileServer, reply
from tests.mailservers import threads
from tests.mailservers.smtp import Authority, server_context

MOST = 1 << 20


@pytest.fixture
def server(authority: Authority, tmp_path: Path) -> Iterator[FileServer]:
    with fileservers.serving(server_context(tmp_path, authority=authority)) as server:
        yield server


def fetched(
    url: str,
    login: FileLogin | None = None,
    seen: Version | None = None,
    **bounds: Any,
) -> tuple[bytes, str, Version] | None:
    """(bytes, file name, version); None: unchanged."""
    given: dict[str, Any] = {"most": MOST, "networks": LOOPBACK}
    limits = Bounds(**(given | bounds))
    address = fileaddresses.parse(url)
    with webfiles.opened(address, login or FileLogin(), seen or Version(), limits) as found:
        if found is None:
            return None
        return b"".join(found.pieces), found.filename, found.version


def refusal(url: str, **given: Any) -> tuple[str, str]:
    """(code, words)"""
    with pytest.raises(FetchError) as refused:
        fetched(url, **given)
    return refused.value.code, refused.value.words


def test_a_file_with_its_name_and_version(server: FileServer) -> None:
    url = server.say(reply(headers=('ETag: "7"', "Last-Modified: Mon, 30 Nov 2026 00:00:00 GMT")))
    version = Version('"7"', "Mon, 30 Nov 2026 00:00:00 GMT")
    assert fetched(url) == (PEOPLE, "people.csv", version)
    assert "Authorization" not in server.asked[0]
    assert "Accept-Encoding: identity" in server.asked[0]


def test_a_file_in_chunks_or_until_the_end(server: FileServer) -> None:
    halves = PEOPLE[:20], PEOPLE[20:]
    body = b"".join(b"%x\r\n%b\r\n" % (len(half), half) for half in halves) + b"0\r\n\r\n"
    named = 'Content-Disposition: attachment; filename="../kept people.csv"'
    url = server.say(
        reply(body, headers=("Transfer-Encoding: chunked", named), length=-1),
        reply(length=-1),
    )
    found = fetched(url)
    assert found
    assert found[:2] == (PEOPLE, "kept people.csv")
    again = fetched(url)
    assert again
    assert again[0] == PEOPLE


def test_the_log_in_of_a_user_and_a_token(server: FileServer) -> None:
    url = server.say(reply())
    fetched(url, FileLogin(username="ann", password="pa:ss 词"))
    fetched(url, FileLogin(token="abc.def"))
    pair = base64.b64encode("ann:pa:ss 词".encode()).decode()
    assert f"Authorization: Basic {pair}\r\n" in server.asked[0]
    assert "Authorization: Bearer abc.def\r\n" in server.asked[1]
    assert "abc.def" not in repr(FileLogin(token="abc.def"))


def test_a_file_that_has_not_changed(server: FileServer) -> None:
    url = server.say(reply(b"", status="304 Not Modified"))
    assert fetched(url, seen=Version('"7"', "Monday")) is None
    assert 'If-None-Match: "7"\r\nIf-Modified-Since: Monday\r\n' in server.asked[0]
    assert refusal(url) == ("status", "304 Not Modified")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("401 Unauthorized", "login"),
        ("403 Forbidden", "login"),
        ("404 Not Found", "not_found"),
        ("410 Gone", "not_found"),
        ("206 Partial Content", "status"),
        ("500 Internal Server Error", "status"),
    ],
)
def test_a_refusal_in_the_words_of_the_server(server: FileServer, status: str, code: str) -> None:
    text = reply(b"Ask Bob.\nHe knows.", status=status, headers=("Content-Type: text/plain",))
    assert refusal(server.say(text)) == (code, f"{status}: Ask Bob. He knows.")
    assert refusal(server.say(reply(b"<p>", status=status))) == (code, status)


def test_a_refusal_of_the_moment_is_told_from_one_that_lasts(server: FileServer) -> None:
    for status, temporary in (("503 Busy", True), ("429 Slow down", True), ("401 No", False)):
        with pytest.raises(FetchError) as refused:
            fetched(server.say(reply(b"", status=status)))
        assert refused.value.temporary is temporary


@pytest.mark.parametrize(
    "answer",
    [
        reply(PEOPLE, length=len(PEOPLE) + 1),
        reply(b"5\r\nemail\r\n5\r\n", headers=("Transfer-Encoding: chunked",), length=-1),
        reply(gzip.compress(PEOPLE)[:-9]),
        fileservers.cut(PEOPLE),
        b"",
    ],
    ids=["shorter than it says", "no last chunk", "gzip without end", "cut", "nothing"],
)
def test_half_a_file_is_no_file(server: FileServer, answer: Any) -> None:
    assert refusal(server.say(answer)) == ("broken_off", "")


def test_a_reply_that_is_none(server: FileServer) -> None:
    assert refusal(server.say(b"hello\r\n\r\n"))[0] == "garbled"


@pytest.mark.parametrize(
    "headers", [(), ("Content-Encoding: gzip",)], ids=["a .gz file", "packed on the way"]
)
def test_gzip_is_unpacked(server: FileServer, headers: tuple[str, ...]) -> None:
    two = gzip.compress(PEOPLE) + gzip.compress(b"e@x.example,Eve\n") + bytes(64)
    found = fetched(server.say(reply(two, headers=headers)))
    assert found
    assert found[0] == PEOPLE + b"e@x.example,Eve\n"


def test_another_compression_is_named(server: FileServer) -> None:
    assert refusal(server.say(reply(b"x", headers=("Content-Encoding: br",)))) == ("encoding", "br")
    broken = gzip.compress(PEOPLE)[:-8] + b"checksum"
    assert refusal(server.say(reply(broken)))[0] == "encoding"


def test_a_bomb_ends_at_the_bound(server: FileServer) -> None:
    bomb = gzip.compress(b"a@x.example\n" * 1_000_000)
    assert len(bomb) < MOST
    assert refusal(server.say(reply(bomb))) == ("too_large", "")


def test_a_file_that_unpacks_to_very_much_is_refused(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = gzip.compress(bytes(900_000))
    url = server.say(reply(bomb))
    found = fetched(url)
    assert found  # small files may pack as they like
    monkeypatch.setattr(fetching, "RATIO_FROM", 100_000)
    assert refusal(url) == ("ratio", "")
    lines = "".join(f"{number * 7919 % 100_003}@x.example\n" for number in range(20_000))
    found = fetched(server.say(reply(gzip.compress(lines.encode()))))
    assert found
    assert found[0] == lines.encode()


def test_what_is_unpacked_comes_in_small_pieces() -> None:
    bomb = gzip.compress(bytes(4 << 20))
    pieces = fetching.unpacked([bomb[:1], bomb[1:]], most=8 << 20)
    assert max(map(len, pieces)) <= fetching.AT_ONCE


def test_an_endless_file_ends_at_the_bound(server: FileServer) -> None:
    assert refusal(server.say(fileservers.endless)) == ("too_large", "")


def test_a_slow_file_ends_at_its_time(server: FileServer) -> None:
    assert refusal(server.say(fileservers.drip), seconds=0.5) == ("too_slow", "")
    assert refusal(server.say(fileservers.mute), seconds=0.2) == ("too_slow", "")


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least pace is looked at after 0.3 s."""
    for name, seconds in (("FIRST_SECONDS", 0.1), ("PACE_SECONDS", 0.2), ("LOOK", 0.02)):
        monkeypatch.setattr(fetching, name, seconds)


async def dripping_head(_head: str, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    await fileservers.drip("", writer)


@pytest.mark.parametrize("answer", [fileservers.drip, dripping_head], ids=["body", "head"])
def test_a_server_that_sends_a_byte_now_and_then_is_left_soon(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    hurry(monkeypatch)
    assert refusal(server.say(answer)) == ("pace", "")


def test_a_server_is_not_blamed_for_our_own_time(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch)
    ended = Event()
    monkeypatch.setattr(fetching.Deadline, "_end", lambda *_given: ended.set())
    with fetching.Deadline(Bounds(most=MOST)) as deadline:
        deadline.take(lambda: b"email")
        assert not ended.wait(0.6)  # as long as a database may take
        deadline._is_waiting = True
        assert ended.wait(30)


def test_a_cancelled_fetch_ends(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "LOOK", 0.02)
    stop = Event()
    stop.set()
    assert refusal(server.say(fileservers.mute), stop=stop) == ("cancelled", "")


def test_a_silent_server_is_left(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "SILENT", 0.2)
    assert refusal(server.say(fileservers.mute)) == ("silent", "")


def test_redirects_are_followed_without_the_log_in_of_another_server(
    server: FileServer, authority: Authority, tmp_path: Path
) -> None:
    with fileservers.serving(server_context(tmp_path, authority=authority)) as other:
        there = other.say(reply(), path="/there.csv")
        server.say(reply(b"", status="302 Found", headers=("Location: /b.csv?x=1",)), path="/a.csv")
        server.say(reply(b"", status="307 Moved", headers=(f"Location: {there}",)), path="/b.csv")
        found = fetched(server.url("/a.csv"), FileLogin(token="abc"))
        assert found
        assert found[:2] == (PEOPLE, "there.csv")
        assert ["Bearer abc" in head for head in server.asked] == [True, True]
        assert "Authorization" not in other.asked[0]


def test_redirects_have_an_end(server: FileServer) -> None:
    url = server.say(reply(b"", status="302 Found", headers=("Location: /people.csv",)))
    assert refusal(url) == ("redirects", url)
    assert len(server.asked) == webfiles.REDIRECTS + 1


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("http://127.0.0.1/", "redirect_insecure"),
        ("ftp://localhost/", "redirect_insecure"),
        ("https://ann:secret@localhost/", "garbled"),
        ("https://10.0.0.1/x", "forbidden_host"),
        ("https://[::ffff:10.0.0.1]/x", "forbidden_host"),
        ("https://169.254.169.254/latest/meta-data/", "forbidden_host"),
    ],
)
def test_redirects_that_are_not_followed(server: FileServer, location: str, code: str) -> None:
    url = server.say(reply(b"", status="302 Found", headers=(f"Location: {location}",)))
    assert refusal(url)[0] == code


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("http://ann:pw@b.example/a.csv?sig=c0ffee#c0ffee", "http://b.example/a.csv?…"),
        ("http://b.example/a.csv?sig=c0 ffee", "http://b.example/a.csv?…"),
        ("http://b.example/a.csv#c0ffee", "http://b.example/a.csv#…"),
        ("https://ann:c0ffee@b.example/a.csv", "https://b.example/a.csv"),
        ("//[c0ffee?sig=c0ffee", "//[c0ffee?…"),
    ],
)
def test_secrets_of_an_address_are_not_in_the_reason(
    server: FileServer, location: str, words: str
) -> None:
    url = server.say(reply(b"", status="302 Found", headers=(f"Location: {location}",)))
    assert refusal(url)[1] == words
    text = f"No file at {location} (none)".encode()
    url = server.say(reply(text, status="404 Gone", headers=("Content-Type: text/plain",)))
    assert "ann" not in refusal(url)[1]


def test_a_redirect_to_a_name_in_hanzi(server: FileServer) -> None:
    server.say(reply(), path="/%E5%90%8D%20a.csv")
    url = server.say(reply(b"", status="302 Found", headers=("Location: /名 a.csv",)))
    found = fetched(url)
    assert found
    assert found[:2] == (PEOPLE, "名 a.csv")


def test_a_server_in_a_closed_network_is_never_asked(server: FileServer) -> None:
    code, words = refusal(server.say(reply()), networks=())
    assert code == "forbidden_host"
    assert "127.0.0.1" in words or "::1" in words
    assert server.asked == []


def test_a_name_that_answers_two_ways_is_asked_once(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection goes to the address that was checked."""
    answers = [["127.0.0.1"], ["169.254.169.254"]]

    def look_up(_host: str, port: int, **_options: Any) -> list[Any]:
        kind = socket.AF_INET, socket.SOCK_STREAM, 6, ""
        return [(*kind, (one, port)) for one in answers.pop(0)]

    real = socket.getaddrinfo

    def resolve(host: str, port: int, *given: Any, **options: Any) -> list[Any]:
        return look_up(host, port) if host == "localhost" else real(host, port, *given, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    found = fetched(server.say(reply()))
    assert found
    assert found[0] == PEOPLE
    assert refusal(server.url())[0] == "forbidden_host"


def test_a_certificate_that_is_not_valid(tmp_path: Path, authority: Authority) -> None:
    wrong = server_context(tmp_path, authority=authority, host="other.example")
    unknown = server_context(tmp_path)
    expired = server_context(tmp_path, authority=authority, expired=True)
    for context, words in ((wrong, "other"), (unknown, "self"), (expired, "expired")):
        with fileservers.serving(context) as server:
            code, said = refusal(server.say(reply()))
            assert code == "certificate"
            assert words in said or "Hostname mismatch" in said
            assert server.asked == []


def test_no_server_and_no_tls(server: FileServer) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert refusal(f"https://localhost:{port}/")[0] == "unreachable"
    assert refusal("https://none.invalid/") == ("unknown_host", "none.invalid")


def test_a_server_without_tls() -> None:
    async def plain(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply())
        await writer.drain()

    with threads.serving(plain) as port:
        assert refusal(f"https://localhost:{port}/")[0] in {"tls", "broken_off"}


def test_a_text_that_begins_with_one_byte_is_whole() -> None:
    assert b"".join(fetching.unpacked([b"e", b"", b"mail"], most=99)) == b"email"
