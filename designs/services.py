"""Creates, saves, duplicates and archives designs, and freezes a design into a content."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from designs import bodies, plaintext
from designs.exceptions import DesignsError
from designs.fieldlinks import add_schemes, schemes_in_text
from designs.foreign import Foreign, convert, find
from designs.links import Links, counting, track_html, track_text
from designs.models import Content, Design, Unconverted
from designs.rendering import Renderer, check_work
from pages import locales

EDITABLE = ("name", "subject", "preheader", "html", "text")

# Inboxes show it after the subject; the open mail hides it. The filler keeps the start of the mail
# from being shown there, too.
PREHEADER = (
    '<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">{{ preheader }}'
    + "&#847;&zwnj;&nbsp;" * 40
    + "</div>"
)
PIXEL = (
    '{% if open_pixel_url %}<img src="{{ open_pixel_url }}" width="1" height="1" alt="" '
    'style="display:block;width:1px;height:1px;border:0">{% endif %}'
)
# A line with its end, which is CRLF, LF, CR or none.
LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")


class DesignError(DesignsError):
    """A design can't be saved or frozen. The text says why."""


class DesignConflictError(DesignError):
    """Somebody else has saved the design since it was opened."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The content of the editor. HTML and text are kept byte for byte."""

    name: str
    subject: str = ""
    preheader: str = ""
    html: str = ""
    text: str = ""


def as_typed(old: str, new: str) -> str:
    """`new`, as a browser sends it, with the line ends of `old`.

    Browsers turn every line end of a form into CRLF. Unchanged lines are kept byte for byte.
    Changed lines get the line end that most lines of the old text have.
    """
    before, after = LINE.findall(old), LINE.findall(_lf(new))
    same = [_lf(line) for line in before]
    head = _common(same, after)
    tail = _common(same[head:][::-1], after[head:][::-1])
    ends = "\r\n" if old.count("\r\n") * 2 > len(re.findall(r"\r\n?|\n", old)) else "\n"
    changed = [line.replace("\n", ends) for line in after[head : len(after) - tail]]
    return "".join([*before[:head], *changed, *before[len(before) - tail :]])


def _common(some: list[str], others: list[str]) -> int:
    """The number of equal lines at the start."""
    pairs = enumerate(zip(some, others, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(some), len(others)))


def _lf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def create(workspace: Workspace, draft: Draft, *, by: User | None = None) -> Design:
    values = {name: getattr(draft, name) for name in EDITABLE}
    return Design.objects.create(workspace=workspace, created_by=by, updated_by=by, **values)


def save(design: Design, draft: Draft, *, version: int, by: User | None = None) -> Design:
    """Saves over `version`. Raises DesignConflictError if a newer version exists.

    A draft without changes makes no new version.
    """
    if draft_of(design) == draft and design.version == version:
        return design
    saved = Design.objects.filter(pk=design.pk, version=version).update(
        **{name: getattr(draft, name) for name in EDITABLE},
        version=F("version") + 1,
        updated_at=timezone.now(),
        updated_by=by,
    )
    design.refresh_from_db()
    if not saved and draft_of(design) != draft:
        raise DesignConflictError(
            _("%(who)s saved this design at %(time)s, after you opened it.")
            % {
                "who": design.updated_by or _("Somebody"),
                "time": locales.clock(design.updated_at),
            }
        )
    return design


def keep_mine(design: Design, draft: Draft, *, by: User | None = None) -> Design:
    """Ends a conflict: the draft becomes the design, and the other person's version becomes a copy.
    Returns the copy."""
    with transaction.atomic():
        theirs = Design.objects.select_for_update().get(pk=design.pk)
        copy = _copy(theirs, draft_of(theirs), _("other version"), theirs.updated_by)
        save(theirs, draft, version=theirs.version, by=by)
    design.refresh_from_db()
    return copy


def take_theirs(design: Design, draft: Draft, *, by: User | None = None) -> Design:
    """Ends a conflict: the design stays as it was saved, and the draft becomes a copy. Returns the
    copy."""
    return _copy(design, draft, _("my version"), by)


def draft_of(design: Design) -> Draft:
    return Draft(**{name: getattr(design, name) for name in EDITABLE})


