"""Handles malformed input in one place, for all views: NUL characters and overlong numbers.

PostgreSQL can't store NUL in a text, and Python refuses to parse numbers of more than 4,300 digits.
Each view that forgot to check would answer 500.

| where | answer |
| --- | --- |
| path and query | NUL: 400, a page that names the character and links to the address without it |
| path | a number above the largest id: 404 |
| form fields | NUL is removed, because a person can paste it without seeing it |
| cookies | one with NUL is ignored; else the person could open no page until it expires |
| Content-Length | not a number: 400 |
| Content-Type | texts are read as UTF-8; the charset is ignored (config.wsgi) |

Views read numbers in parameters with `pages.numbers.whole`.
"""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponseBase, QueryDict, UnreadablePostError

from pages.exceptions import PagesError
from pages.numbers import whole

NUL = "\x00"
# The largest id that a row can have.
LARGEST = 2**63 - 1


class NulError(PagesError, BadRequest):
    """A character that no text can have; the page of the error says so."""


def parameters(text: str) -> QueryDict:
    """Parses a query string from a form field. Raises NulError."""
    found = QueryDict(text)
    _refuse_nul(found)
    return found


def _refuse_nul(query: QueryDict) -> None:
    if any(NUL in name or NUL in value for name, values in query.lists() for value in values):
        raise NulError("NUL in a parameter")


def address_without_nul(request: HttpRequest) -> str:
    """The address of the page without its NULs; "" if they are in its path."""
    if NUL in request.path_info:
        return ""
    query = _without_nul(request.GET).urlencode()
    return f"{request.path}?{query}" if query else request.path


def _without_nul(form: QueryDict) -> QueryDict:
    cleaned = QueryDict(mutable=True)
    for name, values in form.lists():
        cleaned.setlist(name.replace(NUL, ""), [value.replace(NUL, "") for value in values])
    cleaned._mutable = False  # noqa: SLF001  # as Django's own forms are
    return cleaned


class WellFormedMiddleware:
    """Comes before the session middleware, which looks cookies up; see the module."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        for name in [name for name, value in request.COOKIES.items() if NUL in value]:
            del request.COOKIES[name]
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponseBase],
        args: tuple[Any, ...],  # noqa: ARG002  # Django hands them over
        kwargs: dict[str, Any],
    ) -> None:
        """Checks here, not in `__call__`, because the error page needs the language."""
        if NUL in request.path_info:
            raise NulError("NUL in the path")
        _refuse_nul(request.GET)
        length = request.META.get("CONTENT_LENGTH")
        if length and whole(length) is None:
            raise BadRequest("Content-Length is no number")
        if any(isinstance(value, int) and value > LARGEST for value in kwargs.values()):
            raise Http404
        # A csrf_exempt view reads the form itself, because it sets its own upload handlers first.
        if request.method == "POST" and not getattr(view, "csrf_exempt", False):
            _clean_form(request)


def _clean_form(request: HttpRequest) -> None:
    try:
        form = request.POST
    except UnreadablePostError as error:
        raise BadRequest("the form broke off") from error
    if any(NUL in name or NUL in value for name, values in form.lists() for value in values):
        request.POST = _without_nul(form)  # type: ignore[assignment]  # as Django's own
