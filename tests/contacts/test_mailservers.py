"""Asking DNS for mail servers, of a name server that the test plays."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from contacts import dnsmessages, mailservers
from contacts.dnsmessages import AAAA, MX, A, DnsError

POINTER = b"\xc0\x0c"


def record(kind: int, data: bytes) -> bytes:
    return POINTER + struct.pack("!2HIH", kind, 1, 60, len(data)) + data


def reply(asked: bytes, records: list[bytes], *, code: int = 0, number: int | None = None) -> bytes:
    if number is None:
        number = struct.unpack_from("!H", asked)[0]
    head = struct.pack("!6H", number, 0x8180 | code, 1, len(records), 0, 0)
    return head + asked[12:] + b"".join(records)


MAIL = record(MX, struct.pack("!H", 10) + b"\x02mx" + POINTER)
NULL = record(MX, struct.pack("!H", 0) + b"\0")
ADDRESS = record(A, bytes(4))
ALIAS = record(5, b"\x01w" + POINTER)
Answers = dict[int, list[bytes] | int]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Answers], list[int]]]:
    """Answers questions of each kind with these records or this error code; no answer to others.
    Returns the kinds that were asked for, as they come."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind(("127.0.0.1", 0))
        monkeypatch.setattr(mailservers, "PORT", own.getsockname()[1])
        monkeypatch.setattr(mailservers, "SECONDS", 0.2)
        answers: Answers = {}
        asked: list[int] = []

        def serve() -> None:
            while True:
                data, sender = own.recvfrom(512)
                if not data:
                    return
                kind = struct.unpack("!H", data[-4:-2])[0]
                asked.append(kind)
                given = answers.get(kind)
                if isinstance(given, int):
                    own.sendto(reply(data, [], code=given), sender)
                elif given is not None:
                    # First an answer of somebody who guesses.
                    own.sendto(reply(data, [NULL], number=0), sender)
                    own.sendto(reply(data, given), sender)

        thread = threading.Thread(target=serve)
        thread.start()

        def play(of_kinds: Answers) -> list[int]:
            answers.update(of_kinds)
            return asked

        yield play
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", own.getsockname())
        thread.join(10)


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ({MX: [MAIL]}, "mail"),
        ({MX: [ALIAS, MAIL]}, "mail"),
        ({MX: [], A: [ADDRESS]}, "mail"),
        ({MX: [], A: [], AAAA: [record(AAAA, bytes(16))]}, "mail"),
        ({MX: [NULL]}, "none"),
        ({MX: 3}, "none"),
        ({MX: [], A: [], AAAA: []}, "none"),
        # In trouble, refused, or silent: nobody knows.
        ({MX: 2}, "unknown"),
        ({MX: 5}, "unknown"),
        ({}, "unknown"),
        ({MX: [], A: 2}, "unknown"),
    ],
)
def test_states(server: Callable[[Answers], list[int]], answers: Answers, state: str) -> None:
    server(answers)
    assert mailservers.look_up("brand.example", ["127.0.0.1"]) == state


def test_no_resolver_says_nothing() -> None:
    assert mailservers.look_up("brand.example", []) == "unknown"


def test_resolvers(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    assert mailservers.resolvers(path) == []
    path.write_text(
        "# x\nsearch a\nnameserver 10.0.0.1\nnameserver\nnameserver fe80::1\nnameserver 3\n"
    )
    assert mailservers.resolvers(path) == ["10.0.0.1", "fe80::1"]


def test_hostile_answers_are_refused() -> None:
    asked = dnsmessages.question(7, "brand.example", MX)
    good = reply(asked, [MAIL])
    assert dnsmessages.answer(good, asked).records == (MAIL[12:],)
    wrong = [good[:length] for length in (0, 5, 11, 20, len(good) - len(MAIL) + 3)]
    wrong += [
        asked,  # a question is no answer
        reply(asked, [MAIL], number=8),
        reply(dnsmessages.question(7, "other.example", MX), [MAIL]),
        reply(asked, [b"\x3f" * 200]),
        reply(asked, [b"\x01a" * 200 + b"\0"]),
    ]
    for data in wrong:
        with pytest.raises(DnsError):
            dnsmessages.answer(data, asked)
    # Records that were cut off are missing, and so many are read at most.
    many = good[:6] + struct.pack("!H", 60_000) + good[8:]
    with suppress(DnsError):
        assert len(dnsmessages.answer(many, asked).records) == 1
    assert len(dnsmessages.answer(reply(asked, [MAIL] * 200), asked).records) == 50
