"""To and Subject of a campaign's mails: a fast path for the usual cases; accounts.mailheaders
writes the others. Pure."""

import re
from binascii import b2a_base64

from accounts import mailheaders
from accounts.mailheaders import LIKE_ENCODED, LINE, WORD, clean_name
from pages.oneline import one_line

__all__ = ["clean_name", "subject", "to"]

# The longest name that is written as it is: it fits into a line.
LONGEST_WORDS = 60
ATOMS = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?: [\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)
# A dot-atom at a domain.
ADDRESS = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@[\w.-]+", re.ASCII)


def to(name: str, address: str) -> bytes:
    """The line or lines of To, with their ends."""
    if ADDRESS.fullmatch(address) and (word := _one_word(name)):
        between = b" <" if len(word) + len(address) + len("To:  <>") <= LINE else b"\r\n <"
        return b"To: %b%b%b>\r\n" % (word, between, address.encode())
    return mailheaders.mailboxes("To", [(name, address)])


def _one_word(name: str) -> bytes:
    """A name of atoms, or of one encoded word; empty for any other."""
    if name.isascii():
        fits = len(name) <= LONGEST_WORDS and ATOMS.fullmatch(name) and LIKE_ENCODED not in name
        return name.encode() if fits else b""
    raw = name.encode(errors="replace")
    if len(raw) > WORD or not name.isprintable() or name != " ".join(name.split()):
        return b""
    return b"=?utf-8?b?%b?=" % b2a_base64(raw, newline=False)


def subject(text: str) -> bytes:
    """The line or lines of Subject, with their ends."""
    if len(text) <= LINE - len("Subject: ") and text.isascii() and LIKE_ENCODED not in text:
        return b"Subject: %b\r\n" % one_line(text).encode()
    return mailheaders.text("Subject", text)
