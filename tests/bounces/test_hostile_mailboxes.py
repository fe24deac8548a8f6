"""Mail servers and mails that nobody should have to read: bounded, and never booked as read."""

import re
import tracemalloc
from typing import Any

import pytest
from django.test import Client

from accounts.models import Workspace
from bounces.imap import wire
from bounces.models import BounceMail, BounceMailbox
from bounces.reading import parse, parts
from bounces.services import collecting, deciding
from sandbox.shown import ShownMail
from tests import factories
from tests.mailservers.hostile import Hostile, hostile, saying

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second is enough on loopback."""
    original = wire.Connection.__init__

    def begin(self: Any, *arguments: Any, longest: float) -> None:
        original(self, *arguments, longest=min(longest, 1.0))

    monkeypatch.setattr(wire.Connection, "__init__", begin)


def mailbox_at(workspace: Workspace, server: Hostile) -> BounceMailbox:
    return factories.make_mailbox(
        workspace, server.port, username="u", password=b"", after="delete"
    )


def fetched(uid: int, raw: bytes, size: int | None = None) -> bytes:
    """The answers to a FETCH of the size and of the body."""
    said = len(raw) if size is None else size
    return (
        f"* 1 FETCH (UID {uid} RFC822.SIZE {said} BODY[] {{{len(raw)}}}\r\n".encode()
        + raw
        + b")\r\n"
    )


ODD_ANSWERS = {
    "a literal of 10^18 bytes": {
        "UID_FETCH": saying(b"* 1 FETCH (UID 1 BODY[] {%d}\r\nx" % 10**18)
    },
    "a literal of 10^5000 bytes": {
        "UID_FETCH": saying(b"* 1 FETCH (BODY[] {" + b"9" * 5_000 + b"}\r\n")
    },
    "a negative literal": {"UID_FETCH": saying(b"* 1 FETCH (UID 1 BODY[] {-1}\r\n)\r\n")},
    "lists in lists": {"UID_FETCH": saying(b"* 1 FETCH " + b"(" * 20_000 + b"\r\n")},
    "an endless line": {"UID_SEARCH": saying(b"* SEARCH " + b"1 " * 600_000 + b"\r\n")},
    "a size that is none": {"UID_FETCH": saying(b"* 1 FETCH (UID 1 RFC822.SIZE abc)\r\n")},
    "a UIDVALIDITY of 40 digits": {
        "SELECT": saying(b"* OK [UIDVALIDITY " + b"9" * 40 + b"] x\r\n")
    },
    "a UIDVALIDITY below zero": {"SELECT": saying(b"* OK [UIDVALIDITY -3] x\r\n")},
    "no numbers in SEARCH": {"UID_SEARCH": saying(b"* SEARCH one two\r\n")},
    "the end in the middle": {"UID_FETCH": lambda _tag, _command: None},
    "bytes that are no answer": {"SELECT": saying(bytes(range(256)) * 4 + b"\r\n")},
    "no line end": {"SELECT": lambda _tag, _command: b"x" * 2_000_000},
}


@pytest.mark.parametrize("answers", ODD_ANSWERS.values(), ids=ODD_ANSWERS)
def test_an_odd_answer_is_an_error_of_the_mailbox(
    answers: dict[str, Any], workspace: Workspace
) -> None:
    with hostile(**answers) as server:
        mailbox = mailbox_at(workspace, server)
        tracemalloc.start()
        done = collecting.collect(mailbox.pk)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    mailbox.refresh_from_db()
    said_nothing = "a size that is none"
    if answers is not ODD_ANSWERS[said_nothing]:
        assert done.error, "it was booked as read"
        assert mailbox.error
        assert mailbox.collected_at is None
        assert mailbox.next_uid == 1
    assert peak < 64_000_000
    assert mailbox.leased_until is None


def test_uids_out_of_range_are_left_alone(workspace: Workspace) -> None:
    search = saying(b"* SEARCH 0 1 4294967296 99999999999999999999999\r\n")
    with hostile(UID_SEARCH=search, UID_FETCH=saying(fetched(1, b"Subject: x\r\n\r\nx"))) as server:
        mailbox = mailbox_at(workspace, server)
        done = collecting.collect(mailbox.pk)
    assert not done.error
    mailbox.refresh_from_db()
    assert mailbox.next_uid == 2
    assert list(mailbox.mails.values_list("uid", flat=True)) == [1]


def test_a_server_that_drips_is_left_after_its_time(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes that come soon enough one by one are no answer."""
    with hostile() as server:
        server.drip = 0.05
        mailbox = mailbox_at(workspace, server)
        done = collecting.collect(mailbox.pk)
        assert len(server.asked) < 5
    assert done.error == "timeout"
    mailbox.refresh_from_db()
    assert mailbox.collected_at is None


