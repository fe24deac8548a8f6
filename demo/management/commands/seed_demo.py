"""`manage.py seed_demo`: creates the demo workspace."""

import secrets
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from demo import seed


class Command(BaseCommand):
    help = "Make the demo workspace Paper Kite Books, with contacts, campaigns and their results."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--password", default="", help="of the demo login; default: random")

    def handle(self, *args: Any, **options: Any) -> None:
        if seed.is_there():
            self.stdout.write(f"The demo workspace is there: {self._address()}")
            return
        if User.objects.filter(email=seed.EMAIL).exists():
            raise CommandError(f"There is a user {seed.EMAIL} without the demo workspace.")
        password = options["password"] or secrets.token_urlsafe(9)
        seed.seed(password=password)
        self.stdout.write(
            f"The demo workspace: {self._address()}\n"
            f"Log in as {seed.EMAIL} with the password {password} (shown only this once)."
        )

    @staticmethod
    def _address() -> str:
        return f"{settings.PUBLIC_URL}/w/{seed.SLUG}/"
