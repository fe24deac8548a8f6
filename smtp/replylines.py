"""Splits the bytes from a server into replies (RFC 5321, 4.2). Pure."""

import re
from collections.abc import Iterator

from smtp.exceptions import SmtpError

# Generous: some servers send hundreds of lines, or lines of 10 kB.
LONGEST_LINE, MOST_LINES, MOST_BYTES = 64 * 1024, 2000, 1024 * 1024
# Characters of a reply that are kept.
MOST_WORDS = 2000

LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class GarbledError(SmtpError):
    """The bytes aren't SMTP; replies that are owed may never come."""


class ReplyReader:
    """Takes bytes as they arrive. `pending`: it holds an incomplete reply."""

    def __init__(self) -> None:
        self.pending = False
        self._rest = bytearray()
        self._lines: list[bytes] = []
        self._code = b""
        self._size = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, str]]:
        """The complete replies, as (code, words with lines joined by spaces).

        Raises GarbledError, after it has yielded the valid replies before the garbled one.
        """
        self.pending = True
        *lines, rest = data.split(b"\n")
        if lines and self._rest:
            lines[0] = bytes(self._rest) + lines[0]
            self._rest.clear()
        for line in lines:
            if self._more(line.removesuffix(b"\r")):
                continue
            words = words_of(b" ".join(self._lines)[: 4 * MOST_WORDS])
            self._lines.clear()
            self._size = 0
            yield int(self._code), words
        self._rest += rest
        if len(self._rest) > LONGEST_LINE:
            raise GarbledError("a line without an end")
        self.pending = bool(self._rest or self._lines)

    def _more(self, line: bytes) -> bool:
        """Whether the reply continues after this line."""
        found = LINE.fullmatch(line)
        if found is None or len(line) > LONGEST_LINE:
            raise GarbledError(f"no reply: {words_of(line[:200])}")
        if self._lines and found[1] != self._code:
            raise GarbledError(f"two codes in one reply: {words_of(line[:200])}")
        self._code = found[1]
        self._lines.append((found[3] or b"").strip())
        self._size += len(line)
        if len(self._lines) > MOST_LINES or self._size > MOST_BYTES:
            raise GarbledError("a reply without an end")
        return found[2] == b"-"


def words_of(raw: bytes) -> str:
    """The words in a form to show and store: at most MOST_WORDS, with blanks instead of characters
    that can't be printed."""
    words = raw.decode("utf-8", "replace")[:MOST_WORDS]
    if words.isprintable():
        return words
    return "".join(one if one.isprintable() else " " for one in CONTROL.sub(" ", words)).strip()
