"""The platform's own mails: short, plain, in the person's language.

A notice is `templates/notices/<name>.txt`; its first line is the subject.
"""

import smtplib
from email.message import Message
from email.utils import make_msgid, parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import mailheaders
from accounts.exceptions import MailNotSentError
from environment import logs
from pages.oneline import one_line

log = logs.get(__name__)

CONSOLE = "django.core.mail.backends.console.EmailBackend"


class Folded:
    """A header that is folded already. The generator of the email package asks it for its text."""

    def __init__(self, field: str, lines: bytes) -> None:
        self.text = lines.decode().removeprefix(f"{field}:").strip()

    def encode(self, *, linesep: str = "\n", **_options: Any) -> str:
        return self.text.replace("\r\n", linesep)

    def __str__(self) -> str:
        return self.text


class Notice(EmailMessage):
    """A mail whose From, To and Subject are written by `mailheaders`, as in campaign mails."""

    def message(self) -> Any:  # type: ignore[override]  # the stubs are of Django 6
        made = super().message()
        sender = parseaddr(self.from_email)
        people = [parseaddr(address) for address in self.to]
        for field, lines in (
            ("Subject", mailheaders.text("Subject", str(self.subject))),
            ("From", mailheaders.mailboxes("From", [sender])),
            ("To", mailheaders.mailboxes("To", people)),
        ):
            del made[field]
            # Bypasses Django's own method, which takes texts only.
            Message.__setitem__(made, field, Folded(field, lines))
        return made


def stay_here() -> bool:
    """Whether the sandbox keeps the notices, because no mail server is set. They reach no
    mailbox."""
    return bool(settings.SANDBOX and not settings.MAIL_SERVER.host)


def send(notice: str, /, *, to: str, language: str = "", **context: Any) -> None:
    """Sends the notice now, in `language` or in the current language.

    Raises MailNotSentError, whose text can be shown.
    """
    with translation.override(language or translation.get_language()):
        text = render_to_string(f"notices/{notice}.txt", context)
    subject, _newline, body = text.strip().partition("\n")
    if settings.EMAIL_BACKEND == CONSOLE:
        log.warning("EMAIL_URL is not set: the mail is only printed here", notice=notice)
    message = Notice(
        one_line(subject),
        body.strip() + "\n",
        settings.DEFAULT_FROM_EMAIL,
        [to],
        # Auto-Submitted stops absence notes (RFC 3834). Django's own Message-ID would name the
        # machine.
        headers={"Auto-Submitted": "auto-generated", "Message-ID": make_msgid(domain=_domain())},
    )
    try:
        message.send()
    except (OSError, smtplib.SMTPException) as error:
        raise _not_sent(error) from error


def _domain() -> str | None:
    """The domain of the sender address."""
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or None


def check_server() -> None:
    """Raises MailNotSentError if the mail server can't be used.

    Call it before looking an address up, so that the error says nothing about the address.
    """
    try:
        connection = get_connection()
        connection.open()
        connection.close()
    except (OSError, smtplib.SMTPException) as error:
        raise _not_sent(error) from error


def _not_sent(error: Exception) -> MailNotSentError:
    log.error("mail server of the platform (EMAIL_URL) could not be used", error=error)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return MailNotSentError(_("The mail server refuses this address. Check its spelling."))
    return MailNotSentError(
        _(
            "The mail could not be sent: the mail server can't be reached or refuses us. Try again "
            "in a few minutes; if this keeps happening, tell the person who runs this installation."
        )
    )
