"""`manage.py setup_link`: the one-time link that creates the owner's account."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.services import setup_link


class Command(BaseCommand):
    help = "Print the link that creates the owner's account; nothing if an account exists."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        if link := setup_link():
            self.stdout.write(link)
