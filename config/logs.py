"""What the logs leave out. Imports no app of ours: logging is set up before they are."""

import logging
import re
import time
from http import HTTPStatus

from environment import logs

# What follows in these addresses is a secret: whoever has it may act for somebody.
SECRET = re.compile(r"^(/(?:e/[a-z]|invitations|setup|password/reset)/)[^/].*", re.DOTALL)
# A secret somewhere else, such as one whose address was copied badly.
LONG = re.compile(r"[^/]{24,}")
PROBES = {"/livez", "/readyz", "/healthz"}
# Seconds after which it is said again that the database is away.
SAY_AGAIN = 60.0
# Of a path.
LONGEST = 200


class RefusalFilter(logging.Filter):
    """A request that is refused is one line: what was asked for and why, without a traceback, and
    without secrets; so is one while the database is away. An error of ours keeps its traceback."""

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
    """The path as the log may have it; on one line."""
    plain = path.encode("unicode_escape").decode("ascii")
    return LONG.sub("…", SECRET.sub(r"\1…", plain))[:LONGEST]


class AwayFilter(logging.Filter):
    """For the logger of tasks that failed. Each tick fails while the database is away: a process
    says so in one line a minute, without a traceback. Later ticks make up for them."""

    def __init__(self) -> None:
        super().__init__()
        self.said: float | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        # It imports Django's database, which needs the settings.
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
    """Keeps the 503 of the probes, which are asked again and again, out of the log of requests;
    operations.probes logs each change. Any other status of theirs is an error of ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        path = getattr(getattr(record, "request", None), "path", "")
        return path not in PROBES or getattr(record, "status_code", 0) != 503
