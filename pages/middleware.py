"""The middleware of every request: reference number, caching, CSP, language, time zone, user,
htmx."""

import json
import secrets
import zoneinfo
from collections.abc import Callable
from contextvars import ContextVar

from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control, patch_vary_headers

from environment import logs
from pages import csp, languages
from pages.toasts import undo_of

GetResponse = Callable[[HttpRequest], HttpResponseBase]

# Of the request that this thread works on.
_reference: ContextVar[str] = ContextVar("reference", default="-")


def reference() -> str:
    """The reference number of the current request; "-" outside a request."""
    return _reference.get()


def reference_middleware(get_response: GetResponse) -> GetResponse:
    """Gives the request a number that its log lines and its error page show."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        number = secrets.token_hex(5)
        token = _reference.set(number)
        try:
            with logs.context(request=number) as fields:
                # Django logs a refusal when this has ended.
                request.log_fields = fields  # type: ignore[attr-defined]
                response = get_response(request)
        finally:
            _reference.reset(token)
        response.headers["X-Request-Id"] = number
        return response

    return middleware


def user_middleware(get_response: GetResponse) -> GetResponse:
    """Adds the user to the request's log lines. This costs no query: the language middleware has
    loaded the user already."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        logs.bind(user=request.user.pk)
        return get_response(request)

    return middleware


def private_middleware(get_response: GetResponse) -> GetResponse:
    """Forbids caching of pages, parts of pages, files and errors: they are private, and the
    browser's Back button must not show them after the log-out. Static files are answered before
    this middleware."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        patch_cache_control(response, private=True, no_store=True)
        return response

    return middleware


def csp_middleware(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        request.csp_nonce = csp.make_nonce()  # type: ignore[attr-defined]
        response = get_response(request)
        csp.apply(request, response)
        return response

    return middleware


def language_middleware(get_response: GetResponse) -> GetResponse:
    """Activates the language (pages.languages) and the person's time zone."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        with translation.override(languages.of_request(request)):
            request.LANGUAGE_CODE = translation.get_language()
            _activate_timezone(request)
            try:
                response = get_response(request)
            finally:
                timezone.deactivate()
            response.headers.setdefault("Content-Language", request.LANGUAGE_CODE or "en")
            patch_vary_headers(response, ("Accept-Language", "Cookie"))
            return response

    return middleware


def _activate_timezone(request: HttpRequest) -> None:
    name = getattr(getattr(request, "user", None), "timezone", "")
    try:
        timezone.activate(zoneinfo.ZoneInfo(name or "UTC"))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        timezone.activate(zoneinfo.ZoneInfo("UTC"))


def htmx_middleware(get_response: GetResponse) -> GetResponse:
    """Sets `request.htmx`. Responses to htmx carry messages as toasts. Instead of a redirect to the
    log-in, htmx reloads the page: the log-in form must not appear inside another page."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        request.htmx = request.headers.get("HX-Request") == "true"  # type: ignore[attr-defined]
        response = get_response(request)
        if not request.htmx:  # type: ignore[attr-defined]
            return response
        patch_vary_headers(response, ("HX-Request",))
        if response.status_code == 302 and _leads_to_login(response.headers["Location"]):
            return HttpResponse(status=204, headers={"HX-Refresh": "true"})
        if response.status_code < 300 and "HX-Trigger" not in response.headers:
            _send_toasts(request, response)
        return response

    return middleware


def _leads_to_login(location: str) -> bool:
    return location.partition("?")[0] == resolve_url("account_login")


def _send_toasts(request: HttpRequest, response: HttpResponseBase) -> None:
    if "HX-Redirect" in response.headers or "HX-Refresh" in response.headers:
        return  # the next page shows them
    toasts = [
        {
            "level": message.level_tag,
            "text": str(message.message),
            "undo": undo_of(message.extra_tags),
        }
        for message in get_messages(request)
    ]
    if toasts:
        response.headers["HX-Trigger"] = json.dumps({"toasts": toasts})
