"""The sink that measurements are made with counts rightly, however its input is cut."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from benchmarks.send import programs
from benchmarks.send.errors import BenchError
from benchmarks.send.sink import Sink, running

GROUP = b"MAIL FROM:<a@brand.example>\r\nRCPT TO:<%s>\r\nDATA\r\n"
CONTENT = b"Subject: x\r\n\r\nDear,\r\n.\r\n"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (compiler := programs.find("cc", "gcc", "clang")):
        pytest.skip("no C compiler")
    return programs.build_sink(compiler, tmp_path_factory.mktemp("sink"))


@contextmanager
def talk(sink: Sink) -> Iterator[tuple[socket.socket, BinaryIO]]:
    with socket.create_connection(("127.0.0.1", sink.port), 10) as wire:
        replies = wire.makefile("rb")
        replies.readline()
        yield wire, replies


def codes(replies: BinaryIO, number: int) -> list[int]:
    return [int(replies.readline()[:3]) for _ in range(number)]


def test_a_mail_is_counted_wherever_its_bytes_are_cut(program: Path) -> None:
    with running(program) as sink, talk(sink) as (wire, replies):
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for cut in range(len(CONTENT) + 1):
            wire.sendall(GROUP % b"p%d@x.example" % cut)
            assert codes(replies, 3) == [250, 250, 354]
            wire.sendall(CONTENT[:cut])
            # Whatever is there is read before the next reply is asked for.
            assert sink.counts()["messages"] == (cut if cut < len(CONTENT) else cut + 1)
            wire.sendall(CONTENT[cut:])
            assert codes(replies, 1) == [250]
        counts = sink.counts()
    assert counts["messages"] == counts["distinct"] == len(CONTENT) + 1
    assert counts["content"] == counts["messages"] * (len(CONTENT) - 3)
    assert counts["duplicates"] == 0


def test_pipelined_mails_and_chunks_in_one_piece(program: Path) -> None:
    with running(program) as sink, talk(sink) as (wire, replies):
        plain = GROUP % b"one@x.example" + CONTENT
        chunk = b"MAIL FROM:<>\r\nRCPT TO:<two@x.example>\r\nBDAT 4\r\n.\r\nxBDAT 0 LAST\r\n"
        wire.sendall(plain + chunk + plain)
        assert codes(replies, 12) == [250, 250, 354, 250] + [250] * 4 + [250, 250, 354, 250]
        counts = sink.counts()
    assert (counts["messages"], counts["distinct"], counts["duplicates"]) == (3, 2, 1)


def test_very_many_recipients_are_told_apart(program: Path) -> None:
    with running(program) as sink, talk(sink) as (wire, replies):
        for turn in range(2):
            for mail in range(1000):
                people = b"".join(
                    b"RCPT TO:<p%d@x.example>\r\n" % (mail * 100 + n) for n in range(100)
                )
                wire.sendall(b"MAIL FROM:<>\r\n" + people + b"DATA\r\n" + CONTENT)
                assert codes(replies, 103)[-1] == 250
            counts = sink.counts()
            assert (counts["distinct"], counts["duplicates"]) == (100_000, turn * 100_000)
        sink.reset()
        assert sink.counts()["distinct"] == 0


def test_replies_leave_after_a_round_trip(program: Path) -> None:
    took: list[float] = []
    with running(program, delay=0.1) as sink, talk(sink) as (wire, replies):
        for command in (b"NOOP\r\n", b"NOOP\r\nNOOP\r\nQUIT\r\n"):
            began = time.monotonic()
            wire.sendall(command)
            codes(replies, command.count(b"\n"))
            took.append(time.monotonic() - began)
        assert min(took) >= 0.1
        # Three commands at once cost one round trip, not three.
        assert took[1] < 0.1 + 2 * took[0]
        assert replies.read() == b""


@pytest.mark.parametrize(
    ("options", "recipients", "expected"),
    [
        (("-R", "gone"), (b"gone@x.example", b"here@x.example"), [550, 250]),
        (("-T", "busy"), (b"busy@x.example", b"here@x.example"), [450, 250]),
        # The second one comes within the same half minute.
        (("-r", "1"), (b"one@x.example", b"two@x.example"), [250, 451]),
    ],
)
def test_recipients_are_refused_deferred_throttled(
    program: Path, options: tuple[str, ...], recipients: tuple[bytes, ...], expected: list[int]
) -> None:
    with running(program, *options) as sink, talk(sink) as (wire, replies):
        commands = b"".join(b"RCPT TO:<%s>\r\n" % one for one in recipients)
        wire.sendall(b"MAIL FROM:<>\r\n" + commands)
        assert codes(replies, 3)[1:] == expected
        assert sink.counts()["refused"] == 1


def test_a_connection_is_cut_instead_of_answering_its_second_mail(program: Path) -> None:
    with running(program, "-K", "2") as sink, talk(sink) as (wire, replies):
        wire.sendall(GROUP % b"one@x.example" + CONTENT)
        assert codes(replies, 4)[-1] == 250
        wire.sendall(GROUP % b"two@x.example")
        assert codes(replies, 3)[-1] == 354
        wire.sendall(CONTENT)
        assert replies.read() == b""
        assert sink.counts()["messages"] == 1


def test_extensions_can_be_kept_back(program: Path) -> None:
    with running(program, "-n", "pipelining", "-S", "5000") as sink, talk(sink) as (wire, replies):
        wire.sendall(b"EHLO x\r\nQUIT\r\n")
        said = replies.read()
    assert b"PIPELINING" not in said
    assert b"250-CHUNKING\r\n" in said
    assert b"250-SIZE 5000\r\n" in said


def test_it_ends_with_the_program_that_started_it(program: Path) -> None:
    process = subprocess.Popen([program, "-e"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(10) == 0


def test_what_is_missing_is_said_with_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs, "PLACES", str(tmp_path))
    with pytest.raises(BenchError, match=r"are missing; on Debian: apt-get install .* postfix gcc"):
        programs.require()
    compiler = tmp_path / "cc"
    compiler.touch(0o755)
    with pytest.raises(BenchError, match=r"^Postfix's smtp-source is missing; .* postfix$"):
        programs.require()