def test_a_mail_that_is_larger_than_it_was_announced_is_given_up(workspace: Workspace) -> None:
    """After three tries it stays where it is, with the reason; the mails around it are read."""
    mails = {1: b"Subject: a\r\n\r\na", 2: b"x", 3: b"Subject: c\r\n\r\nc"}

    def fetch(tag: str, command: str) -> bytes:
        wanted = {int(one) for one in command.split()[2].split(",")}
        if "SIZE" in command:
            sizes = (f"* {uid} FETCH (UID {uid} RFC822.SIZE 1000)\r\n" for uid in sorted(wanted))
            return "".join(sizes).encode() + f"{tag} OK done\r\n".encode()
        if 2 in wanted:
            return b"* 2 FETCH (UID 2 BODY[] {300000000}\r\n" + b"x" * 100_000
        return (
            b"".join(fetched(uid, mails[uid]) for uid in sorted(wanted))
            + f"{tag} OK done\r\n".encode()
        )

    def searched(tag: str, command: str) -> bytes | None:
        first = int(re.findall(r"[0-9]+", command)[0])
        found = " ".join(str(uid) for uid in (1, 2, 3) if uid >= first)
        return f"* SEARCH {found}\r\n{tag} OK done\r\n".encode()

    with hostile(UID_SEARCH=searched, UID_FETCH=fetch) as server:
        mailbox = mailbox_at(workspace, server)
        errors = [collecting.collect(mailbox.pk).error for _ in range(6)]
    assert all(one == "large" for one in errors[:4])
    assert errors[-1] == ""
    rows = {row.uid: row for row in mailbox.mails.all()}
    assert rows[2].state == BounceMail.State.FAILED
    assert "more than was asked for" in rows[2].detail
    assert rows[2].cleared_at is None
    assert {uid: row.state for uid, row in rows.items() if uid != 2} == {
        1: "not_ours",
        3: "not_ours",
    }
    assert not any("STORE" in command or "EXPUNGE" in command for command in server.asked)


def test_a_crash_is_no_success(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_arguments: Any) -> None:
        raise AttributeError("a fault of ours")

    with hostile(UID_FETCH=saying(fetched(1, b"Subject: x\r\n\r\nx"))) as server:
        mailbox = mailbox_at(workspace, server)
        monkeypatch.setattr(deciding, "_match", crash)
        done = collecting.collect(mailbox.pk)
    mailbox.refresh_from_db()
    assert done.error == "crash"
    assert mailbox.collected_at is None
    assert mailbox.mails.get().state == BounceMail.State.STORED


def test_a_mail_whose_reading_crashes_says_so(
    workspace: Workspace, owner_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(raw: bytes) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(deciding, "parse", crash)
    with hostile(UID_FETCH=saying(fetched(1, b"Subject: x\r\n\r\nx"))) as server:
        mailbox = mailbox_at(workspace, server)
        assert collecting.collect(mailbox.pk).applied.failed == 1
    mail = mailbox.mails.get()
    assert mail.state == BounceMail.State.FAILED
    assert mail.raw is not None
    page = owner_client.get(f"/w/{workspace.slug}/bounces/{mail.pk}/").content.decode()
    assert "Could not be read" in page
    assert "RecursionError: too deep" in page
    assert not any("EXPUNGE" in command for command in server.asked)


DEEP = b"".join(
    b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n)
    for n in range(10_000)
)
RFC822 = b"Content-Type: message/rfc822\r\n\r\n" * 10_000
LETTERS = ("punycode", "idna", "unicode_escape", "raw_unicode_escape", "hex", "zip", "rot13", "uu")
PUNYCODE = b"=?punycode?q?" + b"a" * 900 + b"?= "
ODD_MAILS = {
    "parts in parts": DEEP,
    "mails in mails": RFC822,
    "a header of megabytes": b"Subject: " + b"x" * 3_000_000 + b"\r\n\r\nx",
    "a folded header of megabytes": b"Subject: x" + b"\r\n y" * 500_000 + b"\r\n\r\nx",
    "many headers": b"X-A: b\r\n" * 200_000 + b"\r\nx",
    "encoded words": b"Subject: " + b"=?utf-8?b?" + b"=?utf-8?q?" * 100_000 + b"\r\n\r\nx",
    "encoded words of punycode": b"Subject: "
    b"=?punycode?q?" + b"a" * 900 + b"?= " * 200 + b"\r\n\r\nx",
    "open tags": b"Content-Type: text/html\r\n\r\n" + b"<" * 1_000_000,
    "parameters": b"Content-Type: text/plain" + b"; a=b" * 300_000 + b"\r\n\r\nx",
    "boundaries": b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\n" * 100_000,
    **{
        f"charset {name}": f"Content-Type: text/plain; charset={name}\r\n\r\n".encode()
        + b"a-" * 100_000
        for name in LETTERS
    },
}


@pytest.mark.parametrize("raw", ODD_MAILS.values(), ids=ODD_MAILS)
def test_an_odd_mail_is_read_within_bounds(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[str] = []
    characters = parts.characters

    def counting(data: bytes, charset: str) -> str:
        decoded.append(charset)
        return characters(data, charset)

    monkeypatch.setattr(parts, "characters", counting)
    parse(raw)
    shown = ShownMail(raw)
    assert len(shown.html) + len(shown.text) <= len(raw)
    assert len(shown.headers) <= 500
    # A part, and a word of a header, is decoded once or twice.
    assert len(decoded) < 2_500


@pytest.mark.parametrize("name", LETTERS)
def test_no_mail_is_written_in_an_encoding_of_programs(name: str) -> None:
    assert parts.characters(b"caf\xc3\xa9-x", name) == "caf\u00e9-x"
