"""To and Subject as they stand in a mail (RFC 5322, RFC 2047), fast for what nearly all mails have;
the `email` package writes the odd ones. Pure."""

import re
from binascii import b2a_base64
from email import policy
from email.headerregistry import Address, HeaderRegistry
from typing import Any

CRLF = b"\r\n"
FOLD = b"\r\n "
# RFC 5322, 2.1.1.
LINE = 78
SMTP = policy.SMTP.clone(max_line_length=LINE)
SMTPUTF8 = policy.SMTPUTF8.clone(max_line_length=LINE)
LONGEST_NAME = 150
# Of a name that stands as it is, with up to as many signs that are escaped: a line has room for it.
LONGEST_WORDS = 60
# Of the text of one encoded word, in bytes: with "Subject: " before it a line has 77 characters.
WORD = 42
ATOMS = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?: [\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)
# A dot-atom at a domain.
ADDRESS = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@[\w.-]+", re.ASCII)
# The registry makes a class at each look-up.
_TO: Any = HeaderRegistry()["To"]
_SUBJECT: Any = HeaderRegistry()["Subject"]


def to(name: str, address: str) -> bytes:
    """The line or lines of To, with their ends. Raises ValueError or email.errors.MessageError for
    an address that can't stand in a header."""
    if not ADDRESS.fullmatch(address):
        return _to_of_package(clean_name(name), address)
    if len(name) <= LONGEST_WORDS and ATOMS.fullmatch(name) and "=?" not in name:
        whole = b"To: " + name.encode()
        used = len(whole)
    else:
        clean = clean_name(name)
        if not clean:
            return b"To: %b\r\n" % address.encode()
        whole = b"To: " + _phrase(clean)
        used = len(whole) - whole.rfind(b"\n") - 1
    between = b" <" if used + len(address) + 3 <= LINE else b"\r\n <"
    return b"".join((whole, between, address.encode(), b">\r\n"))


def subject(text: str) -> bytes:
    """The line or lines of Subject; raises ValueError for a text of more than one line."""
    if text.isascii() and "=?" not in text and text.isprintable():
        if len(text) <= LINE - len("Subject: "):
            return b"Subject: %b\r\n" % text.encode()
    elif "\r" in text or "\n" in text:
        raise ValueError("a header can't hold a line break")
    return b"Subject: %b\r\n" % FOLD.join(_encoded_words(text))


def clean_name(name: str) -> str:
    """A name in a header may hold no line break, whatever the contact's name holds."""
    if not name.isprintable():
        name = "".join(c if c.isprintable() else " " for c in name)
    return " ".join(name.split())[:LONGEST_NAME]


def address_of(name: str, email: str) -> Address:
    local, _, domain = email.rpartition("@")
    return Address(clean_name(name), local, domain)


def _to_of_package(name: str, address: str) -> bytes:
    header = _TO("To", address_of(name, address))
    folded: str = header.fold(policy=SMTP if address.isascii() else SMTPUTF8)
    return folded.encode()


def _phrase(name: str) -> bytes:
    """The name as RFC 5322's phrase: atoms, a quoted string, or encoded words."""
    if not name.isascii() or "=?" in name or len(name) > LONGEST_WORDS:
        return FOLD.join(_encoded_words(name))
    if not name or ATOMS.fullmatch(name):
        return name.encode()
    return b'"%b"' % name.replace("\\", "\\\\").replace('"', '\\"').encode()


def _encoded_words(text: str) -> list[bytes]:
    """Characters are never split (RFC 2047, 5)."""
    raw = text.encode()
    if len(raw) <= WORD:
        return [b"=?utf-8?b?%b?=" % b2a_base64(raw, newline=False)]
    words, begin = [], 0
    while begin < len(raw):
        end = begin + WORD
        while end < len(raw) and raw[end] & 0xC0 == 0x80:
            end -= 1
        words.append(b"=?utf-8?b?%b?=" % b2a_base64(raw[begin:end], newline=False))
        begin = end
    return words
