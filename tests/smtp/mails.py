"""A source of mails for tests: it remembers what was asked for and settled, and checks that each
mail is settled once."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import uvloop

from smtp import End, Ending, Exchange, MailObject, Mode, Outcome, Server, Timeouts, open_session
from tests.smtp.scripted import Scripted

# For what works: long enough for a busy machine.
PATIENT = Timeouts().scaled(0.1)
# For silence: a command's reply within 0.3 s, a content's within 0.75.
SOON = Timeouts().scaled(0.0025)
CONTENT = b"Subject: Hello\r\n\r\nDear %b\r\n"
T = TypeVar("T")


def mails_to(*recipients: str, content: bytes = b"") -> list[MailObject]:
    return [
        MailObject(key, "news@brand.example", one, content or CONTENT % one.encode())
        for key, one in enumerate(recipients)
    ]


def people(number: int) -> list[MailObject]:
    return mails_to(*(f"person{place}@a.example" for place in range(number)))


@dataclass
class Mails:
    """Drains its exchanges when the last mail is settled, unless they are `kept`."""

    waiting: list[MailObject]
    kept: bool = False
    handed: list[int] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    exchanges: list[Exchange] = field(default_factory=list)
    given: int = 0
    on_settled: Callable[[MailObject], None] = lambda _mail: None
    on_handing_over: Callable[[MailObject], None] = lambda _mail: None

    def next(self) -> MailObject | None:
        if not self.waiting:
            return None
        self.given += 1
        return self.waiting.pop(0)

    def handing_over(self, mail: MailObject) -> None:
        assert mail.key not in self.handed
        self.handed.append(mail.key)
        self.on_handing_over(mail)

    def settled(self, mail: MailObject, outcome: Outcome) -> None:
        assert mail.recipient not in self.outcomes, "settled twice"
        if outcome.end in {End.ACCEPTED, End.IN_DOUBT}:
            assert mail.key in self.handed
        self.outcomes[mail.recipient] = outcome
        self.on_settled(mail)
        if not self.kept and not self.waiting and self.given == len(self.outcomes):
            for exchange in self.exchanges:
                exchange.drain()

    def ends(self, end: End) -> set[str]:
        return {one for one, outcome in self.outcomes.items() if outcome.end is end}


def check(mails: Mails, server: Scripted) -> None:
    """The invariant of every fault: all settled, nobody twice, and nobody lost track of."""
    assert mails.given == len(mails.outcomes)
    assert all(count == 1 for count in server.accepted.values()), server.accepted
    took = set(server.accepted)
    assert mails.ends(End.ACCEPTED) <= took <= mails.ends(End.ACCEPTED) | mails.ends(End.IN_DOUBT)


async def send_over_one(
    server: Server, mails: Mails, mode: Mode, timeouts: Timeouts = PATIENT, **options: object
) -> Ending:
    session = await open_session(server, PATIENT)
    exchange = Exchange(session, mails, mode=mode, timeouts=timeouts, **options)  # type: ignore[arg-type]
    mails.exchanges.append(exchange)
    exchange.start()
    async with asyncio.timeout(20):
        return await exchange.done


def run(work: Coroutine[None, None, T], *, loop: str = "uvloop") -> T:
    factory = uvloop.new_event_loop if loop == "uvloop" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(work)


def exchange_all(
    server: Scripted,
    given: Sequence[MailObject],
    mode: Mode,
    *,
    loop: str = "uvloop",
    timeouts: Timeouts = PATIENT,
    **options: object,
) -> tuple[Mails, Ending]:
    """One connection's work, and the invariant."""
    mails = Mails(list(given))
    place = Server("127.0.0.1", server.port, "none")
    ending = run(send_over_one(place, mails, mode, timeouts, **options), loop=loop)
    check(mails, server)
    return mails, ending
