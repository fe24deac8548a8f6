"""The verbs of designs: create, save, duplicate, archive, and freeze into a content."""

import re
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from designs import plaintext
from designs.links import Links, track_html, track_text
from designs.markup import masked, tags
from designs.models import Content, Design
from designs.rendering import Renderer

EDITABLE = ("name", "subject", "preheader", "html", "text")

# Shown by inboxes behind the subject, not by the open mail; the filler keeps what follows out.
PREHEADER = (
    '<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">{{ preheader }}'
    + "&#847;&zwnj;&nbsp;" * 40
    + "</div>"
)
PIXEL = (
    '{% if open_pixel_url %}<img src="{{ open_pixel_url }}" width="1" height="1" alt="" '
    'style="display:block;width:1px;height:1px;border:0">{% endif %}'
)
BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)


class DesignError(Exception):
    """A design can't be saved or frozen; the text says why."""


class VersionConflictError(DesignError):
    """Somebody else saved the design since it was opened."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What an editor sends. HTML and text are kept byte for byte."""

    name: str
    subject: str = ""
    preheader: str = ""
    html: str = ""
    text: str = ""


def as_typed(old: str, new: str) -> str:
    """`new` as a browser sends it, with the line ends that the author's own text has.

    Browsers turn every line end of a form into CRLF. Untouched text is kept to the byte; changed
    text gets the line ends of most lines of the old one.
    """
    if _lf(old) == _lf(new):
        return old
    return _lf(new).replace("\n", "\r\n") if old.count("\r\n") * 2 > old.count("\n") else _lf(new)


def _lf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def create(workspace: Workspace, draft: Draft, *, by: User | None = None) -> Design:
    return Design.objects.create(
        workspace=workspace, created_by=by, **{name: getattr(draft, name) for name in EDITABLE}
    )


def save(design: Design, draft: Draft, *, version: int) -> Design:
    """Saves over `version`; raises VersionConflictError when there is a newer one."""
    saved = Design.objects.filter(pk=design.pk, version=version).update(
        **{name: getattr(draft, name) for name in EDITABLE},
        version=F("version") + 1,
        updated_at=timezone.now(),
    )
    design.refresh_from_db()
    if not saved:
        raise VersionConflictError(
            _("Somebody saved this design at %(time)s, after you opened it.")
            % {"time": timezone.localtime(design.updated_at).strftime("%H:%M")}
        )
    return design


def duplicate(design: Design, *, by: User | None = None) -> Design:
    draft = Draft(**{name: getattr(design, name) for name in EDITABLE})
    copy = create(design.workspace, draft, by=by)
    Design.objects.filter(pk=copy.pk).update(
        name=_("%(name)s (copy)") % {"name": design.name[:130]}
    )
    copy.refresh_from_db()
    return copy


def archive(design: Design) -> None:
    Design.objects.filter(pk=design.pk, archived_at=None).update(archived_at=timezone.now())


def restore(design: Design) -> None:
    Design.objects.filter(pk=design.pk).update(archived_at=None)


def with_preheader(html: str) -> str:
    """The preheader as the first thing in the body, hidden."""
    place = max((tag.end for tag in tags(html) if tag.name in {"html", "body"}), default=0)
    return html[:place] + PREHEADER + html[place:]


def with_pixel(html: str) -> str:
    """The open pixel as the last thing in the body."""
    place = max((end.start() for end in BODY_END.finditer(masked(html))), default=len(html))
    return html[:place] + PIXEL + html[place:]


def compile_parts(
    *, subject: str, preheader: str, html: str, text: str, track_clicks: bool
) -> dict[str, Any]:
    """The fields of a Content. Raises rendering.RenderError where a part can't be compiled."""
    links = Links()
    text = text or plaintext.from_html(html)
    if track_clicks:
        html, text = track_html(html, links), track_text(text, links)
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
    """The immutable copy that a mailing is sent from. Raises rendering.RenderError.

    The open pixel is there for every content; it shows where the message's Urls have one.
    """
    parts = compile_parts(
        subject=subject,
        preheader=preheader,
        html=design.html,
        text=design.text,
        track_clicks=track_clicks,
    )
    return Content.objects.create(workspace=design.workspace, design=design, **parts)
