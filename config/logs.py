"""What the logs leave out. Imports nothing of ours: logging is set up before the apps are."""

import logging

PROBES = {"/livez", "/readyz", "/healthz"}


class ProbeFilter(logging.Filter):
    """Keeps the 503 of the probes, which are asked again and again, out of the log of requests;
    quickstart.probes logs each change. Any other status of theirs is an error of ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        path = getattr(getattr(record, "request", None), "path", "")
        return path not in PROBES or getattr(record, "status_code", 0) != 503
