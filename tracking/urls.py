"""Public URLs; sending.compose.publicurls builds them for mails."""

from django.urls import path, register_converter
from django.urls.converters import IntConverter, SlugConverter

from sending.compose.publicurls import PREFIX
from tracking import preferenceviews, views

# In plain text, mail programs take Chinese words right behind a URL for a part of it.
WORDS = r"(?:[^\x00-\x7f].*)?"


def _without_words(value: str) -> str:
    return next((value[:place] for place, sign in enumerate(value) if sign > "\x7f"), value)


class LastSlug(SlugConverter):
    """A slug; non-ASCII words behind it are ignored."""

    regex = SlugConverter.regex + WORDS

    def to_python(self, value: str) -> str:
        return super().to_python(_without_words(value))


class LastNumber(IntConverter):
    """A number; non-ASCII words behind it are ignored."""

    regex = IntConverter.regex + WORDS

    def to_python(self, value: str) -> int:
        return super().to_python(_without_words(value))


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
        f"{PREFIX}/c/<slug:token>/<int:number>/<last_slug:signed>",
        views.click,
        name="public_personal_click",
    ),
]
