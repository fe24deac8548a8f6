"""Character references such as `&amp;`, as HTML reads them in text and in attributes. Pure.

The rules differ: in an attribute, a named reference without a semicolon that is followed by `=` or
an alphanumeric is no reference (HTML standard, 13.2.5.73). `&copy=2` in an address stays.
"""

import html
import re
from html.entities import html5

# A name ends where the alphanumerics end. A Jinja tag, or what stands for it, may go on with it.
REFERENCE = re.compile(
    r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[a-zA-Z][a-zA-Z0-9]{1,31}+(?:;|(?![=a-zA-Z0-9\x01\ue000])))"
)


def in_text(source: str) -> str:
    """Text between tags, with its references resolved."""
    return html.unescape(source)


def in_value(source: str) -> str:
    """An attribute's value, with its references resolved."""
    return REFERENCE.sub(_resolved, source) if "&" in source else source


def _resolved(found: re.Match[str]) -> str:
    name = found[0][1:]
    return html.unescape(found[0]) if name[0] == "#" else html5.get(name, found[0])
