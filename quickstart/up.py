"""`manage.py up`: run the whole product in the foreground.

It makes the environment for the settings, so it runs before Django is set up.
"""

import argparse
import os
import sys
from contextlib import suppress

from environment.exceptions import StartupError
from quickstart.exceptions import QuickstartError
from quickstart.supervisor import Supervisor


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="manage.py up", description="Run the whole product in the foreground."
    )
    parser.add_argument("--demo", action="store_true", help="with a demo workspace")
    parser.add_argument(
        "--without-sending",
        action="store_true",
        help="no campaign starts or is sent, no bounces are collected (YANSHU_SENDING=0)",
    )
    options = parser.parse_args(arguments)
    given = dict(os.environ) | ({"YANSHU_SENDING": "0"} if options.without_sending else {})
    try:
        Supervisor(given, say=_say).run(demo=options.demo)
    except (StartupError, QuickstartError) as error:
        sys.exit(f"Yanshu can't start: {error}")


def _say(line: str) -> None:
    # The terminal may be gone. The programs must still be stopped.
    with suppress(OSError):
        print(line, flush=True)  # noqa: T201 - this is a command
