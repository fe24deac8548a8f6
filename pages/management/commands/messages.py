"""`manage.py messages`: maintains the translation catalogues (pages.catalogues)."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from pages import catalogues


class Command(BaseCommand):
    help = "Extracts the strings of all apps into their catalogues; or compiles or checks them."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("apps", nargs="*", help="only these apps")
        verb = parser.add_mutually_exclusive_group()
        verb.add_argument("--compile", action="store_true", help="write the .mo files")
        verb.add_argument("--check", action="store_true", help="exit with 1 if one is incomplete")

    def handle(self, *_args: Any, **options: Any) -> None:
        verb = "compile" if options["compile"] else "check" if options["check"] else "extract"
        if code := catalogues.main(verb, *options["apps"]):
            sys.exit(code)
