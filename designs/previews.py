"""Renders a design as one person would get it, and makes it safe to show in a frame of our page."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext as _

from accounts.models import Workspace
from contacts.mergenames import CALLED
from contacts.models import Contact
from designs import fields, plaintext
from designs.checks import MailSource, check, too_large_for
from designs.fieldlinks import add_schemes, schemes_in_text
from designs.fuel import TimeUpError, in_time
from designs.inert import inert
from designs.language import of_mail
from designs.markup import Tag, tags
from designs.places import PLACES, BusyError
from designs.problems import ERROR, DesignProblem
from designs.references import in_value
from designs.rendering import PARTS, CompiledPart, RenderError, Urls
from designs.wording import said
from pages.oneline import one_line
from pages.registry import Registry

BUSY = "busy"
# Fonts of our own documents: of the plain text, and of a message in place of the mail. The latter
# is larger, because the frame shows the width of a mail in a narrower column.
CODE = "14px/1.6 ui-monospace,Consolas,Menlo,monospace"
WORDS = "18px/1.6 system-ui,sans-serif"
REMOTE = re.compile(r"\s*(https?:)?//", re.IGNORECASE)
# Attributes with the URL of an image, besides those that any element may have.
PICTURES = {
    "img": {"src", "srcset"},
    "input": {"src"},
    "source": {"srcset"},
    "image": {"href", "xlink:href"},
}
# CSS that loads an image from another server.
REMOTE_CSS = re.compile(r"""url\(\s*+(?:["']\s*+)?(?:https?:)?//[^)]*+\)""", re.IGNORECASE)
# Media queries and meta tags about the reader's theme. The preview decides them itself.
DARK_QUERY = re.compile(r"prefers-color-scheme\s*:\s*(dark|light)", re.IGNORECASE)
SCHEMES = re.compile(r"((?:color-scheme\s*:|content=[\"']?)\s*)light\s+dark\b", re.IGNORECASE)
ALWAYS, NEVER = "min-width: 0px", "max-width: 0px"
DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
    '<rect width="100%" height="100%" fill="#eceef1"/>'
    '<text x="50%" y="50%" text-anchor="middle" dominant-baseline="middle" '
    'font-family="sans-serif" font-size="14" fill="#5b6470">{words}</text></svg>'
)


class PreviewUrls:
    """URLs for a mail that was not sent. They lead nowhere."""

    unsubscribe = "#unsubscribe"
    preferences = "#preferences"
    view = "#view"
    open_pixel = None

    def click(self, number: int, personal: str | None = None) -> str:  # noqa: ARG002 - of Urls
        return f"#link-{number}"


# Makes the URLs of previews. The app that serves a mail's URLs registers ones whose pages change
# nothing.
urls: Registry[Callable[[], Urls]] = Registry()
# Change the subject of an advertising mail, for a contact or an invented person, as sending does.
subjects: Registry[Callable[[Workspace, Contact | None, str], str]] = Registry()


@dataclass(frozen=True, slots=True)
class Preview:
    """The rendered parts. A part that can't be rendered is "", and a problem says why."""

    subject: str = ""
    preheader: str = ""
    html: str = ""
    text: str = ""
    problems: list[DesignProblem] = field(default_factory=list)
    # The problems that keep a part from being shown.
    failed: list[DesignProblem] = field(default_factory=list)

    @property
    def teaser(self) -> str:
        """The text that inboxes show after the subject: the preheader, else the start of the
        mail."""
        return self.preheader or " ".join(self.text[:600].split())[:160]

    @property
    def has_foreign_tags(self) -> bool:
        return any(problem.code == "foreign_tag" for problem in self.problems)

    def failures(self, part: str) -> list[DesignProblem]:
        """The problems that keep the part from being shown. A text made from the HTML has those of
        the HTML."""
        own = [problem for problem in self.failed if problem.part == part]
        if own or part != "text" or self.text:
            return own
        return [problem for problem in self.failed if problem.part == "html"]


def render_preview(  # noqa: PLR0913 - the four parts of a mail and whom it is for
    workspace: Workspace,
    *,
    subject: str,
    preheader: str = "",
    html: str = "",
    text: str = "",
    contact: Contact | None = None,
) -> Preview:
    """The mail as this contact of the workspace would get it; without a contact, an invented
    person.

    Never raises for errors in the design: `problems` lists them, with part and line. It also
    reports a mail that takes too long, or that too many mails are being rendered now
    (designs.places).
    """
    source = MailSource(subject=subject, preheader=preheader, html=html, text=text)
    if too_large := too_large_for(source):
        return _without_a_picture(too_large)
    try:
        with PLACES.one(workspace.pk):
            return _preview(workspace, source, contact)
    except BusyError:
        words = _("Many mails are being rendered right now. Try again in a moment.")
        return _without_a_picture(DesignProblem(BUSY, ERROR, "html", 0, words))
    except TimeUpError:
        words = _("This mail takes too long to render. Make its loops and calculations smaller.")
        return _without_a_picture(DesignProblem("time", ERROR, "html", 0, words))


def as_advertising(preview: Preview, workspace: Workspace, contact: Contact | None) -> Preview:
    """The preview of a campaign's mail, whose subject may get a mark (`subjects`)."""
    for changed in subjects if preview.subject else ():
        preview = replace(preview, subject=changed(workspace, contact, preview.subject))
    return preview


def _without_a_picture(why: DesignProblem) -> Preview:
    return Preview(problems=[why], failed=[why])


def _preview(workspace: Workspace, source: MailSource, contact: Contact | None) -> Preview:
    problems = check(source, fields=fields.known_in_designs(workspace))
    values = fields.values(workspace, contact)
    rendered, failed = _render(source, values)
    if not source.text and any(problem.part == "html" for problem in failed):
        # The text is made from the HTML, so the same error would be reported twice.
        failed = [problem for problem in failed if problem.part != "text"]
    # Only errors replace a failure of the same line: a warning doesn't explain it.
    errors: dict[tuple[str, int], list[DesignProblem]] = {}
    for one in problems:
        if one.severity == ERROR:
            errors.setdefault((one.part, one.line), []).append(one)
    problems += [one for one in failed if (one.part, one.line) not in errors]
    problems.sort(key=lambda problem: problem.severity != ERROR)
    failed = [said for one in failed for said in errors.get((one.part, one.line), [one])]
    return Preview(**rendered, problems=problems, failed=failed)


def _render(
    source: MailSource, values: dict[str, Any]
) -> tuple[dict[str, str], list[DesignProblem]]:
    """Renders each part separately, so that a broken subject doesn't hide the mail."""
    given = next(iter(urls), PreviewUrls)()
    values = {
        **fields.samples(),
        **values,
        "unsubscribe_url": given.unsubscribe,
        "preferences_url": given.preferences,
        "view_url": given.view,
        CALLED["track"]: given.click,
    }
    sources = source.parts() | {"html": add_schemes(source.html)}
    sources["text"] = schemes_in_text(source.text) or plaintext.from_html(sources["html"])
    language = of_mail(sources)
    rendered, failed = dict.fromkeys(PARTS, ""), []
    for part in PARTS:
        in_time()
        try:
            rendered[part] = CompiledPart(sources[part], part, language).render(values)
        except RenderError as error:
            failed.append(DesignProblem("render", ERROR, part, error.line, said(error.message)))
        if part in {"subject", "preheader"}:
            rendered[part] = one_line(rendered[part])
        if part == "preheader":
            values["preheader"] = rendered[part]
    return rendered, failed


def framed(preview: Preview, part: str, *, images: bool, dark: bool = False) -> str:
    """The document for a sandboxed frame. `part`: "html" (the text if the mail has no HTML) or
    "text".

    Unless `images`, boxes with the alt text replace images of other servers. `dark`: as in a mail
    program with a dark theme, if the mail has styles for it; else always light.
    """
    if failures := preview.failures(part):
        return _excuse(failures)
    if part == "text" or not preview.html.strip():
        return _page(preview.text)
    html = inert(preview.html)
    html = html if images else without_remote(html)
    return with_base(in_theme(html, dark=dark))


def in_theme(html: str, *, dark: bool) -> str:
    """The mail as in a light or dark mail program, independent of the theme of our page."""
    wanted = "dark" if dark else "light"
    html = DARK_QUERY.sub(lambda found: ALWAYS if found[1].lower() == wanted else NEVER, html)
    return SCHEMES.sub(rf"\g<1>{wanted}", html)


def _failure(problem: DesignProblem) -> str:
    if problem.line:
        return _("Line %(line)d: %(text)s") % {"line": problem.line, "text": problem.text}
    return problem.text


def _excuse(failures: Sequence[DesignProblem]) -> str:
    """The document shown instead of the mail: its errors with their lines. If the process is busy,
    our script tries again soon (frontend/src/designs.js)."""
    lines = "\n".join(map(_failure, failures))
    if any(problem.code == BUSY for problem in failures):
        return _page(lines, font=WORDS, mark=" data-busy")
    return _page(
        f"{_('This mail cannot be shown until this is corrected:')}\n\n{lines}", font=WORDS
    )


def _page(text: str, *, font: str = CODE, mark: str = "") -> str:
    """The text as an HTML document. URLs don't become links, as in many mail programs."""
    return (
        '<!doctype html><meta charset="utf-8"><title></title>'
        '<meta name="viewport" content="width=device-width">'
        f'<body{mark} style="margin:0;background:#fff;color:#1f2328"><pre tabindex="0" '
        f'style="margin:0;padding:16px;font:{font};white-space:pre-wrap;overflow-wrap:anywhere">'
        f"{escape(text)}</pre>"
    )


def with_base(html: str) -> str:
    """Makes links open in a new tab, not in the frame."""
    head = next((tag.end for tag in tags(html) if tag.name == "head"), None)
    if head is None:
        doctype = re.match(r"\s*<!doctype[^>]*>", html, re.IGNORECASE)
        head = doctype.end() if doctype else 0
    return f'{html[:head]}<base target="_blank">{html[head:]}'


def count_remote(html: str) -> int:
    """The number of images from other servers in the rendered HTML."""
    pictures = sum(1 for tag in tags(html) if _remote(html, tag))
    return pictures + len(REMOTE_CSS.findall(html, 0, _last_closed(html)))


def _remote(html: str, tag: Tag) -> bool:
    return any(
        REMOTE.match(in_value(html[slice(*tag.values[name])])) is not None
        for name in _picture_values(tag)
    )


def _picture_values(tag: Tag) -> list[str]:
    """The attributes with the URL of an image, in order."""
    named = {"background", "poster"} | PICTURES.get(tag.name, set())
    return sorted(named & tag.values.keys(), key=tag.values.__getitem__)


def without_remote(html: str) -> str:
    """The rendered HTML, with boxes and their alt text instead of images from other servers."""
    pieces, last = [], 0
    for tag in tags(html):
        if not _remote(html, tag):
            continue
        for name in _picture_values(tag):
            begin, end = tag.values[name]
            is_drawn = tag.name == "img" and name == "src"
            pieces += [html[last:begin], _drawing(html, tag.values) if is_drawn else ""]
            last = end
    drawn = "".join([*pieces, html[last:]])
    end = _last_closed(drawn)
    return REMOTE_CSS.sub("none", drawn[:end]) + drawn[end:]


def _last_closed(html: str) -> int:
    """The last possible end of a `url(…)`. Without this limit, each unclosed `url(` would be read
    to the end of the text."""
    return html.rfind(")") + 1


def _drawing(html: str, values: dict[str, tuple[int, int]]) -> str:
    def value(name: str) -> str:
        return in_value(html[slice(*values[name])]) if name in values else ""

    width, height = (_pixels(value("width"), 240), _pixels(value("height"), 0))
    alt = " ".join(value("alt").split())
    words = alt if len(alt) <= width // 8 else alt[: max(width // 8 - 1, 0)] + "…"
    svg = DRAWING.format(width=width, height=height or max(width // 3, 40), words=escape(words))
    return f"data:image/svg+xml,{quote(svg)}"


def _pixels(value: str, other: int) -> int:
    digits = re.match(r"\s*(\d{1,4})\s*(px)?\s*$", value)
    return int(digits[1]) if digits else other
