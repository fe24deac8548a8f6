"""Finds the merge fields that decide the target of a link. Pure."""

import re
from collections.abc import Iterator

from jinja2 import nodes

from contacts.valuekinds import HOST, LINK
from designs.fieldlinks import edits
from designs.fielduses import FieldUse, field_of
from designs.fuel import in_time
from designs.markup import split_jinja, tags
from designs.rendering import RenderError, parse

# If this text comes before a field in a link, the field is a part of the host.
BEFORE_HOST = re.compile(r"\s*(?:https?:)?//[^/?#\\]*", re.IGNORECASE)


def uses(html: str) -> Iterator[FieldUse]:
    """Fields that a URL begins with, and fields that are a part of a host."""
    begun: set[int] = set()
    for edit in edits(html):
        begun.add(edit.end)
        yield from _used(edit.expression, LINK, html.count("\n", 0, edit.begin) + 1)
    for tag in tags(html):
        if tag.name in {"a", "area"} and "href" in tag.values:
            begin, end = tag.values["href"]
            yield from _of_host(html, begin, end, begun)


def _of_host(html: str, begin: int, end: int, begun: set[int]) -> Iterator[FieldUse]:
    before, place = "", begin
    for piece, is_jinja in split_jinja(html[begin:end]):
        place += len(piece)
        if not is_jinja:
            before += piece
        elif not BEFORE_HOST.fullmatch(before):
            return
        elif piece.startswith("{{") and place not in begun:
            yield from _used(piece[2:-2].strip("-+ "), HOST, html.count("\n", 0, place) + 1)


def _used(expression: str, kind: str, line: int) -> Iterator[FieldUse]:
    in_time()
    try:
        tree = parse(f"{{{{ {expression} }}}}", "text")
    except RenderError:
        return
    printed = next(tree.find_all(nodes.Output)).nodes[0]
    if field := field_of(printed):
        yield FieldUse(field, kind, "", line)
