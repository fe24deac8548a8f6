"""The language of the response to a request."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language_from_request
from django.utils.translation.trans_real import get_supported_language_variant

COOKIE = settings.LANGUAGE_COOKIE_NAME
YEAR = 365 * 24 * 3600


def supported(code: str) -> str:
    """The matching code of settings.LANGUAGES (zh-CN -> zh-hans), or ""."""
    try:
        return get_supported_language_variant(code)
    except (LookupError, ValueError):
        return ""


def of_request(request: HttpRequest) -> str:
    """The person's own setting, else the cookie of the language switch, else the browser's."""
    own = getattr(getattr(request, "user", None), "language", "")
    return (supported(own) if own else "") or get_language_from_request(request)
