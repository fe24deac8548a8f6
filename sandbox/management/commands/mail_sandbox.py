"""`manage.py mail_sandbox`: the SMTP and IMAP servers of the sandbox, in the foreground."""

from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from environment import logs
from sandbox.services import sandbox

log = logs.get(__name__)


class Command(BaseCommand):
    help = "Run the mail sandbox: SMTP and IMAP on loopback, in the foreground."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SANDBOX:
            raise CommandError("The mail sandbox is off; set YANSHU_SANDBOX=1 to run it.")
        if find_spec("pymap") is None:
            raise CommandError(
                "The mail sandbox needs the package pymap, which is not installed: run "
                "`quickstart/bootstrap runtime`, or set YANSHU_SANDBOX=0."
            )
        from sandbox import server  # noqa: PLC0415 - imports that package

        smtp, imap = settings.SANDBOX_SMTP_PORT, settings.SANDBOX_IMAP_PORT
        try:
            sandbox.ensure_all()
            server.run(
                smtp_port=smtp,
                imap_port=imap,
                ready=lambda: log.info("mail sandbox listens", smtp=smtp, imap=imap),
            )
        except OSError as error:
            raise CommandError(
                f"The mail sandbox can't listen on ports {smtp} and {imap}: {error.strerror}. "
                "Set YANSHU_SANDBOX_SMTP_PORT and YANSHU_SANDBOX_IMAP_PORT to free ones."
            ) from error
