"""Text as quoted-printable (RFC 2045, 6.7), whole or in pieces that are encoded alone. Pure.

A piece ends with a line end, hard or soft, so whatever follows it begins a line. No line is longer
than 76 characters or begins with a dot: the same bytes are right after DATA and after BDAT.
"""

import re
from binascii import b2a_qp
from collections.abc import Callable
from typing import Any, ClassVar

from markupsafe import escape

from designs.fuel import LimitError

CRLF = b"\r\n"
SOFT = b"=\r\n"
LONGEST_LINE = 76
# Most values need nothing but the soft line end: printable ASCII, no dot first, no blank last.
PLAIN = re.compile(r"[!-\-/-<>-~](?:[ -<>-~]{0,72}[!-<>-~])?")
# The same without what HTML escapes.
PLAIN_HTML = re.compile(r"""[!#-%(-\-/-;?-~](?:[ !#-%(-;?-~]{0,72}[!#-%(-;?-~])?""")
ESCAPED = re.compile(r"""[&<>"']""")
# An address that is longer than a line: all of it stands as it is, but in several lines.
LONG = re.compile(r"[!-<>-~]{74,}")
# Of a value that is encoded as a piece, in characters; each makes 12 bytes at most, and breaks.
LONGEST_VALUE = 5_000
MOST_BYTES = 13
# How many values a Memo keeps (a list's first names, its towns), all of a process together, and of
# what size in bytes: about 200 bytes each.
MOST_KEPT = 5_000
MOST_IN_ALL = 150_000
LARGEST_KEPT = 200


def quoted(text: str) -> bytes:
    """The whole text, with CRLF; raises UnicodeEncodeError for lone surrogates."""
    return _short(_quoted(text))


def piece(text: str) -> bytes:
    """The text with a soft line end where it has no line end of its own; nothing for nothing."""
    if PLAIN.fullmatch(text):
        return text.encode() + SOFT
    return _piece(text)


def _piece(text: str) -> bytes:
    if LONG.fullmatch(text):
        lines = [text[n : n + LONGEST_LINE - 1] for n in range(0, len(text), LONGEST_LINE - 1)]
        if not any(line[0] == "." for line in lines):
            return "=\r\n".join([*lines, ""]).encode()
    coded = _quoted(text)
    if len(coded) < LONGEST_LINE and coded and b"\n" not in coded:
        return coded + SOFT
    if not coded or coded.endswith(CRLF):
        return _short(coded)
    return _short(coded + b"=") + CRLF


def text_piece(text: str) -> bytes:
    """As `piece`, for a value; raises LimitError for a long one."""
    if PLAIN.fullmatch(text):
        return text.encode() + SOFT
    if len(text) > LONGEST_VALUE:
        raise LimitError("a value is too long to be encoded alone")
    return _piece(text)


def html_piece(text: str) -> bytes:
    """As `text_piece`, with what HTML escapes."""
    if PLAIN_HTML.fullmatch(text):
        return text.encode() + SOFT
    # Most other values are names with letters of the world.
    return text_piece(str(escape(text))) if ESCAPED.search(text) else text_piece(text)


def _quoted(text: str) -> bytes:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    coded = b2a_qp(text.encode(), istext=True)
    if b"\n" in coded:
        coded = coded.replace(b"\n", CRLF).replace(b"\r\n.", b"\r\n=2E")
    return b"=2E" + coded[1:] if coded.startswith(b".") else coded


def _short(coded: bytes) -> bytes:
    """Breaks the lines that an encoded dot or a closing sign made too long."""
    if len(coded) <= LONGEST_LINE or max(map(len, coded.split(CRLF))) <= LONGEST_LINE:
        return coded
    lines = []
    for line in coded.split(CRLF):
        rest = line
        while len(rest) > LONGEST_LINE:
            cut = LONGEST_LINE - 1
            # Not inside of "=E9".
            cut -= next((n for n in (1, 2) if rest[cut - n : cut - n + 1] == b"="), 0)
            lines.append(rest[:cut] + b"=")
            rest = rest[cut:]
            if rest.startswith(b"."):
                rest = b"=2E" + rest[1:]
        lines.append(rest)
    return CRLF.join(lines)


class Memo(dict[Any, bytes]):
    """{value: its bytes} of the values that come often; asks `make` for the others.

    Values that are equal must print the same: 1 and True must not meet in one memo.
    """

    __slots__ = ("make",)
    # By all memos, about: two threads may count at once.
    kept: ClassVar[int] = 0

    def __init__(self, make: Callable[[Any], bytes]) -> None:
        super().__init__()
        self.make = make

    def __missing__(self, value: Any) -> bytes:
        made = self.make(value)
        if len(made) <= LARGEST_KEPT:
            # Those that come often are soon back.
            if len(self) >= MOST_KEPT or Memo.kept >= MOST_IN_ALL:
                self.forget()
            if Memo.kept < MOST_IN_ALL:
                self[value] = made
                Memo.kept += 1
        return made

    def forget(self) -> None:
        Memo.kept -= len(self)
        self.clear()

    def __del__(self) -> None:
        Memo.kept -= len(self)
