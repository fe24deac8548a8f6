"""Finds the links of a design and replaces those that are counted by calls of `track(n)`. Pure.

Nothing else changes by a byte (designs.markup finds the places).
"""

import re
from dataclasses import dataclass, field
from html import unescape

from jinja2 import nodes
from jinja2.meta import find_undeclared_variables

from designs.markup import MASK, masked, split_jinja, tags
from designs.rendering import RenderError, parse

PLAIN_URL = re.compile(r"https?://[^\s<>\"'{}|\\^`\x00-\x20，。；）】》]+")
# Links to these pages of ours are never counted: leaving must not depend on a redirect.
OWN = re.compile(r"\b(unsubscribe_url|view_url)\b")
LINKING = {"a", "area"}


@dataclass
class Links:
    """URL templates by number; the same URL has one number in HTML and text."""

    numbers: dict[str, int] = field(default_factory=dict)

    @property
    def urls(self) -> list[str]:
        return list(self.numbers)

    def number(self, url: str) -> int:
        return self.numbers.setdefault(url, len(self.numbers))


def hrefs(html: str) -> list[tuple[int, int]]:
    """Where the values of href stand in `html`: (begin, end) without quotes."""
    return [
        tag.values["href"] for tag in tags(html) if tag.name in LINKING and "href" in tag.values
    ]


def track_html(html: str, links: Links) -> str:
    """HTML whose counted links are `{{ track(n) }}`; their URLs are added to `links`."""
    local = _local_names(html)
    pieces, last = [], 0
    for begin, end in hrefs(html):
        url = _url_template(html[begin:end])
        if not _counted(url, local):
            continue
        pieces += [html[last:begin], f"{{{{ track({links.number(url)}) }}}}"]
        last = end
    return "".join([*pieces, html[last:]])


def track_text(text: str, links: Links) -> str:
    """Text whose plain URLs are `{{ track(n) }}`."""
    hidden = masked(text)
    pieces, last = [], 0
    for found in PLAIN_URL.finditer(hidden):
        # A URL that goes on in an expression is left: its end can't be known.
        end = found.end() - (len(found[0]) - len(found[0].rstrip(".,;:!?)")))
        if hidden[end : end + 1] == MASK:
            continue
        url = text[found.start() : end]
        pieces += [text[last : found.start()], f"{{{{ track({links.number(url)}) }}}}"]
        last = end
    return "".join([*pieces, text[last:]])


def _url_template(value: str) -> str:
    """The URL of an attribute value: entities are resolved outside of expressions."""
    pieces = (words if is_jinja else unescape(words) for words, is_jinja in split_jinja(value))
    return "".join(pieces).strip()


def _counted(url: str, local: set[str]) -> bool:
    if OWN.search(url):
        return False
    if not url.lower().startswith(("http://", "https://", "{{")):
        return False
    if "{" not in url:
        return True
    try:
        tree = parse(url, "text")
    except RenderError:
        return False
    # A loop's variable is not there any more when somebody clicks.
    return not find_undeclared_variables(tree) & local


def _local_names(html: str) -> set[str]:
    try:
        tree = parse(html, "html")
    except RenderError:
        return set()
    return {node.name for node in tree.find_all(nodes.Name) if node.ctx == "store"}
