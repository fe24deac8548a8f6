"""Writes URLs as browsers send them: without characters that a URL can't contain. Pure."""

import re
from urllib.parse import quote

import idna

from designs.markup import split_jinja

# Characters that a browser doesn't encode (URL standard, 1.3), besides letters, digits and -._~.
SAFE = "!#$%&'()*+,/:;=?@[]~"
OUTER = "".join(map(chr, range(0x21)))
PLAIN = re.compile(r"[\w.~!#$%&'()*+,/:;=?@\[\]-]*", re.ASCII)
BREAKS = re.compile(r"[\t\n\r]")
AUTHORITY = re.compile(r"(https?://)([^/?#\\]*)(.*)", re.IGNORECASE | re.DOTALL)


def clean(url: str) -> str:
    """An attribute's value as browsers read it: without line breaks, tabs and outer blanks."""
    return BREAKS.sub("", url).strip(OUTER)


def as_ascii(url: str) -> str:
    """The URL in ASCII: the host as A-labels, the rest percent-encoded."""
    if PLAIN.fullmatch(url):
        return url
    found = AUTHORITY.fullmatch(url)
    if found is None:
        return _quoted(url)
    return f"{found[1]}{_host(found[2])}{_quoted(found[3])}"


def in_text(url: str) -> str:
    """The URL template as a plain text shows it, so that mail programs recognise the whole URL."""
    if "{" not in url:
        return _closed(as_ascii(url))
    pieces = (piece if is_jinja else _quoted(piece) for piece, is_jinja in split_jinja(url))
    return "".join(pieces)


def _closed(url: str) -> str:
    """Encodes unbalanced parentheses of the URL, so that they aren't taken for those around it."""
    if url.count("(") == url.count(")"):
        return url
    return url.replace("(", "%28").replace(")", "%29")


def _host(authority: str) -> str:
    if authority.isascii():
        return _quoted(authority)
    user, at, place = authority.rpartition("@")
    name, colon, port = place.partition(":")
    try:
        name = idna.encode(name, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        name = _quoted(name)
    return f"{_quoted(user)}{at}{name}{colon}{port}"


def _quoted(text: str) -> str:
    return quote(text, safe=SAFE, errors="replace")
