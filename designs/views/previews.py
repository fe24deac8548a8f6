"""Previews of mails: the document in a frame, and the page around it."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe

from accounts.access import WorkspaceRequest, get_in
from accounts.permissions import Permission
from contacts import addresses, names
from contacts.models import Contact
from contacts.queries import people
from designs import fields, previews
from designs.checks import MailSource
from designs.models import Design
from designs.previews import Preview
from designs.problems import DesignProblem
from pages import csp, numbers

# The sandbox of possibly hostile HTML: no script, no form, no request. `allow-same-origin` lets our
# page keep the frame's scroll position when it is drawn again; without scripts that is harmless.
SANDBOX = ("allow-same-origin", "allow-popups", "allow-popups-to-escape-sandbox")
FRAME = {
    "style_src": ("'unsafe-inline'",),
    "img_src": ("data:",),
    "frame_ancestors": ("'self'",),
    "sandbox": SANDBOX,
}
PARTS = ("html", "text")
PEOPLE_SHOWN = 8
# Escapes for JSON in a script element, so that it can't end the element (as Django's json_script).
INERT = {ord(c): f"\\u{ord(c):04X}" for c in "<>&"}
SOURCES = ("subject", "preheader", "html", "text")


@csp.only(**FRAME)
def _quiet(document: str) -> HttpResponse:
    return HttpResponse(document)


@csp.only(**{**FRAME, "img_src": ("data:", "https:", "http:"), "font_src": ("https:",)})
def _with_images(document: str) -> HttpResponse:
    return HttpResponse(document, headers={"Referrer-Policy": "no-referrer"})


def contact_of(request: WorkspaceRequest, given: Mapping[str, str]) -> Contact | None:
    """The contact of a preview; None for an invented person. Raises Http404 for a contact of
    another workspace."""
    pk = numbers.whole(given.get("contact"))
    return None if pk is None else get_in(request.workspace, Contact, pk=pk)


def document(
    request: WorkspaceRequest, source: MailSource, given: Mapping[str, str]
) -> HttpResponse:
    """The document of the frame, for the parameters `contact`, `part`, `images` and `dark`."""
    preview = previews.render_preview(
        request.workspace,
        subject=source.subject,
        preheader=source.preheader,
        html=source.html,
        text=source.text,
        contact=contact_of(request, given),
    )
    part = given.get("part", "html")
    images = given.get("images") == "1"
    shown = previews.framed(
        preview,
        part if part in PARTS else "html",
        images=images,
        dark=given.get("dark") == "1",
    )
    response: HttpResponse = _with_images(shown) if images else _quiet(shown)
    return response


def source_of(design: Design, given: Mapping[str, str] | None = None) -> MailSource:
    """The parts of a design. `given` may replace subject and preheader by those of a campaign."""
    given = given or {}
    return MailSource(
        subject=given.get("subject", design.subject),
        preheader=given.get("preheader", design.preheader),
        html=design.html,
        text=design.text,
    )


def design_frame(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The saved design as a document for a frame: ?contact=&part=html|text&images=1&dark=1, and
    &subject=&preheader= if the campaign has its own."""
    design = get_in(request.workspace, Design, pk=pk)
    return document(request, source_of(design, request.GET), request.GET)


def typed(given: Mapping[str, str]) -> MailSource:
    """The parts that are in the editor, saved or not."""
    return MailSource(**{name: given.get(name, "") for name in SOURCES})


def design_preview(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """POST: the unsaved draft (subject, preheader, html, text) as a document for a frame. GET: the
    page of the saved design, as a contact gets it; &advertising=1: by a campaign."""
    design = get_in(request.workspace, Design, pk=pk)
    if request.method == "POST":
        return document(request, typed(request.POST), request.POST)
    contact = contact_of(request, request.GET)
    source = source_of(design, request.GET)
    preview = previews.render_preview(request.workspace, contact=contact, **source.parts())
    if request.GET.get("advertising") == "1":
        preview = previews.as_advertising(preview, request.workspace, contact)
    context = {"design": design, **panel(request, preview, contact, request.GET)}
    return render(request, "designs/preview.html", context)


def panel(
    request: WorkspaceRequest, preview: Preview, contact: Contact | None, given: Mapping[str, str]
) -> dict[str, Any]:
    """The context of designs/parts/panel.html and the parts around it."""
    part = "text" if given.get("part") == "text" else "html"
    frame = {"contact": str(contact.pk) if contact else "", "part": part}
    frame |= {name: "1" for name in ("images", "dark") if given.get(name) == "1"}
    if request.method == "GET":
        # Given for a campaign with its own subject.
        frame |= {name: given[name] for name in ("subject", "preheader") if name in given}
    return {
        "preview": preview,
        "contact": contact,
        "who": _named(contact) if contact else fields.invented(request.workspace)["full_name"],
        "part": part,
        "images": given.get("images") == "1",
        "dark": given.get("dark") == "1",
        "remote": previews.count_remote(preview.html),
        "marks": marks(preview.problems),
        "frame_query": urlencode(frame),
        "may_edit": request.may(Permission.EDIT_DESIGNS),
    }


def marks(problems: list[DesignProblem]) -> dict[str, SafeString]:
    """{part: problems as JSON for a script element}. The editor marks their lines."""
    found = {
        part: [
            {"line": p.line, "severity": p.severity, "text": p.text}
            for p in problems
            if p.part == part and p.line
        ]
        for part in PARTS
    }
    return {part: mark_safe(json.dumps(each).translate(INERT)) for part, each in found.items()}  # noqa: S308


def design_people(request: WorkspaceRequest) -> HttpResponse:
    """Contacts to preview the mail for, whose address or name contains `q`."""
    text = request.GET.get("q", "").strip()[:100]
    found = people.sample(request.workspace, text, PEOPLE_SHOWN)
    context = {
        "people": [(one.pk, _named(one), addresses.display(one.email)) for one in found],
        "invented": fields.invented(request.workspace)["full_name"],
        "text": text,
    }
    return render(request, "designs/parts/people.html", context)


def _named(one: Contact) -> str:
    name = names.full(one.first_name, one.last_name, one.full_name)
    return name or addresses.display(one.email)
