"""Pages of the shell itself: search, activity, language, and errors."""

import sys

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template import loader
from django.templatetags.static import static
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language, get_language_from_request
from django.views.decorators.http import require_POST, require_safe

from pages import activity, bundles, database, languages, middleware, search, wellformed


@require_safe
def find(request: HttpRequest) -> HttpResponse:
    """The results of the search (Ctrl-K) in a workspace."""
    text = request.GET.get("q", "")[:100]
    slug = request.workspace.slug  # type: ignore[attr-defined]
    hits = search.find(request, slug, text) if text.strip() else search.places(request, slug)
    return render(request, "pages/hits.html", {"hits": hits, "text": text})


@require_safe
def running(request: HttpRequest) -> HttpResponse:
    """The content of the activity tray in a workspace."""
    tasks = activity.tasks(request)
    return render(
        request, "pages/tasks.html", {"tasks": tasks, "running": sum(t.runs for t in tasks)}
    )


@require_POST
def switch_language(request: HttpRequest) -> HttpResponse:
    """Stores the language in a cookie and, for a logged-in person, in their account."""
    target = request.POST.get("next", "/")
    hosts = {request.get_host()}
    if not url_has_allowed_host_and_scheme(target, hosts, require_https=request.is_secure()):
        target = "/"
    response = HttpResponseRedirect(target)
    if code := languages.supported(request.POST.get("language", "")):
        response.set_cookie(
            languages.COOKIE,
            code,
            max_age=languages.YEAR,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
        if request.user.is_authenticated:
            get_user_model().objects.filter(pk=request.user.pk).update(language=code)
    return response


def _error(request: HttpRequest, status: int, **more: object) -> HttpResponse:
    context = {"reference": middleware.reference(), "status": status} | more
    html = loader.get_template(f"{status}.html").render(context, request)
    return HttpResponse(html, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, wellformed.NulError):
        return _error(request, 400, nul=True, address=wellformed.address_without_nul(request))
    return _error(request, 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, 403)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    return HttpResponse(
        loader.get_template("403_csrf.html").render({"reference": middleware.reference()}, request),
        status=403,
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, 404)


def not_a_page(request: HttpRequest) -> HttpResponse:
    """For an address that takes only a form."""
    return _error(request, 405)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 if the database is unavailable: mail providers and browsers then try again."""
    if database.is_away(sys.exc_info()[1]):
        return bare(request, "503.html", 503, retry_after=database.RETRY_AFTER)
    return bare(request, "500.html", 500)


def bare(
    request: HttpRequest, template: str, status: int, *, retry_after: int | None = None
) -> HttpResponse:
    """An error page without the context processors: whatever broke may break them too.
    `retry_after` in seconds."""
    # The language middleware may be the part that failed.
    with translation.override(get_language_from_request(request)):
        context = {
            "reference": middleware.reference(),
            "LANGUAGE_CODE": get_language() or "en",
            "stylesheet": _stylesheet(),
            "changes": request.method == "POST",
        }
        page = loader.get_template(template).render(context)
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    return HttpResponse(page, status=status, headers=headers)


def _stylesheet() -> str:
    try:
        return static(bundles.bundle("app.js")["css"])
    except (ImproperlyConfigured, KeyError):
        return ""
