"""The plain SMTP exchange (RFC 5321): one message at a time on a connection of aiosmtplib's.

Every outcome says with certainty how far a message got: taken, refused with the server's words,
never handed over, or in doubt (its content was written, its reply never read).
"""

import asyncio
import re
import ssl
from collections.abc import Callable

from aiosmtplib import SMTP
from aiosmtplib.errors import (
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPException,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from sending import hosts
from sending.smtp import ConnectError, End, Outcome, Server, tls_context

__all__ = ["ConnectError", "Connection", "End", "Outcome", "Server", "tls_context"]

CONNECT_TIMEOUT = 30.0
# RFC 5321, 4.5.3.2 allows minutes; a worker's lease is renewed meanwhile.
COMMAND_TIMEOUT = 120.0
CONTENT_TIMEOUT = 300.0
LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)


class Connection:
    """A session with a relay, logged in."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.sent = 0
        self._client = SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.security == "tls",
            start_tls=False,
            tls_context=tls_context() if server.security != "none" else None,
            timeout=CONNECT_TIMEOUT,
        )

    async def open(self) -> None:
        """Connects, secures, greets and logs in. Raises ConnectError."""
        try:
            place = self.server
            sock = await hosts.connect(
                place.host, place.port, seconds=CONNECT_TIMEOUT, trusted=place.trusted
            )
            # The name stays the client's: it is what the certificate is checked against.
            await self._client.connect(sock=sock, port=None)
            await self._client.ehlo()
            if self.server.security == "starttls":
                # Raises when it isn't offered: what asked for TLS never goes on without.
                await self._client.starttls(tls_context=tls_context())
                await self._client.ehlo()
            if self.server.username:
                await self._client.login(self.server.username, self.server.password)
        except hosts.HostError as error:
            raise ConnectError("connection", str(error)) from error
        except (SMTPException, OSError, ValueError, TimeoutError) as error:
            self._client.close()
            raise _connect_error(error) from error

    @property
    def usable(self) -> bool:
        return self._client.is_connected

    def supports(self, extension: str) -> bool:
        return self._client.supports_extension(extension)

    async def send(
        self, sender: str, recipient: str, content: bytes, *, handing_over: Callable[[], None]
    ) -> Outcome:
        """Sends one message; `content` has CRLF line ends and is not dot-stuffed.

        `handing_over` is called just before the content is written.
        """
        utf8 = ["SMTPUTF8"] if not (sender + recipient).isascii() else []
        handed_over = False
        try:
            for command in (
                (f"MAIL FROM:<{sender}>", *utf8),
                (f"RCPT TO:<{recipient}>",),
                ("DATA",),
            ):
                code, words = await self._command(*command)
                if code >= 400:
                    return await self._refused(code, words)
                if code == 354:
                    break
            else:
                self.close()
                return Outcome(End.NOT_HANDED_OVER, words="the server did not ask for the content")
            handing_over()
            handed_over = True
            code, words = await self._content(content)
        except (SMTPException, OSError, TimeoutError) as error:
            self.close()
            end = End.IN_DOUBT if handed_over else End.NOT_HANDED_OVER
            return Outcome(end, words=_say(error))
        except asyncio.CancelledError:
            self.close()
            raise
        self.sent += 1
        if 200 <= code < 300:
            return Outcome(End.TAKEN, code, words)
        if code == 421:
            self.close()
        return Outcome(End.REFUSED, code, words)

    async def _command(self, *words: str) -> tuple[int, str]:
        encoded = [word.encode() for word in words]
        response = await self._client.execute_command(*encoded, timeout=COMMAND_TIMEOUT)
        return response.code, " ".join(response.message.split("\n"))

    async def _content(self, content: bytes) -> tuple[int, str]:
        protocol = self._client.protocol
        if protocol is None:
            raise SMTPServerDisconnected("Connection lost")
        stuffed = LEADING_DOT.sub(b"..", content)
        end = b".\r\n" if stuffed.endswith(b"\r\n") else b"\r\n.\r\n"
        # As aiosmtplib's own execute_data_command does; that one can't be told of the 354.
        protocol._response_pending = True  # noqa: SLF001
        protocol.write(stuffed + end)
        response = await protocol.read_response(timeout=CONTENT_TIMEOUT)
        return response.code, " ".join(response.message.split("\n"))

    async def _refused(self, code: int, words: str) -> Outcome:
        if code == 421:
            self.close()
        else:
            try:
                await self._command("RSET")
            except (SMTPException, OSError, TimeoutError):
                self.close()
        return Outcome(End.REFUSED, code, words)

    async def quit(self) -> None:
        try:
            if self.usable:
                await self._client.quit(timeout=5)
        except (SMTPException, OSError, TimeoutError):
            pass
        finally:
            self.close()

    def close(self) -> None:
        self._client.close()


def _say(error: BaseException) -> str:
    return str(error).strip() or type(error).__name__


def _connect_error(error: BaseException) -> ConnectError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ConnectError("certificate", cause.verify_message or _say(cause))
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, SMTPAuthenticationError) and 500 <= error.code < 600:
        return ConnectError("login", f"{error.code} {error.message}")
    if isinstance(error, SMTPResponseException):
        code = error.code
        return ConnectError("connection", f"{code} {error.message}" if code > 0 else error.message)
    if isinstance(error, SMTPConnectError):
        return ConnectError("connection", _say(error))
    return ConnectError("connection", _say(error))
