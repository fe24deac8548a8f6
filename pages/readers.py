"""Pages for recipients: in the reader's language, which needs no log-in and no cookie."""

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from pages import csp, publicwords

View = Callable[..., HttpResponse]
# These pages have an empty icon, so that browsers don't ask for /favicon.ico.
ICON = (csp.SELF, "data:")
# The parameter of a page's address by which the reader chooses a language.
PARAMETER = "lang"


def private(view: View) -> View:
    """Keeps pages with a secret in their address out of search engines and referrers."""

    @wraps(view)
    def inside(request: HttpRequest, **kwargs: object) -> HttpResponse:
        response = view(request, **kwargs)
        response["X-Robots-Tag"] = "noindex, nofollow"
        response["Referrer-Policy"] = "no-referrer"
        return response

    return inside


def of_request(request: HttpRequest, *, known: Iterable[str] = (), otherwise: str = "") -> str:
    """A code of publicwords.LANGUAGES: what the reader chose on the page, else the first of `known`
    (tags of the person's language) that we have, else the browser's, else `otherwise`."""
    asked = (request.GET.get(PARAMETER, ""), *known)
    accepts = request.headers.get("Accept-Language", "")
    return publicwords.choose(asked, accepts=accepts, otherwise=otherwise)


def page(  # noqa: PLR0913 - render's, and what is known of the reader
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    known: Iterable[str] = (),
    otherwise: str = "",
    status: int = 200,
) -> HttpResponse:
    """A page that extends public/base.html, with `reader` in its context."""
    reader = of_request(request, known=known, otherwise=otherwise)
    answer = render(request, template, {**(context or {}), "reader": reader}, status=status)
    answer["Content-Language"] = reader
    return answer


def keeping(request: HttpRequest, path: str, **parameters: str) -> str:
    """The path with these parameters, and with the language that the reader chose, if any."""
    chosen = publicwords.known(request.GET.get(PARAMETER, ""))
    given = parameters | ({PARAMETER: chosen} if chosen else {})
    return f"{path}?{urlencode(given)}" if given else path
