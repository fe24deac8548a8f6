"""Makes the bytes of one mail (RFC 5322, MIME) from the parts rendered for one person. Pure.

`build` makes a whole mail; a `Skeleton` prepares what all mails of a mailing share, for bodies that
come as pieces of quoted-printable (designs.compiling).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache

from accounts import mailheaders
from designs.encoding import CRLF, quoted
from sending.compose.headers import subject, to

# Stands for a message's token; it appears in no address of ours.
MARK = "yanshu-message-token"


@dataclass(frozen=True, slots=True)
class Sender:
    """The header values that all mails of a mailing share. Domains of addresses are A-labels."""

    name: str
    email: str
    reply_to: str
    # RFC 2919, such as "campaign-7.brand.example".
    list_id: str
    list_name: str
    mailing_id: int
    # Whether each mail offers to leave its list. Otherwise it is marked as written by a machine
    # (sending.purposes).
    offers_to_leave: bool = True


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
    """The whole message with CRLF line ends; no line begins with a dot. It always has a text
    part."""
    html = bool(mail.html.strip())
    head, between, end = _around_parts(f"=_{mail.token}", html=html)
    pieces = [_headers(sender, mail), head, quoted(mail.text)]
    if html:
        pieces += [between, quoted(mail.html)]
    return b"".join([*pieces, end])


def _headers(sender: Sender, mail: Mail) -> bytes:
    domain = mailheaders.addr_spec(sender.email).rpartition("@")[2]
    return b"".join(
        (
            _of_mailing(sender),
            to(mail.to_name, mail.to_email),
            subject(mail.subject),
            b"Date: " + date(mail.date),
            f"Message-ID: <{mail.token}@{domain}>\r\n".encode(),
            mailheaders.links("List-Unsubscribe", [mail.unsubscribe_url])
            if sender.offers_to_leave
            else f"X-Entity-Ref-ID: {mail.token}\r\n".encode(),
            f"X-Yanshu-Message: {mail.token}\r\n".encode(),
        )
    )


@lru_cache(maxsize=64)
def _of_mailing(sender: Sender) -> bytes:
    """The headers that all mails of a mailing have."""
    reply_to = (
        mailheaders.mailboxes("Reply-To", [("", sender.reply_to)]) if sender.reply_to else b""
    )
    kind: tuple[bytes, ...]
    if sender.offers_to_leave:
        kind = (
            mailheaders.list_id(sender.list_name, sender.list_id),
            # RFC 8058: the inbox's own button posts this to the address of List-Unsubscribe.
            mailheaders.plain("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        )
    else:
        kind = (mailheaders.plain("Auto-Submitted", "auto-generated"),)
    return b"".join(
        (
            mailheaders.mailboxes("From", [(sender.name, sender.email)]),
            reply_to,
            *kind,
            mailheaders.plain("Feedback-ID", f"{sender.mailing_id}:yanshu"),
            mailheaders.plain("MIME-Version", "1.0"),
        )
    )


@lru_cache(maxsize=8)
def date(moment: datetime) -> bytes:
    return format_datetime(moment).encode() + CRLF


def _around_parts(boundary: str, *, html: bool) -> tuple[bytes, bytes, bytes]:
    """The bytes before the text, between text and HTML, and at the end.

    A boundary with "=_" can't appear in quoted-printable.
    """
    if not html:
        return _part_head("plain"), b"", CRLF
    line = b"--" + boundary.encode()
    head = f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'.encode()
    return (
        head + line + CRLF + _part_head("plain"),
        CRLF + CRLF + line + CRLF + _part_head("html"),
        CRLF + CRLF + line + b"--" + CRLF,
    )


def _part_head(kind: str) -> bytes:
    return (
        f"Content-Type: text/{kind}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    ).encode()


class Skeleton:
    """The bytes that all mails of a mailing share. All addresses are ASCII."""

    def __init__(self, sender: Sender, unsubscribe: Sequence[str], *, html: bool) -> None:
        """`unsubscribe`: its address before and after the message's token."""
        before, after = unsubscribe
        link = mailheaders.links("List-Unsubscribe", [f"{before}{MARK}{after}"])
        if not sender.offers_to_leave:
            # Keeps inboxes from folding notices with the same subject into one.
            link = f"X-Entity-Ref-ID: {MARK}\r\n".encode()
        to_token, _mark, from_token = link.partition(MARK.encode())
        domain = mailheaders.addr_spec(sender.email).rpartition("@")[2]
        head, self.between, self.end = _around_parts(f"=_mailing-{sender.mailing_id}", html=html)
        # A mail's token stands after `message_id`, `unsubscribe`, and `message`.
        self.top = _of_mailing(sender)
        self.message_id = b"Message-ID: <"
        self.unsubscribe = f"@{domain}>\r\n".encode() + to_token
        self.message = from_token + b"X-Yanshu-Message: "
        self.text = CRLF + head
