"""Encodes text as quoted-printable (RFC 2045, 6.7), whole or in separate pieces. Pure.

Each piece ends with a hard or soft line end, so the next piece begins a line. No line is longer
than 76 characters or begins with a dot, so the same bytes are right for DATA and for BDAT.
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
# Most values need only the soft line end: printable ASCII, no dot first, no blank last.
PLAIN = re.compile(r"[!-\-/-<>-~](?:[ -<>-~]{0,72}[!-<>-~])?")
# The same without the characters that HTML escapes.
PLAIN_HTML = re.compile(r"""[!#-%(-\-/-;?-~](?:[ !#-%(-;?-~]{0,72}[!#-%(-;?-~])?""")
ESCAPED = re.compile(r"""[&<>"']""")
# A long URL: it needs no escapes, only soft line ends.
LONG = re.compile(r"[!-<>-~]{74,}")
# Characters of a value that is encoded as a piece. A character gives at most 12 bytes, and line
# ends.
LONGEST_VALUE = 5_000
MOST_BYTES = 13
# Values in one Memo (first names or towns of a list), in all Memos of a process, and the largest
# size of a cached value in bytes. An entry takes about 200 bytes.
MOST_KEPT = 5_000
MOST_IN_ALL = 150_000
LARGEST_KEPT = 200


def quoted(text: str) -> bytes:
    """Encodes the whole text, with CRLF. Raises UnicodeEncodeError for lone surrogates."""
    return _short(_quoted(text))


def piece(text: str) -> bytes:
    """Encodes a piece. It ends with its own line end or with a soft one. "" gives no bytes."""
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
    """Like `piece`, for a value. Raises LimitError if it is too long."""
    if PLAIN.fullmatch(text):
        return text.encode() + SOFT
    if len(text) > LONGEST_VALUE:
        raise LimitError("a value is too long to be encoded alone")
    return _piece(text)


def html_piece(text: str) -> bytes:
    """Like `text_piece`, with HTML escaping."""
    if PLAIN_HTML.fullmatch(text):
        return text.encode() + SOFT
    # Most other values are names with non-ASCII letters.
    return text_piece(str(escape(text))) if ESCAPED.search(text) else text_piece(text)


def _quoted(text: str) -> bytes:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    coded = b2a_qp(text.encode(), istext=True)
    if b"\n" in coded:
        coded = coded.replace(b"\n", CRLF).replace(b"\r\n.", b"\r\n=2E")
    return b"=2E" + coded[1:] if coded.startswith(b".") else coded


def _short(coded: bytes) -> bytes:
    """Breaks lines that became too long by an encoded dot or by a `=` at the end."""
    if len(coded) <= LONGEST_LINE or max(map(len, coded.split(CRLF))) <= LONGEST_LINE:
        return coded
    lines = []
    for line in coded.split(CRLF):
        rest = line
        while len(rest) > LONGEST_LINE:
            cut = LONGEST_LINE - 1
            # Not inside an escape such as "=E9".
            cut -= next((n for n in (1, 2) if rest[cut - n : cut - n + 1] == b"="), 0)
            lines.append(rest[:cut] + b"=")
            rest = rest[cut:]
            if rest.startswith(b"."):
                rest = b"=2E" + rest[1:]
        lines.append(rest)
    return CRLF.join(lines)


class Memo(dict[Any, bytes]):
    """A cache {value: its bytes}. `make` encodes values that aren't in it.

    Values that are equal must print the same: 1 and True must not meet in one memo.
    """

    __slots__ = ("make",)
    # Values in all memos, approximately: two threads may count at the same time.
    kept: ClassVar[int] = 0

    def __init__(self, make: Callable[[Any], bytes]) -> None:
        super().__init__()
        self.make = make

    def __missing__(self, value: Any) -> bytes:
        made = self.make(value)
        if len(made) <= LARGEST_KEPT:
            # Dropping all is fine: frequent values soon return.
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
