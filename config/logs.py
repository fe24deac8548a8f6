"""What the logs leave out. Imports nothing of ours: logging is set up before the apps are."""

import logging


class HealthFilter(logging.Filter):
    """Keeps the 503 of /healthz, which is asked for again and again, out of the log of requests;
    quickstart.health logs each change."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(getattr(record, "request", None), "path", "") != "/healthz"
