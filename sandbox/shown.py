"""Reads a mail of the sandbox for its page. Pure: bytes in, text out.

Anybody may have sent the mail, so the bytes that are read, the number of parts and their nesting
have limits (bounces.reading.parts).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from bounces.reading import parts

# Characters of the source that the page shows; the rest is in the download.
LONGEST_SOURCE = 400_000
# Limits: bytes of a mail that are read, bytes of its headers, lines of headers.
MOST_BYTES = 8 * 1024 * 1024
MOST_OF_HEADERS = 128 * 1024
MOST_HEADERS = 500


@dataclass(frozen=True)
class ShownMail:
    raw: bytes

    @cached_property
    def _message(self) -> parts.Part:
        return parts.read(self.raw, MOST_BYTES)

    @cached_property
    def html(self) -> str:
        return self._part("text/html")

    @cached_property
    def text(self) -> str:
        return self._part("text/plain")

    def _part(self, kind: str) -> str:
        """The first body of that kind that isn't an attachment; "" if none exists."""
        for part in self._message.walk():
            disposition = part.headers.first("content-disposition").lower()
            if part.kind == kind and not part.parts and not disposition.startswith("attachment"):
                return parts.characters(part.content(), part.parameters.get("charset", ""))
        return ""

    @cached_property
    def headers(self) -> list[tuple[str, str]]:
        """(name, value) of each header, unfolded and decoded."""
        return [(name, parts.words(value)) for name, value in self._unfolded()]

    def _unfolded(self) -> Iterator[tuple[str, str]]:
        head = self.raw[:MOST_OF_HEADERS].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
        name, values = "", [""]
        for line in parts.characters(head, "").split("\n")[:MOST_HEADERS]:
            if line[:1] in {" ", "\t"} and name:
                values.append(line.strip())
            elif found := parts.HEADER_LINE.match(line):
                if name:
                    yield name, " ".join(values)
                name, values = found[1], [found[2].strip()]
        if name:
            yield name, " ".join(values)

    @property
    def source(self) -> str:
        return self.raw[:LONGEST_SOURCE].decode("utf-8", "replace")
