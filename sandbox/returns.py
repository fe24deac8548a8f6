"""Makes the mails that come back: delivery reports (RFC 3464), complaints (ARF, RFC 5965) and
automatic replies (RFC 3834), as real servers write them. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from uuid import uuid4

from sandbox.behaviour import SandboxOutcome

DOMAIN = "sandbox.example"
HOST = f"mx.{DOMAIN}"
END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
# Bytes of the original's headers that are quoted. No server quotes more.
LONGEST_QUOTE = 32 * 1024


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail that the sandbox accepted: its envelope, its bytes, and when it arrived."""

    sender: str
    recipient: str
    raw: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class ReturnedFailure:
    """The fields of a delivery report about the recipient."""

    action: str
    status: str
    words: str
    subject: str
    text: str


FAILURES = {
    SandboxOutcome.HARD_BOUNCED: ReturnedFailure(
        "failed",
        "5.1.1",
        "550 5.1.1 No such mailbox here",
        "Undelivered mail returned to sender",
        "The mail could not be delivered: there is no such mailbox.",
    ),
    SandboxOutcome.SOFT_BOUNCED: ReturnedFailure(
        "failed",
        "4.2.2",
        "452 4.2.2 The mailbox is full",
        "Undelivered mail returned to sender",
        "The mail could not be delivered, and it is not tried again: the mailbox is full.",
    ),
    SandboxOutcome.BLOCKED: ReturnedFailure(
        "failed",
        "5.7.1",
        "554 5.7.1 Message refused by the mail filter",
        "Undelivered mail returned to sender",
        "The mail could not be delivered: the recipient's mail filter refused it.",
    ),
    SandboxOutcome.DELAYED: ReturnedFailure(
        "delayed",
        "4.4.1",
        "451 4.4.1 No answer from the host",
        "Delayed mail (still being retried)",
        "The mail could not be delivered yet. It is tried again; nothing needs to be done.",
    ),
}


def make(outcome: SandboxOutcome, mail: Taken) -> bytes | None:
    """The mail that returns to the envelope sender; None for DELIVERED, or without a sender."""
    if not mail.sender or outcome == SandboxOutcome.DELIVERED:
        return None
    if outcome == SandboxOutcome.AUTO_REPLIED:
        return _automatic_reply(mail)
    if outcome == SandboxOutcome.COMPLAINED:
        return _complaint(mail)
    return _report(FAILURES[outcome], mail)


def _report(failure: ReturnedFailure, mail: Taken) -> bytes:
    status = (
        f"Reporting-MTA: dns; {HOST}\r\n"
        f"Arrival-Date: {format_datetime(mail.at)}\r\n"
        "\r\n"
        f"Final-Recipient: {_typed(mail.recipient)}\r\n"
        f"Action: {failure.action}\r\n"
        f"Status: {failure.status}\r\n"
        f"Remote-MTA: dns; {HOST}\r\n"
        f"Diagnostic-Code: smtp; {failure.words}\r\n"
    )
    text = f"{failure.text}\r\n\r\n<{mail.recipient}>: {failure.words}\r\n"
    parts = (
        ("text/plain; charset=utf-8", text.encode()),
        ("message/delivery-status", status.encode()),
        ("text/rfc822-headers", _headers(mail.raw)),
    )
    sender = f"Mail Delivery System <mailer-daemon@{DOMAIN}>"
    kind = "report-type=delivery-status"
    return _multipart(mail, sender, failure.subject, kind, parts)


def _complaint(mail: Taken) -> bytes:
    feedback = (
        "Feedback-Type: abuse\r\n"
        "User-Agent: Yanshu-Sandbox/1\r\n"
        "Version: 1\r\n"
        f"Original-Mail-From: <{mail.sender}>\r\n"
        f"Original-Rcpt-To: <{mail.recipient}>\r\n"
        f"Arrival-Date: {format_datetime(mail.at)}\r\n"
        f"Reporting-MTA: dns; {HOST}\r\n"
    )
    parts = (
        ("text/plain; charset=us-ascii", b"The recipient reported this mail as spam.\r\n"),
        ("message/feedback-report", feedback.encode()),
        ("message/rfc822", mail.raw),
    )
    sender = f"Feedback Loop <feedback@{DOMAIN}>"
    return _multipart(mail, sender, "Abuse report", "report-type=feedback-report", parts)


def _automatic_reply(mail: Taken) -> bytes:
    original = find_header(mail.raw, b"message-id").decode(errors="replace")
    reference = f"In-Reply-To: {original}\r\nReferences: {original}\r\n" if original else ""
    head = (
        f"{_head(mail, f'<{mail.recipient}>', 'Out of office')}"
        f"{reference}"
        "Auto-Submitted: auto-replied\r\n"
        "Content-Type: text/plain; charset=us-ascii\r\n"
        "\r\n"
        "I am away until Monday and will read your mail then.\r\n"
    )
    return head.encode()


def _multipart(
    mail: Taken, sender: str, subject: str, kind: str, parts: tuple[tuple[str, bytes], ...]
) -> bytes:
    boundary = f"=_{uuid4().hex}"
    head = (
        f"{_head(mail, sender, subject)}"
        "Auto-Submitted: auto-replied\r\n"
        f'Content-Type: multipart/report; {kind};\r\n boundary="{boundary}"\r\n'
        "\r\n"
    )
    lines = [head.encode()]
    for content_type, body in parts:
        lines.append(f"--{boundary}\r\nContent-Type: {content_type}\r\n\r\n".encode())
        lines.append(body if body.endswith(b"\n") else body + b"\r\n")
        lines.append(b"\r\n")
    lines.append(f"--{boundary}--\r\n".encode())
    return b"".join(lines)


def _head(mail: Taken, sender: str, subject: str) -> str:
    return (
        "Return-Path: <>\r\n"
        f"Delivered-To: {mail.sender}\r\n"
        f"From: {sender}\r\n"
        f"To: <{mail.sender}>\r\n"
        f"Subject: {subject}\r\n"
        f"Date: {format_datetime(mail.at)}\r\n"
        f"Message-ID: <{uuid4().hex}@{HOST}>\r\n"
        "MIME-Version: 1.0\r\n"
    )


def _typed(address: str) -> str:
    """The address with its type: RFC 3464, and RFC 6533 for addresses beyond ASCII."""
    return f"{'rfc822' if address.isascii() else 'utf-8'}; {address}"


def headers_of(raw: bytes) -> bytes:
    """The header block, without the empty line after it."""
    found = END_OF_HEADERS.search(raw)
    return raw[: found.start()] if found else raw


def _headers(raw: bytes) -> bytes:
    return headers_of(raw)[:LONGEST_QUOTE] + b"\r\n"


def find_header(raw: bytes, name: bytes) -> bytes:
    """The first header of that name (lower case), unfolded; b"" if there is none."""
    pattern = rb"(?im)^" + re.escape(name) + rb":[ \t]*((?:.*)(?:\r?\n[ \t]+.*)*)"
    found = re.search(pattern, headers_of(raw))
    return re.sub(rb"\r?\n[ \t]+", b" ", found[1]).strip() if found else b""
