"""Public URLs; sending.compose.publicurls builds them for mails."""

import re

from django.urls import path, register_converter
from django.urls.converters import IntConverter, SlugConverter

from sending.compose.publicurls import PREFIX
from tracking import preferenceviews, views

# In plain text, mail programs take Chinese words right behind a URL for a part of it, and signs
# that end a sentence or close a bracket. Other programs append "/" or "=".
# (The two parts have no sign in common, so that no text takes long to match.)
BEHIND = r"[!-,./:-@\[-^`{-~\t-\r ]*(?:[^\x00-\x7f][\s\S]*)?"
PART = re.compile(r"[A-Za-z0-9_-]*")


def _alone(value: str) -> str:
    """Without what stands behind."""
    found = PART.match(value)
    return found[0] if found else ""


class LastSlug(SlugConverter):
    """A slug; words and punctuation behind it are ignored."""

    regex = SlugConverter.regex + BEHIND

    def to_python(self, value: str) -> str:
        return super().to_python(_alone(value))


class LinkNumber(IntConverter):
    """Of a link. Longer numbers are none."""

    regex = "[0-9]{1,5}"


class LastNumber(LinkNumber):
    """A number; words and punctuation behind it are ignored."""

    regex = LinkNumber.regex + BEHIND

    def to_python(self, value: str) -> int:
        return super().to_python(_alone(value))


register_converter(LinkNumber, "link_number")
register_converter(LastSlug, "last_slug")
register_converter(LastNumber, "last_number")

urlpatterns = [
    path(f"{PREFIX}/u/<last_slug:token>", views.unsubscribe, name="public_unsubscribe"),
    path(f"{PREFIX}/p/<last_slug:token>", views.open_counting, name="public_open_counting"),
    path(f"{PREFIX}/s/<last_slug:token>", preferenceviews.choose, name="public_preferences"),
    path(
        f"{PREFIX}/a/<last_slug:token>",
        preferenceviews.confirm_address,
        name="public_confirm_address",
    ),
    path(f"{PREFIX}/v/<last_slug:token>", views.view_mail, name="public_view"),
    path(f"{PREFIX}/o/<slug:token>.gif", views.open_pixel, name="public_open"),
    path(f"{PREFIX}/t/<slug:token>.gif", views.common_pixel, name="public_total"),
    path(f"{PREFIX}/c/<slug:token>/<last_number:number>", views.click, name="public_click"),
    path(
        f"{PREFIX}/c/<slug:token>/<link_number:number>/<last_slug:signed>",
        views.click,
        name="public_personal_click",
    ),
    # A link that was broken on its way: a page for readers, not that for members.
    path(f"{PREFIX}/", views.nowhere, name="public_nothing"),
    path(f"{PREFIX}/<path:rest>", views.nowhere, name="public_nowhere"),
]
