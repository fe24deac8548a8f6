"""Rendered HTML for a frame that runs nothing: without what its policy blocks anyway. Pure.

The policy protects (designs.views.previews); this keeps browsers from reporting each script, style
sheet and frame of a pasted mail as an error of our page.
"""

import re
from collections.abc import Iterator

from designs.markup import Tag, placed_tokens

# They load another document, style sheet, sound or film. With no address they load nothing.
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
# A refresh leads elsewhere, a policy of the mail's own would be reported, too.
HTTP_EQUIV = "http-equiv"
HARMLESS_META = re.compile(r"content-type|x-ua-compatible", re.IGNORECASE)
# What is open at the end ends there, as in CSS: each place is read once.
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
    """What is left out: (begin, end)."""
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
        # `onload` becomes `load`: an empty one is reported, too.
        if name.startswith("on") and (at := _name_before(html, name, begin)) > tag.begin:
            yield at, at + 2
    if tag.name == "meta" and HTTP_EQUIV in tag.values and "content" in tag.values:
        kind = html[slice(*tag.values[HTTP_EQUIV])].strip()
        if not HARMLESS_META.fullmatch(kind):
            yield tag.values["content"]


def _name_before(html: str, name: str, value: int) -> int:
    """Where the name of the attribute begins whose value is here; 0: not found.

    It is read backwards: a tag may have thousands of attributes.
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
