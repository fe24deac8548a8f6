"""What goes wrong with an IMAP server, each with its sentence. Pure."""

import contextlib
import socket
import ssl
from collections.abc import Iterator

from django.utils.translation import gettext_noop
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

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
    "create": gettext_noop("The folder for processed mail could not be made."),
    "readonly": gettext_noop(
        "This folder can only be read, so processed mail can't be moved or deleted."
    ),
    "same": gettext_noop(
        "Processed mail would stay in the folder that is read. Choose another folder to move to."
    ),
    "protocol": gettext_noop("The server answered something unexpected."),
}


class BoxError(Exception):
    """What is wrong: `code` is a key of SENTENCES, `words` what the server or system said."""

    def __init__(self, code: str, words: object = "") -> None:
        self.code = code
        self.words = _words(words)
        super().__init__(f"{SENTENCES[code]} {self.words}".strip())


def _words(error: object) -> str:
    text = str(error)
    # imaplib passes the server's answer on as the text of bytes.
    if text.startswith(("b'", 'b"')):
        text = text[2:-1]
    return " ".join(text.split())[:500]


@contextlib.contextmanager
def trouble(otherwise: str = "protocol") -> Iterator[None]:
    """Everything that an IMAP command can raise, as a BoxError."""
    try:
        yield
    except socket.gaierror as error:
        raise BoxError("dns", error.strerror) from error
    except ssl.SSLCertVerificationError as error:
        raise BoxError("certificate", error.verify_message) from error
    except ssl.SSLError as error:
        raise BoxError("tls", error.reason or error) from error
    except TimeoutError as error:
        raise BoxError("timeout", error) from error
    except ConnectionRefusedError as error:
        raise BoxError("refused", error.strerror) from error
    except OSError as error:
        raise BoxError("closed", error.strerror or error) from error
    except IMAPClient.AbortError as error:
        raise BoxError("closed", error) from error
    except (IMAPClientError, ValueError) as error:
        raise BoxError(otherwise, error) from error