def _copy(design: Design, draft: Draft, what: str, by: User | None) -> Design:
    # Leaves room for the addition: a name has at most 150 characters.
    named = f"{draft.name[:120]} ({what})"
    return create(design.workspace, replace(draft, name=named), by=by)


def duplicate(design: Design, *, by: User | None = None) -> Design:
    return _copy(design, draft_of(design), _("copy"), by)


def archive(design: Design) -> None:
    Design.objects.filter(pk=design.pk, archived_at=None).update(archived_at=timezone.now())


def restore(design: Design) -> None:
    Design.objects.filter(pk=design.pk).update(archived_at=None)


def with_preheader(html: str) -> str:
    """Inserts the hidden preheader at the start of the body."""
    begin = bodies.begin(html)
    return html[:begin] + PREHEADER + html[begin:]


def with_pixel(html: str) -> str:
    """Inserts the open pixel at the end of the body."""
    end = bodies.end(html)
    return html[:end] + PIXEL + html[end:]


def compile_parts(
    *, subject: str, preheader: str, html: str, text: str, track_clicks: bool
) -> dict[str, Any]:
    """The fields of a Content. Raises rendering.RenderError if a part can't be compiled."""
    check_work({"subject": subject, "preheader": preheader, "html": html, "text": text})
    links = Links()
    html, text = add_schemes(html), schemes_in_text(text)
    if track_clicks:
        counted = track_html(html, links)
        text = track_text(text, links) if text else plaintext.from_html(html, counting(html, links))
        html = counted
    else:
        text = text or plaintext.from_html(html)
    if html.strip():
        html = with_pixel(with_preheader(html) if preheader.strip() else html)
    Renderer(subject=subject, preheader=preheader, html=html, text=text)
    return {
        "subject": subject,
        "preheader": preheader,
        "html": html,
        "text": text,
        "links": links.urls,
    }


def freeze(
    design: Design,
    *,
    subject: str,
    preheader: str = "",
    track_clicks: bool = True,
) -> Content:
    """Makes the immutable copy that a mailing sends. Raises rendering.RenderError.

    Every content has the open pixel. A mail shows it only if the message's Urls have one.
    """
    parts = compile_parts(
        subject=subject,
        preheader=preheader,
        html=design.html,
        text=design.text,
        track_clicks=track_clicks,
    )
    return Content.objects.create(workspace=design.workspace, design=design, **parts)


PARTS = ("subject", "preheader", "html", "text")


def foreign_tags(design: Design, known: Collection[str]) -> list[Foreign]:
    """The merge tags of other programs in all parts of the design."""
    parts = ((part, getattr(design, part)) for part in PARTS)
    return [tag for part, words in parts for tag in find(words, known, html=part == "html")]


def convert_tags(
    design: Design,
    known: Collection[str],
    *,
    chosen: Mapping[str, str] | None,
    version: int,
    by: User | None = None,
) -> int:
    """Converts merge tags of other programs into our language. Returns their number. `chosen`: see
    designs.foreign.convert. Raises DesignConflictError. `undo_conversion` undoes it."""
    before = {part: getattr(design, part) for part in PARTS}
    parts, count = {}, 0
    for part, words in before.items():
        parts[part], more = convert(words, known, chosen=chosen, html=part == "html")
        count += more
    with transaction.atomic():
        save(design, replace(draft_of(design), **parts), version=version, by=by)
        if count:
            kept = {"version": design.version, "parts": before}
            Unconverted.objects.update_or_create(design=design, defaults=kept)
    return count


def unconverted(design: Design) -> Unconverted | None:
    """The design before its tags were converted; None if it has been changed since."""
    return Unconverted.objects.filter(design=design, version=design.version).first()


def undo_conversion(design: Design, *, by: User | None = None) -> None:
    """Restores the design. Raises DesignError if it has been changed since the conversion."""
    with transaction.atomic():
        locked = Design.objects.select_for_update().get(pk=design.pk)
        before = unconverted(locked)
        if before is None:
            raise DesignError(_("The design was changed since then, so this can’t be undone."))
        save(locked, replace(draft_of(locked), **before.parts), version=locked.version, by=by)
        before.delete()
    design.refresh_from_db()
