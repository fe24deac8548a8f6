"""Resolves character references such as `&amp;` in text and in attributes. Pure.

The rules differ: in an attribute, a named reference without a semicolon, followed by `=` or an
alphanumeric, is no reference (HTML standard, 13.2.5.73). So `&copy=2` in a URL stays.
"""

import html
import re
from html.entities import html5

# A name ends where the alphanumerics end. A Jinja tag, or its mark, may continue the name.
REFERENCE = re.compile(
    r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[a-zA-Z][a-zA-Z0-9]{1,31}+(?:;|(?![=a-zA-Z0-9\x01\ue000])))"
)


# Python refuses numbers of more than 4,300 digits. So leading zeros are removed, and a reference
# with more than seven digits, which no character has, is replaced.
ZEROS = re.compile(r"&#0+(?=[0-9])")
BEYOND = re.compile(r"&#[0-9]{8,};?")
UNKNOWN = "\ufffd"


def in_text(source: str) -> str:
    """Text between tags, with its references resolved."""
    if "&#" in source:
        source = BEYOND.sub(UNKNOWN, ZEROS.sub("&#", source))
    return html.unescape(source)


def in_value(source: str) -> str:
    """An attribute's value, with its references resolved."""
    return REFERENCE.sub(_resolved, source) if "&" in source else source


def _resolved(found: re.Match[str]) -> str:
    name = found[0][1:]
    return in_text(found[0]) if name[0] == "#" else html5.get(name, found[0])
