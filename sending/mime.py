"""The bytes of one mail (RFC 5322, MIME), from what was rendered for one person. Pure."""

from binascii import b2a_qp
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.headerregistry import Address, BaseHeader, HeaderRegistry
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from functools import lru_cache
from typing import Any

# CRLF, no line over 998 octets (RFC 5322, 2.1.1), header words encoded (RFC 2047).
CRLF = b"\r\n"
SMTP = policy.SMTP.clone(max_line_length=78)
SMTPUTF8 = policy.SMTPUTF8.clone(max_line_length=78)
# The registry makes a class at each look-up.
TO: Any = HeaderRegistry()["To"]
SUBJECT: Any = HeaderRegistry()["Subject"]


@dataclass(frozen=True, slots=True)
class Sender:
    """What is the same for every mail of a mailing. Addresses have their domain as A-labels."""

    name: str
    email: str
    reply_to: str
    # RFC 2919, such as "campaign-7.brand.example".
    list_id: str
    list_name: str
    mailing_id: int


@dataclass(frozen=True, slots=True)
class Mail:
    to_name: str
    to_email: str
    subject: str
    html: str
    text: str
    # Unique to the message: its local part in Message-ID.
    token: str
    unsubscribe_url: str
    date: datetime


def build(sender: Sender, mail: Mail) -> bytes:
    """The whole message with CRLF line ends, not dot-stuffed. A text part is always there."""
    parts = [(b"plain", mail.text)]
    if mail.html.strip():
        parts.append((b"html", mail.html))
    if len(parts) == 1:
        return _headers(sender, mail) + _part(*parts[0])
    boundary = f"=_{mail.token}".encode()
    head = b'Content-Type: multipart/alternative; boundary="' + boundary + b'"' + CRLF
    pieces = [_headers(sender, mail), head]
    for kind, words in parts:
        pieces += [CRLF, b"--", boundary, CRLF, _part(kind, words)]
    return b"".join([*pieces, CRLF, b"--", boundary, b"--", CRLF])


def _headers(sender: Sender, mail: Mail) -> bytes:
    utf8 = not (mail.to_email + sender.email).isascii()
    ours = (
        f"Message-ID: <{mail.token}@{sender.email.rpartition('@')[2]}>\r\n"
        f"List-Unsubscribe: <{mail.unsubscribe_url}>\r\n"
        f"X-Yanshu-Message: {mail.token}\r\n"
    )
    return b"".join(
        (
            _of_mailing(sender, utf8),
            _folded(TO("To", _address(mail.to_name, mail.to_email)), utf8),
            _folded(SUBJECT("Subject", _one_line(mail.subject)), utf8),
            b"Date: " + _date(mail.date),
            ours.encode(),
        )
    )


@lru_cache(maxsize=64)
def _of_mailing(sender: Sender, utf8: bool) -> bytes:
    """The headers that all mails of a mailing have; folding them costs more than the rest."""
    message = EmailMessage(policy=SMTPUTF8 if utf8 else SMTP)
    message["From"] = _address(sender.name, sender.email)
    if sender.reply_to:
        message["Reply-To"] = _address("", sender.reply_to)
    message["List-ID"] = formataddr((sender.list_name, sender.list_id))
    # RFC 8058: the inbox's own button posts this to the address of List-Unsubscribe.
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["Feedback-ID"] = f"{sender.mailing_id}:yanshu"
    message["MIME-Version"] = "1.0"
    # Without the empty line that ends headers.
    return message.as_bytes().removesuffix(CRLF)


@lru_cache(maxsize=8)
def _date(moment: datetime) -> bytes:
    return format_datetime(moment).encode() + CRLF


def _folded(header: BaseHeader, utf8: bool) -> bytes:
    return header.fold(policy=SMTPUTF8 if utf8 else SMTP).encode()


def _one_line(text: str) -> str:
    """A line break would begin another header."""
    if "\r" in text or "\n" in text:
        raise ValueError("a header can't hold a line break")
    return text


def _part(kind: bytes, words: str) -> bytes:
    """Quoted-printable (RFC 2045, 6.7): any text, and no line over 76 characters."""
    lines = words.replace("\r\n", "\n").replace("\r", "\n").encode()
    return (
        b"Content-Type: text/"
        + kind
        + b"; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        + b2a_qp(lines, istext=True).replace(b"\n", CRLF)
        + CRLF
    )


def _address(name: str, email: str) -> Address:
    """A name in a header may hold no line break, whatever the contact's name holds."""
    clean = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    local, _, domain = email.rpartition("@")
    return Address(clean[:150], local, domain)
