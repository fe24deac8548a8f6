"""Finds the start and end of the body in an HTML design, outside comments. Pure."""

import re

from designs.markup import Tag, masked, placed_tokens

DOCTYPE = re.compile(r"\s*<!doctype[^>]*>", re.IGNORECASE)


def begin(html: str) -> int:
    """The position for something to insert at the start of the body."""
    found = DOCTYPE.match(masked(html))
    # Without <body>, the end of the head; without that, the start of the document.
    places = {"": found.end() if found else 0}
    for token, _begin in placed_tokens(html):
        if isinstance(token, Tag) and token.name in {"html", "/head", "body"}:
            places.setdefault(token.name, token.end)
    return next(places[name] for name in ("body", "/head", "html", "") if name in places)


def end(html: str) -> int:
    """The position for something to insert at the end of the body: before the last </body>, else
    before an unclosed construct, such as a comment or style sheet."""
    body_end, open_end = None, 0
    for token, place in placed_tokens(html):
        if isinstance(token, Tag):
            body_end = place if token.name in {"/body", "/html"} and body_end is None else body_end
            body_end = place if token.name == "/body" else body_end
        else:
            open_end = place + len(token)
    return open_end if body_end is None else body_end
