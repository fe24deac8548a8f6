"""What comes back, read from samples of our own in the manner of the common servers."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounces.reading import ReportKind, parse, parts
from bounces.reading.parts import MOST_BYTES
from tests import cputime

SAMPLES = Path(__file__).parent / "samples"

EXPECTED: list[tuple[str, ReportKind, tuple[str, ...], str]] = [
    ("postfix-unknown", ReportKind.HARD_BOUNCED, ("li.wei@firm.example",), "5.1.1"),
    ("postfix-delayed", ReportKind.DELAYED, ("ana@slow.example",), "4.4.1"),
    ("postfix-expired", ReportKind.SOFT_BOUNCED, ("ana@slow.example",), "4.4.1"),
    ("exim-full", ReportKind.SOFT_BOUNCED, ("full.box@firm.example",), "5.2.2"),
    ("qmail-no-mailbox", ReportKind.HARD_BOUNCED, ("nobody@firm.example",), "5.1.1"),
    ("sendmail-host", ReportKind.HARD_BOUNCED, ("who@no-such-domain.example",), "5.1.2"),
    ("exchange-words", ReportKind.HARD_BOUNCED, ("marie.curie@corp.example",), "5.1.1"),
    ("office365-html", ReportKind.BLOCKED, ("joe@tenant.example",), "5.7.509"),
    ("gmail-not-found", ReportKind.HARD_BOUNCED, ("typo@big.example",), "5.1.1"),
    ("gmail-rate", ReportKind.BLOCKED, ("someone@big.example",), "4.7.28"),
    ("qq-chinese", ReportKind.HARD_BOUNCED, ("wang@qq-like.example",), ""),
    ("netease-full", ReportKind.SOFT_BOUNCED, ("zhao@163-like.example",), ""),
    ("aliyun-spam", ReportKind.BLOCKED, ("chen@firm.example",), "5.0.0"),
    ("malformed-status", ReportKind.HARD_BOUNCED, ("One@Odd.example", "two@odd.example"), "5.1.1"),
    ("status-in-plain-text", ReportKind.HARD_BOUNCED, ("lost@plain.example",), "5.1.1"),
    ("delivered", ReportKind.OTHER, ("fine@ok.example",), "2.0.0"),
    ("arf-abuse", ReportKind.COMPLAINED, ("angry@inbox.example",), ""),
    ("arf-authentication", ReportKind.OTHER, (), ""),
    ("out-of-office", ReportKind.AUTO_REPLIED, (), ""),
    ("vacation-chinese", ReportKind.AUTO_REPLIED, (), ""),
    ("challenge", ReportKind.CHALLENGED, (), ""),
    ("letter", ReportKind.OTHER, (), ""),
    ("newsletter-about-bounces", ReportKind.OTHER, (), ""),
    ("ses-notification", ReportKind.HARD_BOUNCED, ("gone@firm.example",), "5.1.1"),
    ("two-people", ReportKind.HARD_BOUNCED, ("full@firm.example", "gone@firm.example"), "5.1.1"),
    ("refused-after-data", ReportKind.SOFT_BOUNCED, ("filter@carrier.example",), "5.0.0"),
]


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.eml").read_bytes()


def test_every_sample_is_expected_to_be_something() -> None:
    assert {name for name, *_ in EXPECTED} == {path.stem for path in SAMPLES.glob("*.eml")}


@pytest.mark.parametrize(("name", "kind", "recipients", "status"), EXPECTED)
def test_sample(name: str, kind: ReportKind, recipients: tuple[str, ...], status: str) -> None:
    report = parse(sample(name))
    assert (report.kind, report.recipients) == (kind, recipients), report.why
    if status:
        assert report.status == status


@pytest.mark.parametrize("name", [name for name, *_ in EXPECTED])
def test_line_ends_change_nothing(name: str) -> None:
    raw = sample(name)
    assert parse(raw.replace(b"\n", b"\r\n")) == parse(raw)


def test_the_servers_own_words_are_kept() -> None:
    report = parse(sample("postfix-unknown"))
    assert report.diagnostic == (
        "550 5.1.1 <li.wei@firm.example>: Recipient address rejected: "
        "User unknown in virtual mailbox table"
    )
    assert (report.rule, report.why) == ("address.code", "address: 5.1.1")
    assert parse(sample("qmail-no-mailbox")).diagnostic.startswith(
        "nobody@firm.example>: 192.0.2.30 does not like recipient. Remote host said: 550"
    )


def test_what_came_back_and_where_it_arrived() -> None:
    report = parse(sample("postfix-unknown"))
    assert report.delivered_to == ("bounces+abc@brand.example",)
    assert report.original.message_ids == ("abc@brand.example",)
    assert report.original.senders == ("bounces+abc@brand.example",)
    assert report.arrived is not None
    assert report.arrived.isoformat() == "2026-11-02T09:12:44+08:00"
    arf = parse(sample("arf-abuse")).original
    assert arf.tokens == ("sometoken",)
    assert arf.unsubscribe_urls == ("https://mail.brand.example/e/u/sometoken",)
    assert parse(sample("exim-full")).original.message_ids == ("m17@brand.example",)
    assert parse(sample("out-of-office")).original.message_ids == ("m20@brand.example",)


def test_encoded_subject_and_sender() -> None:
    report = parse(sample("vacation-chinese"))
    assert (report.subject, report.sender) == ("自动回复：Hello", "lisi@firm.example")
    assert parse(sample("qq-chinese")).subject == "系统退信"


# Hostile bytes -----------------------------------------------------------------------------------

HEAD = b"From: MAILER-DAEMON@a.example\nSubject: failure notice\n"
SLOW = {
    "nested": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000)
    ),
    "parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 30_000,
    "headers": b"X: y\n" * 50_000,
    "folded": b"X: y\n" + b" z\n" * 60_000,
    "at signs": HEAD + b"\n" + b"a@" * 100_000,
    "local part": HEAD + b"\n" + b"a.b-" * 60_000,
    "tags": HEAD + b"Content-Type: text/html\n\n" + b"<style>" * 30_000 + b"<" * 30_000,
    "brackets": HEAD + b"\n" + b"<a@b.example>: (" * 15_000,
    "spaces": HEAD + b"\n" + b" " * 200_000 + b"x",
    "lines": HEAD + b"\n" + b"\n \t" * 80_000,
    "codes": HEAD + b"\n" + b"550 5.1.1 user " * 15_000,
    "quoted": HEAD + b"\n" + b"--- original message ---\n" * 9_000,
    "encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 15_000 + b"\n\n",
    "parameters": b"Content-Type: a/b" + b'; a="b' * 40_000 + b"\n\n",
    "status fields": HEAD
    + b"Content-Type: message/delivery-status\n\n"
    + b"Final-Recipient: rfc822; a@b.example\n" * 6_000,
    "json": HEAD + b'\n"bouncedRecipients' + b'{"Message":' * 20_000,
}


@pytest.mark.parametrize("name", list(SLOW))
def test_no_mail_takes_long(name: str) -> None:
    with cputime.at_most(1):
        parse(SLOW[name])


def test_no_more_than_the_beginning_is_read() -> None:
    raw = sample("letter") + b"x" * MOST_BYTES + b"\nFinal-Recipient: rfc822; a@b.example\n"
    assert parse(raw).kind == ReportKind.OTHER


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=400), st.sampled_from([name for name, *_ in EXPECTED]), st.data())
def test_never_raises(noise: bytes, name: str, data: st.DataObject) -> None:
    """Noise put into a sample anywhere, and noise alone."""
    parse(noise)
    raw = sample(name)
    at = data.draw(st.integers(0, len(raw)))
    report = parse(raw[:at] + noise + raw[at + len(noise) :])
    kept = f"{report.diagnostic}{report.subject}{report.sender}{report.recipients}"
    assert "\x00" not in kept
    kept.encode()


def test_parts_of_a_longer_boundary_are_told_apart() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\n\n"
        b"--b\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\n\none\n--bb--\n"
        b"--b\n\ntwo\n--b--\nignored"
    )
    tree = parts.read(raw)
    texts = [part.body.strip() for part in tree.walk() if not part.parts]
    assert texts == [b"one", b"two"]
