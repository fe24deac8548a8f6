"""Removes everything from rendered HTML that the policy of the preview's frame blocks. Pure.

The policy gives the protection (designs.views.previews). This module only keeps browsers from
reporting each script, style sheet and frame of a pasted mail as an error of our page.
"""

import re
from collections.abc import Iterator

from designs.markup import Tag, placed_tokens

# {element that loads a document, style sheet, sound or film: its URL attributes}.
LOADING = {
    "link": ("href",),
    "base": ("href",),
    "iframe": ("src", "srcdoc"),
    "frame": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "audio": ("src",),
    "video": ("src",),
    "source": ("src",),
    "track": ("src",),
}
# A refresh would load another page, and a policy in the mail would be reported, too.
HTTP_EQUIV = "http-equiv"
HARMLESS_META = re.compile(r"content-type|x-ua-compatible", re.IGNORECASE)
# An unclosed rule ends at the end of the text, as in CSS, so each place is read once.
IMPORT = re.compile(
    r"""@import\s++(?:url\([^)]*+\)?|"[^"\n]*+"?|'[^'\n]*+'?)[^;{}]*+;?""", re.IGNORECASE
)
STYLE_END = re.compile(r"</style(?=[\s/>])", re.IGNORECASE)
SCRIPT_END = re.compile(r"</script(?=[\s/>])[^>]*>", re.IGNORECASE)


def inert(html: str) -> str:
    pieces, last = [], 0
    for begin, end in sorted(_blocked(html)):
        if begin >= last:
            pieces.append(html[last:begin])
            last = end
    return "".join([*pieces, html[last:]])


def _blocked(html: str) -> Iterator[tuple[int, int]]:
    """The ranges to remove: (begin, end)."""
    for token, begin in placed_tokens(html):
        if not isinstance(token, Tag) or token.name.startswith("/"):
            continue
        if token.name == "script":
            closed = SCRIPT_END.search(html, token.end)
            yield begin, closed.end() if closed else len(html)
        elif token.name == "style":
            closed = STYLE_END.search(html, token.end)
            content = IMPORT.finditer(html, token.end, closed.start() if closed else len(html))
            yield from (found.span() for found in content)
        yield from _values(html, token)


def _values(html: str, tag: Tag) -> Iterator[tuple[int, int]]:
    for name in LOADING.get(tag.name, ()):
        if name in tag.values:
            yield tag.values[name]
    for name, (begin, _end) in tag.values.items():
        # `onload` becomes `load`: browsers report even an empty handler.
        if name.startswith("on") and (at := _name_before(html, name, begin)) > tag.begin:
            yield at, at + 2
    if tag.name == "meta" and HTTP_EQUIV in tag.values and "content" in tag.values:
        kind = html[slice(*tag.values[HTTP_EQUIV])].strip()
        if not HARMLESS_META.fullmatch(kind):
            yield tag.values["content"]


def _name_before(html: str, name: str, value: int) -> int:
    """The start of the name of the attribute whose value is here; 0 if not found.

    Reads backwards, because a tag may have thousands of attributes.
    """
    at = value - 1 if html[value - 1] in "\"'" else value
    at = _before_spaces(html, at)
    if html[at - 1] != "=":
        return 0
    at = _before_spaces(html, at - 1) - len(name)
    return at if html[at : at + len(name)].lower() == name else 0


def _before_spaces(html: str, at: int) -> int:
    while at > 0 and html[at - 1].isspace():
        at -= 1
    return at
