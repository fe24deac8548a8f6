"""What can come between a request and its answer, and is nobody's error: the database gave a query
up because it took too long, or somebody removed the object meanwhile.

Both get a sentence and one line in the log, no "something is wrong on our side".
"""

import re

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from environment import logs
from pages.middleware import GetResponse
from pages.views import bare

log = logs.get(__name__)

# SQLSTATE of PostgreSQL: query_canceled (statement_timeout), lock_not_available (lock_timeout).
GIVEN_UP = {"57014", "55P03"}
# Seconds.
RETRY_AFTER = 60
# foreign_key_violation: what a new row refers to was removed.
REFERS_TO_NOTHING = "23503"
# Django has no class of its own for it (Model.save with update_fields or force_update).
NOT_SAVED = "did not affect any rows"
# The list that an object of a workspace is on: "/w/brand/contacts/" of "/w/brand/contacts/7/edit/".
ITS_LIST = re.compile(r"/w/[^/]+/[^/]+/")


def limit_queries(seconds: int) -> None:
    """No query of this process may take longer; 0: no limit. For web processes, before their first
    query: workers have work that takes longer. A query would outlive the browser that asked for it,
    and a migration would queue behind it."""
    if seconds:
        options = connections.settings["default"]["OPTIONS"]
        given = options.get("options", "")
        options["options"] = f"{given} -c statement_timeout={seconds * 1000}".strip()


class InterruptionsMiddleware:
    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        if _sqlstate(exception) in GIVEN_UP:
            log.warning("query took too long", view=_view(request))
            return bare(request, "too_long.html", 503, retry_after=RETRY_AFTER)
        target = ITS_LIST.match(request.path)
        if target and target[0] != request.path and _removed(exception):
            log.warning("object removed meanwhile", view=_view(request), error=exception)
            messages.warning(request, _("It was removed meanwhile, so this could not be done."))
            return _to(request, target[0])
        return None


def _view(request: HttpRequest) -> str:
    """Its name: the path may have a secret."""
    return request.resolver_match.view_name if request.resolver_match else ""


def _sqlstate(exception: Exception) -> str:
    return str(getattr(exception.__cause__, "sqlstate", None) or "")


def _removed(exception: Exception) -> bool:
    """Whether an object that the view has read is not there any more."""
    if isinstance(exception, ObjectDoesNotExist):
        # An attribute that has no object (a one-to-one relation) is an error of ours.
        return not isinstance(exception, AttributeError)
    if not isinstance(exception, DatabaseError):
        return False
    return _sqlstate(exception) == REFERS_TO_NOTHING or NOT_SAVED in str(exception)


def _to(request: HttpRequest, path: str) -> HttpResponseBase:
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=204, headers={"HX-Redirect": path})
    return redirect(path)
