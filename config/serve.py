"""`manage.py serve`: runs the web server of a host, after checking settings, port and
migrations."""

import argparse
import os
import sys
from importlib import import_module

from config import programs
from environment import readers as settings
from environment.exceptions import StartupError
from environment.ports import require_free
from operations import schema


def main(arguments: list[str]) -> None:
    try:
        options = _options(arguments)
        import_module("config.settings")
        require_free(options.host, options.port)
    except StartupError as error:
        sys.exit(f"Yanshu can't start: {error}")
    schema.refuse_unmigrated(settings.text("DATABASE_URL"))
    os.chdir(programs.ROOT)
    command = programs.granian(host=options.host, port=options.port, workers=options.workers)
    os.execv(command[0], command)  # noqa: S606 - no shell, and nothing of anybody's


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="manage.py serve", description="Run the web server.")
    parser.add_argument("--host", help="else HOST, or 127.0.0.1")
    parser.add_argument("--port", type=int, help="else PORT, or 8000")
    parser.add_argument("--workers", type=int, default=2, help="processes; 2")
    options = parser.parse_args(arguments)
    # Not read as defaults: PORT=0 is right for `manage.py up`, and wrong here only if it is used.
    if options.host is None:
        options.host = settings.text("HOST", "127.0.0.1")
    if options.port is None:
        options.port = settings.integer("PORT", 8000, low=1, high=65535)
    return options
