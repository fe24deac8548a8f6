"""To and Subject of a campaign's mails, fast for what nearly all mails have; the others are written
by accounts.mailheaders. Pure."""

import re

from accounts import mailheaders
from accounts.mailheaders import LIKE_ENCODED, LINE, clean_name
from pages.singleline import one_line

__all__ = ["clean_name", "subject", "to"]

# Of a name that stands as it is: a line has room for it.
LONGEST_WORDS = 60
ATOMS = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?: [\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)
# A dot-atom at a domain.
ADDRESS = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@[\w.-]+", re.ASCII)


def to(name: str, address: str) -> bytes:
    """The line or lines of To, with their ends."""
    if (
        len(name) <= LONGEST_WORDS
        and ATOMS.fullmatch(name)
        and LIKE_ENCODED not in name
        and ADDRESS.fullmatch(address)
    ):
        between = b" <" if len(name) + len(address) + len("To:  <>") <= LINE else b"\r\n <"
        return b"".join((b"To: ", name.encode(), between, address.encode(), b">\r\n"))
    return mailheaders.mailboxes("To", [(name, address)])


def subject(text: str) -> bytes:
    """The line or lines of Subject, with their ends."""
    if len(text) <= LINE - len("Subject: ") and text.isascii() and LIKE_ENCODED not in text:
        return b"Subject: %b\r\n" % one_line(text).encode()
    return mailheaders.text("Subject", text)
