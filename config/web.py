"""The module that each process of the web server loads."""

import signal
from importlib import import_module

# granian's workers inherit signal handlers that only note a signal. A worker that is told to stop
# while it loads Django would never stop, so the default handlers are restored first.
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, signal.SIG_DFL)

application = import_module("config.asgi").application
