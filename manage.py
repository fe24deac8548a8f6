#!/usr/bin/env python
"""Django's command line for Yanshu, and the commands that run before Django can: `up`, which starts
the product, and `serve`, the web server."""

import sys


def main() -> None:
    from environment.loading import prepare

    command = sys.argv[1] if len(sys.argv) > 1 else ""
    prepare(command=command)
    if command == "up":
        from quickstart.up import main as up

        up(sys.argv[2:])
    elif command == "serve":
        from config.serve import main as serve

        serve(sys.argv[2:])
    else:
        from config.commandline import execute

        execute(sys.argv)


if __name__ == "__main__":
    main()
