"""What sign-ups to a list need, and whether a design fits as one of their mails."""

from typing import Any

from django.utils.translation import gettext as _

from contacts.models import List
from designs.models import Design
from designs.rendering import PARTS, RenderError, names_from_outside, parse
from designs.services import compile_parts
from signups.mailtexts import CONFIRM_URL
from signups.models import SignupRules


def of(one: List) -> SignupRules:
    """Those of the list, or the defaults."""
    return SignupRules.objects.filter(list=one).first() or SignupRules(list=one)


def change(one: List, **values: Any) -> None:
    SignupRules.objects.update_or_create(list=one, defaults=values)


def has_link(design: Design) -> bool:
    """Whether each version of the mail has the link to confirm: HTML, and plain text if it isn't
    made of the HTML."""
    bodies = [part for part in (design.html, design.text) if part.strip()]
    return bool(bodies) and all(_names(body) for body in bodies)


def _names(body: str) -> bool:
    try:
        return CONFIRM_URL in names_from_outside(parse(body, "html"))
    except RenderError:
        # `problem_of` says what is wrong.
        return CONFIRM_URL in body


def problem_of(design: Design | None) -> str:
    """Why it can't be sent; "": nothing is wrong."""
    if design is None:
        return ""
    if not design.subject.strip():
        return _("This design has no subject. Enter one in the design.")
    try:
        compile_parts(track_clicks=False, **{name: getattr(design, name) for name in PARTS})
    except RenderError:
        return _("This design can’t be sent. Open it to see what is wrong.")
    return ""
