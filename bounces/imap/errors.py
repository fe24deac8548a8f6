"""Errors of IMAP servers, each with a sentence. Pure."""

import contextlib
import socket
import ssl
from collections.abc import Iterator

from django.utils.translation import gettext_noop
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from bounces.exceptions import BouncesError
from bounces.imap.wire import TooLargeError
from environment import logs

log = logs.get(__name__)

SENTENCES = {
    "dns": gettext_noop("The server's name is not known. Check how it is written."),
    "host": gettext_noop("This server can't be used for a mailbox."),
    "refused": gettext_noop("The server takes no connection on this port. Check the port."),
    "timeout": gettext_noop("The server does not answer. Check server, port and firewall."),
    "certificate": gettext_noop(
        "The server's certificate is not valid for this name, so the connection was not trusted."
    ),
    "tls": gettext_noop(
        "No encrypted connection could be made. Check the port (993 for TLS) and the encryption."
    ),
    "starttls": gettext_noop("The server offers no STARTTLS. Choose TLS with port 993."),
    "login": gettext_noop(
        "The server refuses this user and password. Many providers want an app password or an "
        "authorization code instead, and IMAP switched on in their settings."
    ),
    "folder": gettext_noop("There is no such folder in this mailbox."),
    "closed": gettext_noop("The server closed the connection."),
    "move": gettext_noop("The processed mail could not be moved or deleted."),
    "create": gettext_noop("The folder for processed mail could not be created."),
    "readonly": gettext_noop(
        "This folder can only be read, so processed mail can't be moved or deleted."
    ),
    "same": gettext_noop(
        "Processed mail would stay in the folder that is read. Choose another folder to move to."
    ),
    "large": gettext_noop("The server sends more than was asked for."),
    "crash": gettext_noop("Something went wrong while the mailbox was read. It is tried again."),
    "protocol": gettext_noop("The server answered something unexpected."),
    "secret": gettext_noop(
        "The stored password can't be read, because the server's secret key has changed. "
        "Enter the password again."
    ),
}


class BoxError(BouncesError):
    """`code`: a key of SENTENCES; `words`: the message of the server or the system."""

    def __init__(self, code: str, words: object = "") -> None:
        self.code = code
        self.words = _words(words)
        super().__init__(f"{SENTENCES[code]} {self.words}".strip())


def _words(error: object) -> str:
    text = str(error)
    # imaplib gives the server's answer as the repr of bytes.
    if text.startswith(("b'", 'b"')):
        text = text[2:-1]
    return " ".join(text.split())[:500]


# Exceptions of IMAP commands and their codes. The first that fits decides.
KINDS: tuple[tuple[type[Exception], str], ...] = (
    (socket.gaierror, "dns"),
    (ssl.SSLCertVerificationError, "certificate"),
    (ssl.SSLError, "tls"),
    (TimeoutError, "timeout"),
    (ConnectionRefusedError, "refused"),
    (OSError, "closed"),
    (TooLargeError, "large"),
    (IMAPClient.AbortError, "closed"),
)


@contextlib.contextmanager
def trouble(otherwise: str = "protocol") -> Iterator[None]:
    """Turns everything that an IMAP command can raise into a BoxError."""
    try:
        yield
    except BoxError:
        raise
    except Exception as error:
        raise _box_error(error, otherwise) from error


def _box_error(error: Exception, otherwise: str) -> BoxError:
    for kind, code in KINDS:
        if isinstance(error, kind):
            return BoxError(code, _own_words(error))
    if isinstance(error, (IMAPClientError, ValueError)):
        return BoxError(otherwise, error)
    # Libraries raise other errors for unforeseen answers: nested lists, a missing part.
    log.failed("answer of an IMAP server could not be read", error)
    return BoxError(otherwise, f"{type(error).__name__}: {error}")


def _own_words(error: Exception) -> object:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        return error.reason or error
    if isinstance(error, OSError) and not isinstance(error, TimeoutError):
        return error.strerror or error
    return error
