"""Finds the links of a design and replaces the counted ones by calls of `track`. Pure.

No other byte changes. designs.markup finds the links in HTML, designs.autolinks those in text.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from jinja2 import nodes
from jinja2.meta import find_undeclared_variables

from designs import autolinks, personal, references, weburls
from designs.fuel import in_time
from designs.marks import Marks
from designs.markup import masked, tags
from designs.rendering import RenderError, parse

# Links to these pages are never counted: unsubscribing must not depend on a redirect.
OWN = re.compile(r"\b(unsubscribe_url|preferences_url|view_url)\b")
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

    def call(self, url: str) -> str:
        """The call of `track` for the link. A personal link passes its values, which the mail
        keeps."""
        number = self.number(url)
        if values := personal.arguments(url):
            rest = personal.rest(url)
            named = "" if rest is None else f", rest={personal.quoted(rest)}"
            call = f"{{{{ track({number}, {values}{named}) }}}}"
            if _can_be_read(call):
                return call
        return f"{{{{ track({number}) }}}}"


def hrefs(html: str) -> list[tuple[int, int]]:
    """The positions of href values in `html`: (begin, end) without quotes."""
    return [
        tag.values["href"] for tag in tags(html) if tag.name in LINKING and "href" in tag.values
    ]


def track_html(html: str, links: Links) -> str:
    """The HTML with calls of `track` for counted links. Adds their URLs to `links`."""
    local = _local_names(html)
    pieces, last = [], 0
    for begin, end in hrefs(html):
        in_time()
        url = url_template(html[begin:end])
        if not _counted(url, local):
            continue
        pieces += [html[last:begin], links.call(url)]
        last = end
    return "".join([*pieces, html[last:]])


def track_text(text: str, links: Links) -> str:
    """The text with calls of `track` for URLs. URLs with merge fields stay as they are."""
    pieces, last = [], 0
    for begin, end in autolinks.find(masked(text)):
        pieces += [text[last:begin], links.call(text[begin:end])]
        last = end
    return "".join([*pieces, text[last:]])


def counting(html: str, links: Links) -> Callable[[str], str]:
    """For designs.plaintext: the function that writes a link of the HTML into the text."""
    local = _local_names(html)
    return lambda url: links.call(url) if _counted(url, local) else weburls.in_text(url)


def url_template(value: str) -> str:
    """The URL of an attribute's value. Character references are resolved outside expressions."""
    marks = Marks()
    return marks.show(weburls.clean(references.in_value(marks.hide(value))))


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
    # A loop's variable no longer exists when somebody clicks.
    return not find_undeclared_variables(tree) & local


def _local_names(html: str) -> set[str]:
    try:
        tree = parse(html, "html")
    except RenderError:
        return set()
    return {node.name for node in tree.find_all(nodes.Name) if node.ctx == "store"}


def _can_be_read(source: str) -> bool:
    try:
        parse(source, "html")
    except RenderError:
        return False
    return True
