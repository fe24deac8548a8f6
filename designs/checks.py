"""Finds the problems of a design, with their part and line. Pure.

A campaign with errors can't be sent. Warnings don't prevent it.
"""

import re
from bisect import bisect, bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from jinja2 import nodes

from designs import foreign, foreignwords, linkuses, linkwords, plaintext
from designs.fieldchecks import GIVEN, KnownFields, check_fields
from designs.fielduses import Use, uses
from designs.fuel import in_time
from designs.markup import TAG_OPEN, comments, tags, without_jinja
from designs.problems import ERROR, WARNING, DesignProblem
from designs.rendering import RenderError, check_work, fields_used, names_from_outside, parse
from designs.trials import TrialFailure
from designs.weblinks import references
from designs.wording import said

# Gmail shows no more of an HTML part than this, in bytes.
CLIPPED_AT = 102 * 1024
LONG_SUBJECT = 70
MOST_OF_A_KIND = 20
# The merge field for the workspace's postal address.
ADDRESS_FIELD = "workspace.address"
EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}\.\w", re.ASCII)


@dataclass(frozen=True, slots=True)
class MailSource:
    """The parts of a mail to check."""

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
    source: MailSource,
    *,
    fields: Collection[str],
    missing: Mapping[str, int] | None = None,
    unfit: Mapping[Use, tuple[int, str]] | None = None,
    failing: Sequence[TrialFailure] = (),
) -> list[DesignProblem]:
    """The problems of a mail. `fields`: the existing merge fields. `missing`: the number of
    recipients whose field is empty. `unfit`: the number of recipients whose value doesn't fit the
    use, and one such value. `failing`: the failures that designs.trials found.

    Errors come first, in the order of parts and lines.
    """
    if too_large := too_large_for(source):
        return [too_large]
    known = KnownFields(frozenset(fields), missing or {}, unfit or {}, failing)
    problems: list[DesignProblem] = []
    for part, words in source.parts().items():
        in_time()
        tags = foreign.find(words, known.fields, html=part == "html")
        problems += [foreignwords.problem(tag, part) for tag in tags]
        problems += check_fields(part, foreign.without(words, tags), known)
        if part == "html":
            problems += _check_html(words, [tag.begin for tag in tags])
    in_time()
    problems += [*_check_subject(source), *_check_text(source)]
    return sorted(_few(problems), key=lambda problem: problem.severity != ERROR)


def too_large_for(source: MailSource) -> DesignProblem | None:
    """The problem of a mail that is too large to be read; else None."""
    try:
        check_work(source.parts())
    except RenderError as error:
        return DesignProblem("syntax", ERROR, error.part, 0, said(error.message))
    return None


def made_text(html: str) -> str:
    """The plain text made from the HTML; "" if the HTML is too large to be read."""
    is_read = too_large_for(MailSource(subject="", html=html)) is None
    return plaintext.from_html(html) if is_read else ""


def used_fields(source: MailSource) -> set[str]:
    """Every merge field in the parts that can be parsed."""
    return {name for tree in _trees(source) for name in names_from_outside(tree)} - GIVEN


def names_postal_address(source: MailSource, address: str) -> bool:
    """Whether the body has the workspace's postal address, as a merge field or in words."""
    for part, words in (("html", source.html), ("text", source.text)):
        with suppress(RenderError):
            if words and ADDRESS_FIELD in _paths(parse(words, part)):
                return True
    return _folded(address) in _folded(_body(source))


def names_email_address(source: MailSource, address: str) -> bool:
    """Whether the body has an e-mail address, perhaps that in the workspace's postal address."""
    if EMAIL.search(_body(source)):
        return True
    return bool(EMAIL.search(address)) and names_postal_address(source, address)


def _paths(tree: nodes.Template) -> set[str]:
    """The attributes of names that it uses: "workspace.address"."""
    return {
        f"{one.node.name}.{one.attr}"
        for one in tree.find_all(nodes.Getattr)
        if isinstance(one.node, nodes.Name)
    }


def _body(source: MailSource) -> str:
    """The body in words: without tags, and with the addresses of links."""
    return f"{made_text(source.html)} {source.text}"


