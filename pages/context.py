"""The context that every template has; see docs/developers/pages.md."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language

from pages import banners, navigation
from pages.words import words


def shell(request: HttpRequest) -> dict[str, Any]:
    workspace = getattr(request, "workspace", None)
    return {
        "workspace": workspace,
        "navigation": SimpleLazyObject(
            lambda: navigation.sections(request, workspace.slug) if workspace else []
        ),
        "banners": SimpleLazyObject(lambda: banners.shown(request) if workspace else []),
        "language": get_language(),
        "language_codes": [code for code, _name in settings.LANGUAGES],
        "csp_nonce": getattr(request, "csp_nonce", ""),
        "words": words,
    }
