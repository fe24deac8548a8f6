"""The product's own SMTP exchange on open connections, with mails that are already composed."""

import asyncio
from collections import deque
from types import TracebackType
from typing import Self

import uvloop

from relays.models import Relay
from relays.services.relays import server_of
from smtp import End, Exchange, MailObject, Mode, Outcome, open_session
from smtp.accepted import Accepted


class Wire:
    """A source for exchanges (smtp.MailSupply)."""

    def __init__(self, relay: Relay, connections: int) -> None:
        self.relay = relay
        self.connections = connections
        self.waiting: deque[MailObject] = deque()
        self.accepted = Accepted()
        self.exchanges: list[Exchange] = []
        self.left = 0

    def __enter__(self) -> Self:
        self.runner = asyncio.Runner(loop_factory=uvloop.new_event_loop).__enter__()
        self.runner.run(self._open())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.runner.run(self._close())
        self.runner.close()

    def send(self, mails: list[MailObject]) -> Accepted:
        """Sends the mails and returns after the last reply; all must be accepted."""
        self.waiting.extend(mails)
        self.left = len(mails)
        self.accepted = Accepted()
        self.runner.run(self._send())
        return self.accepted

    def next(self) -> MailObject | None:
        return self.waiting.popleft() if self.waiting else None

    def handing_over(self, mail: MailObject) -> None: ...

    def settled(self, mail: MailObject, outcome: Outcome) -> None:
        assert outcome.end is End.ACCEPTED, outcome
        self.accepted.add(mail.key, 0, f"{outcome.code} {outcome.words}", outcome.seconds)
        self.left -= 1
        if not self.left:
            self.sent.set()

    async def _open(self) -> None:
        server = server_of(self.relay)
        sessions = await asyncio.gather(*(open_session(server) for _ in range(self.connections)))
        self.exchanges = [Exchange(one, self, mode=Mode.PIPELINED) for one in sessions]
        for exchange in self.exchanges:
            exchange.start()

    async def _send(self) -> None:
        self.sent = asyncio.Event()
        for exchange in self.exchanges:
            exchange.wake()
        await self.sent.wait()

    async def _close(self) -> None:
        for exchange in self.exchanges:
            exchange.drain()
        await asyncio.gather(*(exchange.done for exchange in self.exchanges))
