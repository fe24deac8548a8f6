"""Requests that fail without a bug: the database cancelled a query that took too long, another
person removed the object in the meantime, or the address of a form was opened.

The person gets a sentence, and the log one line, instead of the error page for bugs.
"""

import re

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from environment import logs
from pages.middleware import GetResponse
from pages.views import bare, not_a_page

log = logs.get(__name__)

# SQLSTATE of PostgreSQL: query_canceled (statement_timeout), lock_not_available (lock_timeout).
GIVEN_UP = {"57014", "55P03"}
# Seconds.
RETRY_AFTER = 60
# foreign_key_violation: the row that a new row refers to was removed.
REFERS_TO_NOTHING = "23503"
# Django has no own class for this error (Model.save with update_fields or force_update).
NOT_SAVED = "did not affect any rows"
# The URL of the list that holds an object: "/w/brand/contacts/" of "/w/brand/contacts/7/edit/".
ITS_LIST = re.compile(r"/w/[^/]+/[^/]+/")


def limit_queries(seconds: int) -> None:
    """Limits each query of this process; 0 means no limit. Web processes call it before their first
    query; workers don't, because some of their queries take longer. Without a limit a query would
    outlive the request, and a migration would wait for it."""
    if seconds:
        options = connections.settings["default"]["OPTIONS"]
        given = options.get("options", "")
        options["options"] = f"{given} -c statement_timeout={seconds * 1000}".strip()


class InterruptionsMiddleware:
    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and request.method == "GET":
            # The same answer, which is in the log already.
            response.content = not_a_page(request).content
            response.headers["Content-Type"] = "text/html; charset=utf-8"
        return response

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        if _sqlstate(exception) in GIVEN_UP:
            log.warning("query took too long", view=_view(request))
            return bare(request, "too_long.html", 503, retry_after=RETRY_AFTER)
        target = ITS_LIST.match(request.path)
        if target and target[0] != request.path and _removed(exception):
            log.warning("object removed meanwhile", view=_view(request), error=exception)
            messages.warning(
                request, _("It was removed in the meantime, so this could not be done.")
            )
            return _to(request, target[0])
        return None


def _view(request: HttpRequest) -> str:
    """Its name: the path may have a secret."""
    return request.resolver_match.view_name if request.resolver_match else ""


def _sqlstate(exception: Exception) -> str:
    return str(getattr(exception.__cause__, "sqlstate", None) or "")


def _removed(exception: Exception) -> bool:
    """Whether the error means that an object has been removed since the view read it."""
    if isinstance(exception, ObjectDoesNotExist):
        # A missing one-to-one relation raises a subclass of both. It is a bug.
        return not isinstance(exception, AttributeError)
    if not isinstance(exception, DatabaseError):
        return False
    return _sqlstate(exception) == REFERS_TO_NOTHING or NOT_SAVED in str(exception)


def _to(request: HttpRequest, path: str) -> HttpResponseBase:
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=204, headers={"HX-Redirect": path})
    return redirect(path)
