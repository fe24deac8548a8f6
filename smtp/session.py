"""Opens a session with a relay by aiosmtplib: connection, TLS, greeting and login."""

import asyncio
import ssl
from collections.abc import Generator
from dataclasses import dataclass
from functools import cache
from typing import TypeVar, cast

from aiosmtplib import SMTP
from aiosmtplib.errors import SMTPException, SMTPResponseException

from smtp import config, ehloname, hosts, steps
from smtp.exceptions import SmtpError
from smtp.offers import Offers, read_offers
from smtp.remarks import Remark
from smtp.replies import Meaning, Stage, classify
from smtp.replylines import words_of
from smtp.timeouts import Timeouts

T = TypeVar("T")
# {meaning of a refused step: reason}; with any other meaning the server counts as away.
REASONS = {Meaning.LOGIN: "login", Meaning.EHLO: "ehlo"}


@dataclass(frozen=True, slots=True)
class Server:
    """Address, security and login of a relay. `security`: tls, starttls or none."""

    host: str
    port: int
    security: str
    username: str = ""
    password: str = ""
    # Our own sandbox: it listens on loopback, even where private servers are forbidden.
    trusted: bool = False


class ConnectError(SmtpError):
    """No session with the relay. `reason`: connection, certificate, tls (not offered, or failed),
    login, ehlo (the server refuses our name), or too_many (it refuses further connections)."""

    def __init__(self, reason: str, words: str) -> None:
        super().__init__(words)
        self.reason = reason
        self.words = words


@dataclass(slots=True)
class Session:
    """An open session; an Exchange takes over its transport."""

    transport: asyncio.Transport
    offers: Offers

    def close(self) -> None:
        """Closes a session that no exchange took over."""
        self.transport.abort()


@cache
def tls_context() -> ssl.SSLContext:
    """One context for all connections: creating it takes 18 ms."""
    return ssl.create_default_context()


async def open_session(server: Server, timeouts: Timeouts | None = None) -> Session:
    """Raises ConnectError, also if TLS is asked for and can't be had: no fallback to clear text."""
    opening = _Opening(server, timeouts or config.current().timeouts)
    try:
        return await opening.run()
    except hosts.HostError as error:
        raise ConnectError("connection", str(error)) from error
    except (
        *(steps.RefusedError, steps.NotOfferedError),
        *(SMTPException, OSError, ValueError, TimeoutError),
    ) as error:
        raise _connect_error(error, opening.step, server) from error
    finally:
        opening.close()


