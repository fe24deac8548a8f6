"""Finds the links of a design and replaces those that are counted by calls of `track(n)`. Pure.

Nothing else changes by a byte. Jinja expressions and HTML comments are masked by as many other
characters while tags are looked for, so a quote or `>` inside an expression misleads nobody.
"""

import re
from dataclasses import dataclass, field
from html import unescape

from jinja2 import nodes
from jinja2.meta import find_undeclared_variables

from designs.rendering import RenderError, parse

JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
HIDDEN = re.compile(r"<!--.*?-->|<(script|style|title)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
TAG = re.compile(r"""<(?:a|area)\b(?:[^>"']|"[^"]*"|'[^']*')*>""", re.IGNORECASE)
HREF = re.compile(r"""(?<![\w-])href\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+))""", re.IGNORECASE)
PLAIN_URL = re.compile(r"https?://[^\s<>\"'{}|\\^`\x00-\x20，。；）】》]+")
# Links to these pages of ours are never counted: leaving must not depend on a redirect.
OWN = re.compile(r"\b(unsubscribe_url|view_url)\b")


@dataclass
class Links:
    """URL templates by number; the same URL has one number in HTML and text."""

    urls: list[str] = field(default_factory=list)

    def number(self, url: str) -> int:
        if url not in self.urls:
            self.urls.append(url)
        return self.urls.index(url)


def _masked(source: str, pattern: re.Pattern[str]) -> str:
    return pattern.sub(lambda found: "\x01" * len(found[0]), source)


def hrefs(html: str) -> list[tuple[int, int]]:
    """Where the values of href stand in `html`: (begin, end) without quotes."""
    masked = _masked(_masked(html, JINJA), HIDDEN)
    found = []
    for tag in TAG.finditer(masked):
        href = HREF.search(tag[0])
        if href:
            group = next(n for n in (1, 2, 3) if href[n] is not None)
            found.append((tag.start() + href.start(group), tag.start() + href.end(group)))
    return found


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
    masked = _masked(text, JINJA)
    pieces, last = [], 0
    for found in PLAIN_URL.finditer(masked):
        # A URL that goes on in an expression is left: its end can't be known.
        end = found.end() - (len(found[0]) - len(found[0].rstrip(".,;:!?)")))
        if masked[end : end + 1] == "\x01":
            continue
        url = text[found.start() : end]
        pieces += [text[last : found.start()], f"{{{{ track({links.number(url)}) }}}}"]
        last = end
    return "".join([*pieces, text[last:]])


def _url_template(value: str) -> str:
    """The URL of an attribute value: entities are resolved outside of expressions."""
    pieces, last = [], 0
    for found in JINJA.finditer(value):
        pieces += [unescape(value[last : found.start()]), found[0]]
        last = found.end()
    return "".join([*pieces, unescape(value[last:])]).strip()


def _counted(url: str, local: set[str]) -> bool:
    if OWN.search(url):
        return False
    if not url.lower().startswith(("http://", "https://", "{{")):
        return False
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
