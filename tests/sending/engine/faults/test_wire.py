"""Random faults on the wire alone: exchanges without a ledger, many schedules in a second each.

What the ledger makes of it is in test_schedules.
"""

import asyncio
from collections import Counter, deque

import pytest
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smtp import (
    ConnectError,
    End,
    Ending,
    Exchange,
    MailObject,
    Mode,
    Outcome,
    Timeouts,
    open_session,
)
from smtp import Server as Place
from tests.sending.engine.faults.conductor import PERCENT
from tests.sending.engine.faults.schedules import Plan, plans
from tests.sending.engine.faults.server import running
from tests.sending.engine.faults.test_schedules import ALWAYS_THE_SAME, NUMBER

CONTENT = "To: {who}\r\n\r\n.\r\n..hello {who}\r\n.\r\n"
# So many connections without an answer for any mail: as the engine sees it.
FRUITLESS = 3
CAREFUL = {Mode.CHUNKED: Mode.PIPELINED, Mode.PIPELINED: Mode.GROUPED}


class Post:
    """A source that keeps what became of each mail, and gives back what was not handed over."""

    def __init__(self, number: int) -> None:
        self.waiting = deque(range(number))
        self.out: set[int] = set()
        self.handed: set[int] = set()
        self.came_to: dict[int, Outcome] = {}

    def next(self) -> MailObject | None:
        if not self.waiting:
            return None
        key = self.waiting.popleft()
        self.out.add(key)
        who = name(key)
        return MailObject(key, "bounces@brand.example", who, CONTENT.format(who=who).encode())

    def handing_over(self, mail: MailObject) -> None:
        assert mail.key in self.out
        self.handed.add(mail.key)

    def settled(self, mail: MailObject, outcome: Outcome) -> None:
        self.out.remove(mail.key)
        if outcome.end is End.NOT_HANDED_OVER:
            self.waiting.append(mail.key)
            return
        assert mail.key not in self.came_to
        assert outcome.end is End.REFUSED or mail.key in self.handed
        self.came_to[mail.key] = outcome


async def send(post: Post, port: int, *, chunking: bool) -> None:
    """Connection after connection, going down a mode as the endings advise, until all are out."""
    mode, fruitless = Mode.PIPELINED, 0
    for _ in range(100):
        if not post.waiting:
            return
        patience = Timeouts().scaled(PERCENT / 100)
        try:
            session = await open_session(Place("127.0.0.1", port, "none"), patience)
        except ConnectError:
            continue
        at_best = mode if session.offers.pipelining else Mode.PLAIN
        if chunking and session.offers.chunking and at_best is Mode.PIPELINED:
            at_best = Mode.CHUNKED
        exchange = Exchange(session, post, mode=at_best, timeouts=patience)
        before = len(post.came_to)
        exchange.start()
        exchange.wake()
        if not post.waiting:
            exchange.drain()
        ending: Ending = await until_idle(exchange, post)
        fruitless = 0 if len(post.came_to) > before else fruitless + 1
        if ending.suspect or fruitless >= FRUITLESS:
            mode, fruitless = CAREFUL.get(mode, Mode.PLAIN), 0
    raise AssertionError(f"not out after 100 connections: {len(post.waiting)} wait")


async def until_idle(exchange: Exchange, post: Post) -> Ending:
    while not exchange.done.done():
        if not post.waiting:
            exchange.drain()
        await asyncio.wait([exchange.done], timeout=0.005)
    return exchange.done.result()


def name(key: int) -> str:
    return f"p{key}@x.example"


@pytest.mark.timeout(60 + NUMBER)
@settings(
    max_examples=max(40, 10 * NUMBER),
    deadline=None,
    derandomize=ALWAYS_THE_SAME,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(plan=plans(), number=st.integers(1, 60))
def test_every_mail_comes_to_what_the_server_knows(plan: Plan, number: int) -> None:
    with running(plan.faults, plan.character) as server:
        post = Post(number)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(send(post, server.port, chunking=plan.character.chunking))
    ends = {name(key): outcome.end for key, outcome in post.came_to.items()}
    assert len(ends) == number
    chunking = plan.character.chunking and plan.character.pipelining
    assert not post.out
    assert max(server.accepted.values(), default=0) <= 1
    for who, end in ends.items():
        if end is End.ACCEPTED:
            assert server.accepted[who], f"{who} was not accepted"
        if end is End.REFUSED:
            assert not server.accepted[who], f"{who} was accepted"
            assert server.refused[who] or plan.faults
        if end is End.IN_DOUBT:
            # What is written in chunks is written unasked.
            assert server.asked[who] or chunking
    assert not server.broken
    assert Counter(mail.recipient for mail in server.mails) == server.accepted
    for mail in server.mails:
        assert mail.content == CONTENT.format(who=mail.recipient).encode()
