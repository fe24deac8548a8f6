"""What the web server runs in each of its processes."""

import signal
from importlib import import_module

# granian forks its workers, and until they have loaded this they have its own handlers, which only
# note a signal: a worker that was told to stop while it loads Django would never do so.
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, signal.SIG_DFL)

application = import_module("config.asgi").application
