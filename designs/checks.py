"""What is wrong or unwise about a design, with the part and line. Pure.

Errors keep a campaign from being sent; warnings are to be looked at.
"""

import re
from bisect import bisect
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from jinja2 import nodes

from designs import plaintext
from designs.links import hrefs, url_template
from designs.markup import TAG_OPEN, comments, tags, without_jinja
from designs.rendering import CALLABLE, RenderError, fields_used, names_from_outside, parse
from designs.wording import said

# Always there, besides the contact's fields.
GIVEN = {"unsubscribe_url", "view_url", "workspace", "preheader", "open_pixel_url", *CALLABLE}
# Gmail shows no more of an HTML part than this, in bytes.
CLIPPED_AT = 102 * 1024
LONG_SUBJECT = 70
MOST_OF_A_KIND = 20

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    code: str
    severity: str
    part: str
    # From 1; 0: the part as a whole.
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """What is checked."""

    subject: str
    html: str
    text: str = ""
    preheader: str = ""

    def parts(self) -> dict[str, str]:
        return {
            "subject": self.subject,
            "preheader": self.preheader,
            "html": self.html,
            "text": self.text,
        }


def check(
    source: Source, *, fields: Collection[str], missing: Mapping[str, int] | None = None
) -> list[Problem]:
    """`fields`: the merge fields that exist. `missing`: for how many recipients a field is empty.

    Errors come first, in the order of parts and lines.
    """
    problems: list[Problem] = []
    for part, words in source.parts().items():
        problems += _check_fields(part, words, set(fields), missing or {})
    problems += [*_check_subject(source), *_check_html(source.html), *_check_text(source)]
    return sorted(_few(problems), key=lambda problem: problem.severity != ERROR)


def used_fields(source: Source) -> set[str]:
    """Every merge field of the parts that can be read."""
    used: set[str] = set()
    for part, words in source.parts().items():
        try:
            used |= fields_used(words, part)
        except RenderError:
            continue
    return used - GIVEN


def _check_fields(
    part: str, words: str, fields: set[str], missing: Mapping[str, int]
) -> list[Problem]:
    try:
        tree = parse(words, part)
        used = names_from_outside(tree)
    except RenderError as error:
        return [Problem("syntax", ERROR, part, error.line, said(error.message))]
    problems = []
    for name in sorted(used - GIVEN):
        line = _line_of(tree, name)
        if name not in fields:
            text = _("There is no merge field named %(name)s.") % {"name": name}
            problems.append(Problem("unknown_field", ERROR, part, line, text))
        elif missing.get(name) and not _has_default(tree, name):
            text = ngettext(
                "%(count)d recipient has no %(name)s, and there is no default.",
                "%(count)d recipients have no %(name)s, and there is no default.",
                missing[name],
            ) % {"count": missing[name], "name": name}
            problems.append(Problem("no_default", WARNING, part, line, text))
    return problems


def _line_of(tree: nodes.Template, name: str) -> int:
    return min((n.lineno for n in tree.find_all(nodes.Name) if n.name == name), default=0)


def _has_default(tree: nodes.Template, name: str) -> bool:
    """Whether every use of the field is in a default filter or behind a test of it."""
    safe: set[int] = set()
    for outer in tree.find_all((nodes.Filter, nodes.If, nodes.CondExpr)):
        if isinstance(outer, nodes.Filter):
            sheltered = outer.name in {"default", "d"}
        else:
            sheltered = isinstance(outer, nodes.If | nodes.CondExpr) and name in _names(outer.test)
        if sheltered:
            safe |= {id(inner) for inner in outer.find_all(nodes.Name)}
    return all(id(n) in safe for n in tree.find_all(nodes.Name) if n.name == name)


def _names(node: nodes.Node) -> set[str]:
    own = {node.name} if isinstance(node, nodes.Name) else set()
    return own | {inner.name for inner in node.find_all(nodes.Name)}


def _check_subject(source: Source) -> list[Problem]:
    subject = without_jinja(source.subject).strip()
    if not source.subject.strip():
        return [Problem("no_subject", ERROR, "subject", 0, _("The subject is empty."))]
    if len(subject) > LONG_SUBJECT:
        text = _("The subject is long: most inboxes show about %(count)d characters.")
        return [
            Problem("long_subject", WARNING, "subject", 0, text % {"count": LONG_SUBJECT}),
        ]
    return []


def _check_html(html: str) -> list[Problem]:
    if not html.strip():
        return []
    problems = []
    size = len(html.encode())
    if size > CLIPPED_AT:
        text = _("The HTML has %(size)d KB; Gmail clips mails above 102 KB.") % {
            "size": size // 1024
        }
        problems.append(Problem("clipped", WARNING, "html", 0, text))
    ends = [found.start() for found in re.finditer("\n", html)]
    for tag in tags(html):
        if tag.name == "img" and "alt" not in tag.values:
            text = _("This image has no alt text; many readers see that instead of it.")
            line = bisect(ends, tag.begin) + 1
            problems.append(Problem("no_alt", WARNING, "html", line, text))
    problems += _check_comments(html, ends)
    return problems + [
        Problem(code, WARNING, "html", bisect(ends, begin) + 1, text)
        for begin, end in hrefs(html)
        for code, text in _check_link(url_template(html[begin:end]))
    ]


def _check_comments(html: str, ends: list[int]) -> list[Problem]:
    """A `{#` that was meant as text takes all with it up to the next `#}`."""
    problems = []
    for begin, end in comments(html):
        if TAG_OPEN.search(html, begin, end):
            text = _("The comment {# … #} leaves out HTML from here to line %(line)d.")
            words = text % {"line": bisect(ends, end) + 1}
            line = bisect(ends, begin) + 1
            problems.append(Problem("comment_with_html", WARNING, "html", line, words))
    return problems


def _few(problems: list[Problem]) -> list[Problem]:
    """No more than some of a kind: the rest is a number."""
    shown: list[Problem] = []
    kinds: dict[str, list[Problem]] = {}
    for problem in problems:
        kinds.setdefault(problem.code, []).append(problem)
    for alike in kinds.values():
        shown += alike[:MOST_OF_A_KIND]
        if more := len(alike[MOST_OF_A_KIND:]):
            text = ngettext(
                "… and %(count)d more like this.", "… and %(count)d more like these.", more
            )
            shown.append(replace(alike[0], line=0, text=text % {"count": more}))
    return shown


def _check_link(url: str) -> list[tuple[str, str]]:
    if url in {"", "#"}:
        return [("empty_link", _("This link leads nowhere."))]
    if url.lower().startswith("http://"):
        return [("insecure_link", _("This link is not encrypted; use https:// if the site can."))]
    return []


def _check_text(source: Source) -> list[Problem]:
    problems = []
    text = source.text or plaintext.from_html(source.html)
    if not source.html.strip() and not source.text.strip():
        problems.append(Problem("empty", ERROR, "html", 0, _("The mail is empty.")))
    elif not text.strip():
        words = _("The plain-text part would be empty; write one, or put words into the HTML.")
        problems.append(Problem("empty_text", ERROR, "text", 0, words))
    for part, words in (("html", source.html), ("text", text)):
        if words.strip() and not _may_leave(words, part):
            said = _("There is no unsubscribe link; put {{ unsubscribe_url }} where it belongs.")
            problems.append(Problem("no_unsubscribe", ERROR, part, 0, said))
            break
    return problems


def _may_leave(words: str, part: str) -> bool:
    try:
        return "unsubscribe_url" in fields_used(words, part)
    except RenderError:  # is told as a syntax error
        return True
