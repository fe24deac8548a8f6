"""The bytes of one mail (RFC 5322, MIME), from what was rendered for one person. Pure."""

from binascii import b2a_qp
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, formataddr

# CRLF, no line over 998 octets (RFC 5322, 2.1.1), header words encoded (RFC 2047).
CRLF = b"\r\n"
SMTP = policy.SMTP.clone(max_line_length=78)
SMTPUTF8 = policy.SMTPUTF8.clone(max_line_length=78)


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
    utf8 = not mail.to_email.isascii() or not sender.email.isascii()
    message = EmailMessage(policy=SMTPUTF8 if utf8 else SMTP)
    message["From"] = _address(sender.name, sender.email)
    message["To"] = _address(mail.to_name, mail.to_email)
    if sender.reply_to:
        message["Reply-To"] = _address("", sender.reply_to)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.date)
    message["Message-ID"] = f"<{mail.token}@{sender.email.rpartition('@')[2]}>"
    message["List-ID"] = formataddr((sender.list_name, sender.list_id))
    message["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
    # RFC 8058: the inbox's own button posts this to the address above.
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["Feedback-ID"] = f"{sender.mailing_id}:yanshu"
    message["X-Yanshu-Message"] = mail.token
    message["MIME-Version"] = "1.0"
    # With the empty line that ends headers, which the caller's own come before.
    return message.as_bytes().removesuffix(CRLF)


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