def _folded(words: str) -> str:
    """Without spaces, lines and commas, which differ between a form and a footer."""
    return "".join(one for one in words.casefold() if one.isalnum())


def used_values(source: MailSource) -> set[Use]:
    """The merge fields whose values must be numbers, dates or addresses, with the kind."""
    if too_large_for(source):
        return set()
    found = [use for tree in _trees(source) for use in uses(tree)]
    return {(use.field, use.kind) for use in [*found, *linkuses.uses(source.html)]}


def _trees(source: MailSource) -> Iterator[nodes.Template]:
    for part, words in source.parts().items():
        try:
            yield parse(words, part)
        except RenderError:
            continue


def _check_subject(source: MailSource) -> list[DesignProblem]:
    subject = without_jinja(source.subject).strip()
    if not source.subject.strip():
        return [DesignProblem("no_subject", ERROR, "subject", 0, _("The subject is empty."))]
    if len(subject) > LONG_SUBJECT:
        text = _("The subject is long: most inboxes show about %(count)d characters.")
        return [
            DesignProblem("long_subject", WARNING, "subject", 0, text % {"count": LONG_SUBJECT}),
        ]
    return []


def _check_html(html: str, foreign_tags: Sequence[int]) -> list[DesignProblem]:
    """`foreign_tags`: positions of merge tags of other programs, whose values are unknown."""
    if not html.strip():
        return []
    problems = []
    size = len(html.encode())
    if size > CLIPPED_AT:
        text = _("The HTML has %(size)d KB; Gmail clips mails above 102 KB.") % {
            "size": size // 1024
        }
        problems.append(DesignProblem("clipped", WARNING, "html", 0, text))
    ends = [found.start() for found in re.finditer("\n", html)]
    for tag in tags(html):
        if tag.name == "img" and "alt" not in tag.values:
            text = _("This image has no alt text; many readers see that instead of it.")
            line = bisect(ends, tag.begin) + 1
            problems.append(DesignProblem("no_alt", WARNING, "html", line, text))
    problems += _check_comments(html, ends)
    return problems + [
        DesignProblem(code, WARNING, "html", bisect(ends, one.begin) + 1, text)
        for one in references(html)
        if not _any_within(foreign_tags, one.begin, one.begin + len(one.url))
        for code, text in linkwords.said(one)
    ]


def _any_within(places: Sequence[int], begin: int, end: int) -> bool:
    """Whether one of the sorted places is in the range."""
    first = bisect_left(places, begin)
    return first < len(places) and places[first] < end


def _check_comments(html: str, ends: list[int]) -> list[DesignProblem]:
    """Warns of comments that contain HTML: a `{#` meant as text hides everything up to the next
    `#}`."""
    problems = []
    for begin, end in comments(html):
        if TAG_OPEN.search(html, begin, end):
            text = _("The comment {# … #} leaves out HTML from here to line %(line)d.")
            words = text % {"line": bisect(ends, end) + 1}
            line = bisect(ends, begin) + 1
            problems.append(DesignProblem("comment_with_html", WARNING, "html", line, words))
    return problems


def _few(problems: list[DesignProblem]) -> list[DesignProblem]:
    """At most MOST_OF_A_KIND problems of each kind, and one with the number of the others."""
    shown: list[DesignProblem] = []
    kinds: dict[str, list[DesignProblem]] = {}
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


def _check_text(source: MailSource) -> list[DesignProblem]:
    problems = []
    text = source.text or plaintext.from_html(source.html)
    if not source.html.strip() and not source.text.strip():
        problems.append(DesignProblem("empty", ERROR, "html", 0, _("The mail is empty.")))
    elif not text.strip():
        words = _("The plain-text part would be empty; write one, or put words into the HTML.")
        problems.append(DesignProblem("empty_text", ERROR, "text", 0, words))
    for part, words in (("html", source.html), ("text", text)):
        if words.strip() and not _may_leave(words, part):
            said = _("There is no unsubscribe link; put {{ unsubscribe_url }} where it belongs.")
            problems.append(DesignProblem("no_unsubscribe", ERROR, part, 0, said))
            break
    return problems


def _may_leave(words: str, part: str) -> bool:
    try:
        return "unsubscribe_url" in fields_used(words, part)
    except RenderError:  # already reported as a syntax error
        return True
