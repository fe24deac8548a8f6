"""Log filters. They import none of our apps, because logging is set up before the apps are."""

import logging
import re
import time
from http import HTTPStatus

from environment import logs

# Paths whose rest is a secret: with it anybody could act for a person.
SECRET = re.compile(r"^(/(?:e/[a-z]|invitations|setup|password/reset)/)[^/].*", re.DOTALL)
# A long part of any other path may be a secret, for example in a badly copied URL.
LONG = re.compile(r"[^/]{24,}")
PROBES = {"/livez", "/readyz", "/healthz"}
# Seconds after which a process logs again that the database is unavailable.
SAY_AGAIN = 60.0
# Characters of a path in the log.
LONGEST = 200


class RefusalFilter(logging.Filter):
    """Logs a refused request in one line, with path and reason, without traceback and secrets. The
    same applies to a request while the database is unavailable. A bug keeps its traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        request, status = getattr(record, "request", None), getattr(record, "status_code", 0)
        if request is None or not status:
            return True
        known = {"status": status, "method": request.method, "path": shown(request.path)}
        if status < 500 or status == HTTPStatus.SERVICE_UNAVAILABLE:
            error = record.exc_info[1] if record.exc_info else None
            record.exc_info = record.exc_text = None
            logs.rewrite(record, "request refused", **known, error=error and type(error).__name__)
        else:
            logs.rewrite(record, "request failed", **known)
        return True


def shown(path: str) -> str:
    """The path for the log: on one line, and without secrets."""
    plain = path.encode("unicode_escape").decode("ascii")
    return LONG.sub("…", SECRET.sub(r"\1…", plain))[:LONGEST]


class AwayFilter(logging.Filter):
    """For the logger of failed tasks. While the database is unavailable, each tick fails: a process
    logs one line a minute, without a traceback. Later ticks do the work."""

    def __init__(self) -> None:
        super().__init__()
        self.said: float | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        # Imported here because it imports Django's database, which needs the settings.
        from pages.database import is_away  # noqa: PLC0415

        error = record.exc_info[1] if record.exc_info else None
        if not is_away(error):
            return True
        now = time.monotonic()
        if self.said is not None and now - self.said < SAY_AGAIN:
            return False
        self.said = now
        logs.rewrite(record, "tasks fail: the database is away", error=" ".join(str(error).split()))
        record.exc_info = record.exc_text = None
        return True


class ProbeFilter(logging.Filter):
    """Drops the 503 of the probes, which monitors request again and again: operations.probes logs
    each change. Any other error status of a probe is a bug, and is logged."""

    def filter(self, record: logging.LogRecord) -> bool:
        path = getattr(getattr(record, "request", None), "path", "")
        return path not in PROBES or getattr(record, "status_code", 0) != 503