class _Opening:
    def __init__(self, server: Server, timeouts: Timeouts) -> None:
        self.server = server
        self.timeouts = timeouts
        self.step = "connect"
        self._client: SMTP | None = None

    async def run(self) -> Session:
        place, limits = self.server, self.timeouts
        # No await between connect() and SMTP(): a cancellation there would leak the socket.
        sock = await hosts.connect(
            place.host, place.port, seconds=limits.connect, trusted=place.trusted
        )
        # The client keeps the host's name: the certificate is checked against it.
        client = self._client = SMTP(
            hostname=place.host,
            use_tls=place.security == "tls",
            start_tls=False,
            tls_context=tls_context() if place.security != "none" else None,
            sock=sock,
            port=None,
        )
        self.step = "greeting"
        name = ehloname.of_socket(sock)
        await client.connect(timeout=limits.greeting)
        offered = await self._follow("ehlo", steps.greet(name), limits.ehlo)
        if place.security == "starttls":
            await self._start_tls(client, offered)
            # Offers from before TLS no longer count.
            offered = await self._follow("ehlo", steps.greet(name), limits.ehlo)
        if place.username:
            secure = place.security != "none"
            login = steps.log_in(place.username, place.password, offered, encrypted=secure)
            await self._follow("auth", login, limits.auth)
        return self._handed_over(client, offered)

    async def _follow(
        self, name: str, following: Generator[steps.Command, steps.Answer, T], seconds: float
    ) -> T:
        """Sends each command of the steps and passes its answer back, until the steps end."""
        self.step = name
        try:
            command = next(following)
            while True:
                command = following.send(await self._ask(command, seconds))
        except StopIteration as end:
            return cast("T", end.value)

    async def _ask(self, command: steps.Command, seconds: float) -> steps.Answer:
        if self._client is None:
            raise OSError(str(Remark("closed")))
        reply = await self._client.execute_command(command.line, timeout=seconds)
        return steps.Answer(reply.code, tuple(reply.message.split("\n")))

    async def _start_tls(self, client: SMTP, offered: dict[str, str]) -> None:
        """aiosmtplib drops clear-text bytes that came behind the reply (RFC 3207, 4.2)."""
        self.step = "starttls"
        if "starttls" not in offered:
            raise steps.NotOfferedError("no_starttls")
        if client.protocol is None:
            raise OSError(str(Remark("closed")))
        limit = self.timeouts.starttls
        await client.protocol.start_tls(
            tls_context(), server_hostname=self.server.host, timeout=limit
        )
        client.transport = client.protocol.transport

    def _handed_over(self, client: SMTP, offered: dict[str, str]) -> Session:
        protocol = client.protocol
        if protocol is None or protocol.transport is None:
            raise OSError(str(Remark("closed")))
        # Surplus bytes would be read as the reply to the next command.
        if protocol._buffer:  # noqa: SLF001 - nothing public says so
            raise OSError(str(Remark("unasked")))
        self._client = None
        transport = cast("asyncio.Transport", protocol.transport)
        return Session(transport, read_offers(offered))

    def close(self) -> None:
        """At once: the end of TLS would wait for a server that does not answer."""
        if self._client is not None:
            if self._client.transport is not None:
                cast("asyncio.Transport", self._client.transport).abort()
            self._client.close()


def _connect_error(error: BaseException, step: str, server: Server) -> ConnectError:
    words = _hidden(_say(error), server)
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ConnectError("certificate", cause.verify_message or _say(cause))
        if isinstance(cause, ssl.SSLError):
            return ConnectError("tls", words)
        cause = cause.__cause__ or cause.__context__
    return ConnectError(_reason(error, step), words)


def _reason(error: BaseException, step: str) -> str:
    if refusal := _refusal(error):
        stage = Stage.AUTH if step == "auth" else Stage.CONNECT
        verdict = classify(*refusal, stage)
        if verdict.too_many_connections:
            return "too_many"
        # Replies before EHLO, and to STARTTLS, aren't about our name.
        if step in {"ehlo", "auth"}:
            return REASONS.get(verdict.meaning, "connection")
    if isinstance(error, OSError):
        return "connection"
    if step == "starttls":
        return "tls"
    # No method that both sides know, or none at all.
    return "login" if step == "auth" and not refusal else "connection"


def _refusal(error: BaseException) -> tuple[int, str] | None:
    """(code, words) of the server's reply, if there was one."""
    if isinstance(error, steps.RefusedError):
        return error.answer.code, error.answer.words
    if isinstance(error, SMTPResponseException):
        return error.code, " ".join(error.message.split())
    return None


def _say(error: BaseException) -> str:
    if isinstance(error, steps.RefusedError):
        said = words_of(error.answer.words.encode("utf-8", "replace"))
        return f"{error.answer.code} {said}"
    if isinstance(error, SMTPResponseException):
        said = words_of(" ".join(error.message.split("\n")).encode("utf-8", "replace"))
        return f"{error.code} {said}" if error.code > 0 else said
    return str(error).strip() or type(error).__name__


def _hidden(words: str, server: Server) -> str:
    """The words with the password masked: they are shown, and a server may repeat its input."""
    secret = server.password
    if not secret:
        return words
    for form in (
        secret,
        *(steps.encoded(text) for text in (secret, f"\0{server.username}\0{secret}")),
    ):
        words = words.replace(form, "••••")
    return words
