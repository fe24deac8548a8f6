"""Splits a mail into its parts, fast and without exceptions: bounces are often malformed.

The standard library's parser takes ten times as long on these mails, mostly to build message
objects that can be changed. Everything here is linear in the bytes read, which are capped. Pure.
"""

import binascii
import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from designs.references import in_text

# A bounce says its reason at the beginning; a returned message of 30 MB isn't read to the end.
MOST_BYTES = 256 * 1024
MOST_PARTS = 40
MOST_DEPTH = 6
MOST_HEADER_LINES = 600
MOST_TEXT = 64 * 1024

HEADER_LINE = re.compile(r"([!-9;-~]{1,76})[ \t]*:[ \t]*(.*)", re.DOTALL)
PARAMETER = re.compile(r""";\s*([\w-]{1,40})\*?\s*=\s*(?:"([^"]{0,300})"|([^\s;"]{1,300}))""")
TAG = re.compile(r"<[^<>]*>")
BREAKS = re.compile(r"<(?:br|p|div|tr|li|h\d|table|/p|/div|/tr|/li|/h\d)\b[^<>]*>", re.IGNORECASE)
HIDDEN = re.compile(r"<(/?)(style|script|head)\b[^<>]*>", re.IGNORECASE)
ENCODED = re.compile(r"=\?([\w*.:-]{1,60})\?([bqBQ])\?([^?\s]{0,1000})\?=")
BETWEEN = re.compile(r"\?=[ \t\n]{1,80}=\?")
SPACES = re.compile(r"[ \t\xa0]+")
# Python's text encodings that no mail uses; some take time that grows with the square of the
# length.
NO_CHARSETS = frozenset(
    "punycode idna unicode_escape raw_unicode_escape undefined mbcs oem".split()
)
LONGEST_CHARSET = 60


class Headers(dict[str, list[str]]):
    """Header fields by lower-case name, unfolded, in their order; undecoded."""

    def first(self, name: str) -> str:
        return self.get(name, ("",))[0]

    def every(self, *names: str) -> Iterator[str]:
        for name in names:
            yield from self.get(name, ())


@dataclass(slots=True)
class Part:
    headers: Headers
    kind: str  # "text/plain", lower case
    parameters: dict[str, str]
    body: bytes
    parts: list["Part"] = field(default_factory=list)

    def walk(self) -> Iterator["Part"]:
        """The part and all parts inside, in their order."""
        yield self
        for part in self.parts:
            yield from part.walk()

    def content(self) -> bytes:
        """The body without its transfer encoding."""
        return _decoded(self.body, self.headers.first("content-transfer-encoding").lower().strip())

    def text(self) -> str:
        """The text that a person would read, up to MOST_TEXT characters; HTML without its tags."""
        given = characters(self.content(), self.parameters.get("charset", ""))[:MOST_TEXT]
        return plain(given) if self.kind == "text/html" else given


def read(raw: bytes, most_bytes: int = MOST_BYTES) -> Part:
    """The tree of a mail's parts. Never raises; data beyond the caps is left out."""
    data = raw[:most_bytes].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return _part(data.lstrip(b"\n"), "text/plain", 0, [MOST_PARTS])


def _part(data: bytes, default: str, depth: int, left: list[int]) -> Part:
    left[0] -= 1
    headers, body = split(data)
    kind, parameters = content_type(headers.first("content-type"))
    part = Part(headers, kind or default, parameters, body)
    if depth >= MOST_DEPTH:
        return part
    if part.kind.startswith("multipart/") and (boundary := parameters.get("boundary")):
        inner = "message/rfc822" if part.kind == "multipart/digest" else "text/plain"
        for piece in _pieces(body, boundary.encode("utf-8", "replace")):
            if left[0] <= 0:
                break
            part.parts.append(_part(piece, inner, depth + 1, left))
    elif part.kind in {"message/rfc822", "message/global"} and left[0] > 0:
        part.parts.append(_part(part.content().lstrip(b"\n"), "text/plain", depth + 1, left))
    return part


