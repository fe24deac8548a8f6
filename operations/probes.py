"""The probe URLs for load balancers, supervisors and monitors.

Monitors use the IP address, so the middleware answers before the check of the Host header, sessions
and languages. `/livez`: this process answers; nothing else is checked. `/readyz`: it can serve
pages, above all the unsubscribe page: the database answers and has every migration. `/healthz`:
every part.
"""

import time
from collections.abc import Callable, Mapping
from threading import Lock

from django.http import HttpRequest, HttpResponseBase, JsonResponse

from environment import logs
from operations import health
from operations.health import HealthPart

log = logs.get(__name__)

# Seconds that an answer is reused, so that requests in a loop cost nothing.
KEEP = 1.0


class _Kept:
    """The last answer of some checks. One request runs the checks; requests that arrive meanwhile
    get the former answer. So a hanging server holds at most one thread of the web server."""

    def __init__(self, name: str, look: Callable[[], Mapping[str, HealthPart]]) -> None:
        self.name = name
        self.look = look
        self.lock = Lock()
        self.until = 0.0
        self.parts: Mapping[str, HealthPart] = {}

    def get(self) -> Mapping[str, HealthPart]:
        if not self.lock.acquire(blocking=not self.parts):
            return self.parts
        try:
            if time.monotonic() >= self.until:
                before, self.parts = self.parts, self.look()
                self._log_change(before)
                self.until = time.monotonic() + KEEP
            return self.parts
        finally:
            self.lock.release()

    def _log_change(self, before: Mapping[str, HealthPart]) -> None:
        """Logs a line when a part starts or stops working, not one for each answer."""
        for name, part in self.parts.items():
            was_ok = before[name].ok if name in before else True
            if was_ok and not part.ok:
                log.warning("part does not work", probe=self.name, part=name, words=part.detail)
            elif part.ok and not was_ok:
                log.info("part works again", probe=self.name, part=name)


KEPT = {
    "/readyz": _Kept("readyz", health.check_ready),
    "/healthz": _Kept("healthz", health.check_all),
}


def middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """The outermost middleware: answers the probe URLs."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if request.path_info == "/livez":
            return _json({})
        if kept := KEPT.get(request.path_info):
            return _json(kept.get())
        return get_response(request)

    return answer


def _json(parts: Mapping[str, HealthPart]) -> JsonResponse:
    ok = all(part.ok for part in parts.values())
    body = {"ok": ok, "parts": {name: part.shown() for name, part in parts.items()}}
    response = JsonResponse(body, status=200 if ok else 503)
    response.headers["Cache-Control"] = "no-store"
    return response
