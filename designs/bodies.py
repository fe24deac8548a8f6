"""Where the body of an HTML design begins and ends, in what is shown: never in a comment. Pure."""

import re

from designs.markup import Tag, masked, placed_tokens

DOCTYPE = re.compile(r"\s*<!doctype[^>]*>", re.IGNORECASE)


def begin(html: str) -> int:
    """Where the first thing in the body may stand."""
    found = DOCTYPE.match(masked(html))
    # Without <body>, the end of the head; without that, the begin of the document.
    places = {"": found.end() if found else 0}
    for token, _begin in placed_tokens(html):
        if isinstance(token, Tag) and token.name in {"html", "/head", "body"}:
            places.setdefault(token.name, token.end)
    return next(places[name] for name in ("body", "/head", "html", "") if name in places)


def end(html: str) -> int:
    """Where the last thing in the body may stand: before the last </body>, or else before what is
    left open (a comment that nothing closes, a style sheet)."""
    body_end, open_end = None, 0
    for token, place in placed_tokens(html):
        if isinstance(token, Tag):
            body_end = place if token.name in {"/body", "/html"} and body_end is None else body_end
            body_end = place if token.name == "/body" else body_end
        else:
            open_end = place + len(token)
    return open_end if body_end is None else body_end