def _pieces(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """The parts between delimiter lines (RFC 2046, 5.1.1); the last delimiter may be missing."""
    current: list[bytes] | None = None
    for found in (b"\n" + body).split(b"\n--" + boundary):
        line, _, rest = found.partition(b"\n")
        if current is not None and line.strip() not in {b"", b"--"}:
            # A longer boundary that begins like this one.
            current.append(b"\n--" + boundary + found)
            continue
        if current:
            yield b"".join(current)
        if current is not None and line.startswith(b"--"):
            return
        current = [] if current is None else [rest]
    if current:
        yield b"".join(current)


def split(data: bytes) -> tuple[Headers, bytes]:
    """Headers, and the body after the empty line. Without any header everything is body."""
    if data.startswith((b"From ", b">From ")):
        data = data.partition(b"\n")[2]
    if data.startswith(b"\n"):
        return Headers(), data[1:]
    head, _, body = data.partition(b"\n\n")
    headers = fields(characters(head, ""))
    return (headers, body) if headers else (headers, data)


def fields(text: str) -> Headers:
    """Header fields of a block of lines; other lines are left out."""
    headers = Headers()
    name = ""
    for line in text.split("\n", MOST_HEADER_LINES)[:MOST_HEADER_LINES]:
        if line[:1] in {" ", "\t"} and name:
            if len(headers[name][-1]) < 4000:
                headers[name][-1] += " " + line.strip()
        elif found := HEADER_LINE.match(line):
            name = found[1].lower()
            headers.setdefault(name, []).append(found[2].strip())
        else:
            name = ""
    return headers


def content_type(value: str) -> tuple[str, dict[str, str]]:
    kind = value.partition(";")[0].strip().lower()
    found = {m[1].lower(): m[2] or m[3] or "" for m in PARAMETER.finditer(value[:2000])}
    return (kind if "/" in kind else ""), found


def _decoded(body: bytes, encoding: str) -> bytes:
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    if encoding == "base64":
        clean = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
        if len(clean) % 4 == 1:  # cut off
            clean = clean[:-1]
        return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))
    return body


def characters(data: bytes, charset: str) -> str:
    """The text in the named charset, or in the most likely one. Without NUL."""
    for name in (charset[:LONGEST_CHARSET], "utf-8", "gb18030"):
        try:
            if name and is_charset(name):
                return clean(data.decode(name))
        except (LookupError, UnicodeError, ValueError):
            continue
    return clean(data.decode("latin-1"))


def is_charset(name: str) -> bool:
    """Whether mails use it. Raises LookupError for an unknown name."""
    found = codecs.lookup(name)
    plain_name = found.name.replace("-", "_")
    return bool(found._is_text_encoding) and plain_name not in NO_CHARSETS  # noqa: SLF001


def clean(text: str) -> str:
    """The text without NUL and lone surrogates, which a database can't hold."""
    plain = text if text.isascii() else text.encode("utf-8", "replace").decode()
    return plain.replace("\x00", "")


def plain(markup: str) -> str:
    """HTML as lines of text."""
    text = BREAKS.sub("\n", _shown(markup))
    text = in_text(TAG.sub(" ", text))
    return "\n".join(SPACES.sub(" ", line).strip() for line in text.splitlines())


def _shown(markup: str) -> str:
    """The markup without style, script and head elements; an element without an end is kept."""
    shown, start, opened = [], 0, ""
    for tag in HIDDEN.finditer(markup):
        name = tag[2].lower()
        if opened and tag[1] and name == opened:
            start, opened = tag.end(), ""
        elif not opened and not tag[1]:
            shown.append(markup[start : tag.start()])
            start, opened = tag.end(), name
    return " ".join([*shown, markup[start:]])


def words(value: str) -> str:
    """A header's text with its encoded words (RFC 2047) decoded."""
    if "=?" not in value:
        return value
    # White space between two encoded words belongs to neither (6.2).
    return ENCODED.sub(_word, BETWEEN.sub("?==?", value[:4000]))


def _word(found: re.Match[str]) -> str:
    charset, encoding, text = found[1].partition("*")[0], found[2].lower(), found[3].encode()
    if encoding == "q":
        return characters(binascii.a2b_qp(text, header=True), charset)
    return characters(_decoded(text, "base64"), charset)
