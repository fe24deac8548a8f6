"""Input that no page can use, in whatever part of a request it comes: NUL and endless numbers.

PostgreSQL keeps no NUL in a text, and Python refuses to read numbers of more than 4,300 digits, so
either would end in an error of ours wherever a view forgot to look. They are met here, once:

| where | what becomes of it |
| --- | --- |
| path and query | NUL: 400 |
| path | a number above the largest id: 404 |
| form fields | NUL is taken out; a person can paste it without seeing it |
| cookies | one with NUL is ignored; no page could be opened until it expires |
| Content-Length | what is no number: 400 |
| Content-Type | texts are UTF-8, whatever charset it names (config.wsgi) |

A parameter that holds a number is read by `pages.numbers.whole`.
"""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponseBase, QueryDict, UnreadablePostError

from pages.numbers import whole

NUL = "\x00"
# The largest id that a row can have.
LARGEST = 2**63 - 1


def parameters(text: str) -> QueryDict:
    """A query string that came inside a form. Raises BadRequest if it holds NUL."""
    found = QueryDict(text)
    _refuse_nul(found)
    return found


def _refuse_nul(query: QueryDict) -> None:
    if any(NUL in name or NUL in value for name, values in query.lists() for value in values):
        raise BadRequest("NUL in a parameter")


def _without_nul(form: QueryDict) -> QueryDict:
    cleaned = QueryDict(mutable=True)
    for name, values in form.lists():
        cleaned.setlist(name.replace(NUL, ""), [value.replace(NUL, "") for value in values])
    cleaned._mutable = False  # noqa: SLF001  # as Django's own forms are
    return cleaned


class WellFormedMiddleware:
    """Before the middleware of sessions, which looks cookies up; see the module."""

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
        """Here, and not before, the language of the error page is known."""
        if NUL in request.path_info:
            raise BadRequest("NUL in the path")
        _refuse_nul(request.GET)
        length = request.META.get("CONTENT_LENGTH")
        if length and whole(length) is None:
            raise BadRequest("Content-Length is no number")
        if any(isinstance(value, int) and value > LARGEST for value in kwargs.values()):
            raise Http404
        # A view without the CSRF check reads the form itself: a file's handler comes first.
        if request.method == "POST" and not getattr(view, "csrf_exempt", False):
            _clean_form(request)


def _clean_form(request: HttpRequest) -> None:
    try:
        form = request.POST
    except UnreadablePostError as error:
        raise BadRequest("the form broke off") from error
    if any(NUL in name or NUL in value for name, values in form.lists() for value in values):
        request.POST = _without_nul(form)  # type: ignore[assignment]  # as Django's own
