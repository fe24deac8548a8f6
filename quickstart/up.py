"""`manage.py up`: run the whole product in the foreground.

It makes the environment that the settings are read from, so it runs before Django is set up.
"""

import argparse
import os
import sys

from config.env import SettingError
from quickstart.broker import BrokerError
from quickstart.postgres import PostgresError
from quickstart.supervisor import StartError, Supervisor


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="manage.py up", description=__doc__)
    parser.add_argument("--demo", action="store_true", help="with a workspace to look at")
    options = parser.parse_args(arguments)
    try:
        Supervisor(dict(os.environ), say=_say).run(demo=options.demo)
    except (StartError, SettingError, PostgresError, BrokerError) as error:
        sys.exit(f"Yanshu can't start: {error}")


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - this is a command
