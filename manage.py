#!/usr/bin/env python
"""Django's command line for Yanshu, and `up`, which starts the product before Django can."""

import os
import sys


def main() -> None:
    from config.env import SettingError
    from quickstart.environment import load

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        load(command=command)
    except SettingError as error:
        sys.exit(f"Yanshu can't start: {error}")
    if command == "up":
        from quickstart.up import main as up

        up(sys.argv[2:])
        return
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
