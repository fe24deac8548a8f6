"""What is said over a connection, in each mode, and how it is held and given up."""

import asyncio
from collections.abc import Sequence

import pytest

from smtp import (
    End,
    EndingKind,
    Exchange,
    MailObject,
    Mode,
    Outcome,
    Server,
    Stage,
    Timeouts,
    WithdrawnError,
    open_session,
)
from tests.smtp.mails import CONTENT, PATIENT, Mails, check, exchange_all, mails_to, people, run
from tests.smtp.scripted import OFFERS, SILENCE, Act, Fault, Scripted, Step, say, serving

LOOPS = ["uvloop", "asyncio"]


async def _opened(server: Scripted, mails: Mails, mode: Mode, **options: object) -> Exchange:
    session = await open_session(Server("127.0.0.1", server.port, "none"), PATIENT)
    exchange = Exchange(session, mails, mode=mode, **({"timeouts": PATIENT} | options))  # type: ignore[arg-type]
    mails.exchanges.append(exchange)
    return exchange


def _said(server: Scripted) -> bytes:
    """All of it but the greeting."""
    return server.everything.partition(b"\r\n")[2]


def _commands(name: bytes) -> bytes:
    return b"MAIL FROM:<news@brand.example>\r\nRCPT TO:<%b@a.example>\r\n" % name


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("mode", [Mode.PLAIN, Mode.GROUPED, Mode.PIPELINED])
def test_the_bytes_of_two_mails(mode: Mode, loop: str) -> None:
    with serving() as server:
        mails, ending = exchange_all(server, people(2), mode, loop=loop)
        assert (
            _said(server)
            == b"".join(
                _commands(name) + b"DATA\r\n" + CONTENT % (name + b"@a.example") + b".\r\n"
                for name in (b"person0", b"person1")
            )
            + b"QUIT\r\n"
        )
    assert (ending.kind, ending.code, ending.words) == (EndingKind.DRAINED, 221, "bye")
    assert mails.handed == [0, 1]
    outcome = mails.outcomes["person1@a.example"]
    assert (outcome.end, outcome.code, outcome.words) == (End.ACCEPTED, 250, "2.0.0 queued as 4711")
    assert outcome.stage is Stage.CONTENT
    assert 0 < outcome.seconds < 5


def test_the_bytes_of_two_mails_with_bdat() -> None:
    with serving() as server:
        exchange_all(
            server, mails_to("a@a.example", "b@a.example", content=b"..\r\n"), Mode.CHUNKED
        )
        assert _said(server) == (
            _commands(b"a")
            + b"BDAT 4 LAST\r\n..\r\nRSET\r\n"
            + _commands(b"b")
            + b"BDAT 4 LAST\r\n..\r\nQUIT\r\n"
        )
        assert server.contents["b@a.example"] == [b"..\r\n"]


@pytest.mark.parametrize(
    ("mode", "turns"), [(Mode.PLAIN, 4), (Mode.GROUPED, 2), (Mode.PIPELINED, 1)]
)
def test_round_trips_a_mail(mode: Mode, turns: int) -> None:
    """Counted by the server: how often it had read all and had to wait for more."""
    with serving() as server:
        exchange_all(server, people(50), mode)
        # The greeting, EHLO, the first envelope and QUIT come on top.
        assert server.turns == pytest.approx(50 * turns, abs=4)


def test_one_window_of_bdat_is_one_round_trip() -> None:
    with serving(faults=[Fault(Step.RSET, Act(pause=0.05), nth=1)]) as server:
        mails, _ending = exchange_all(server, people(9), Mode.CHUNKED, window=8)
        assert len(mails.ends(End.ACCEPTED)) == 9
        heard = server.everything
    # All of the window was said before the reply to its first command.
    assert heard.count(b"BDAT") == 9
    assert server.turns <= 9


@pytest.mark.parametrize("mode", Mode)
def test_dots_at_the_beginnings_of_lines(mode: Mode) -> None:
    contents = [
        b".\r\n",
        b"a\r\n.\r\nb\r\n",
        b"..\r\n.x\r\n",
        b"a\r\n\r\n.b\r\n...\r\n",
        b"no end",
        b"a.\r\nb.c\r\n",
    ]
    given = [
        MailObject(key, "a@b.example", f"p{key}@a.example", content)
        for key, content in enumerate(contents)
    ]
    with serving() as server:
        exchange_all(server, given, mode)
        for key, content in enumerate(contents):
            whole = content if mode is Mode.CHUNKED else content.removesuffix(b"\r\n") + b"\r\n"
            assert server.contents[f"p{key}@a.example"] == [whole]
        assert _said(server).count(b"MAIL FROM") == len(contents)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("mode", Mode)
def test_contents_that_fill_the_buffers(mode: Mode, loop: str) -> None:
    """No more is taken from the source while the server doesn't read."""
    content = (b"x" * 76 + b"\r\n") * 13_000
    given = mails_to(*(f"p{key}@a.example" for key in range(12)), content=content)
    largest = 0

    def look(_mail: MailObject) -> None:
        nonlocal largest
        exchange = mails.exchanges[0]
        largest = max(largest, exchange._transport.get_write_buffer_size())

    mails = Mails(given, on_handing_over=look)

    async def work(server: Scripted) -> None:
        exchange = await _opened(server, mails, mode)
        exchange.start()
        assert (await exchange.done).kind is EndingKind.DRAINED

    faults = [Fault(Step.CONTENT, Act(reply=b"", pause=0.3), nth=20)]
    with serving(faults=faults) as server:
        run(work(server), loop=loop)
        check(mails, server)
        assert all(one == [content] for one in server.contents.values())
        assert len(server.contents) == 12
    assert largest <= len(content) + 128 * 1024


# Parameters ------------------------------------------------------------------------------------


def _envelope(offers: Sequence[str], mail: MailObject) -> tuple[bytes, Outcome]:
    """The MAIL command that was said ("" for none), and the outcome."""
    with serving(offers=offers) as server:
        mails, ending = exchange_all(server, [mail], Mode.PLAIN)
        assert ending.kind is EndingKind.DRAINED
        line, _newline, _rest = _said(server).partition(b"\r\n")
        return line if line.startswith(b"MAIL") else b"", mails.outcomes[mail.recipient]


def test_an_ordinary_mail_needs_no_parameters() -> None:
    line, _outcome = _envelope(OFFERS, people(1)[0])
    assert line == b"MAIL FROM:<news@brand.example>"


def test_an_empty_sender() -> None:
    assert _envelope(OFFERS, MailObject(1, "", "a@a.example", b"x\r\n"))[0] == b"MAIL FROM:<>"


def test_8bit_contents_say_so_where_it_is_offered() -> None:
    mail = MailObject(1, "a@b.example", "a@a.example", "Grüße\r\n".encode())
    assert _envelope(OFFERS, mail)[0] == b"MAIL FROM:<a@b.example> BODY=8BITMIME"
    assert _envelope(["PIPELINING"], mail)[0] == b"MAIL FROM:<a@b.example>"


@pytest.mark.parametrize(
    ("sender", "recipient"), [("a@b.example", "用户@例子.example"), ("ü@b.example", "a@a.example")]
)
def test_other_letters_than_ascii(sender: str, recipient: str) -> None:
    mail = MailObject(1, sender, recipient, b"x\r\n")
    line, outcome = _envelope(OFFERS, mail)
    assert line == f"MAIL FROM:<{sender}> SMTPUTF8".encode()
    assert outcome.end is End.ACCEPTED
    line, outcome = _envelope(["PIPELINING"], mail)
    assert line == b""
    assert (outcome.end, outcome.verdict) == (End.NEEDS_SMTPUTF8, None)
    assert "ASCII" in outcome.words


def test_the_size_is_announced_for_what_is_large() -> None:
    mail = MailObject(1, "a@b.example", "a@a.example", b"x" * 70_000)
    assert _envelope(["SIZE 80000"], mail)[0] == b"MAIL FROM:<a@b.example> SIZE=70000"
    assert _envelope(["SIZE"], mail)[0] == b"MAIL FROM:<a@b.example> SIZE=70000"
    assert _envelope(["PIPELINING"], mail)[0] == b"MAIL FROM:<a@b.example>"


def test_what_is_too_large_is_not_sent() -> None:
    line, outcome = _envelope(
        ["SIZE 1000"], MailObject(1, "a@b.example", "a@a.example", b"x" * 1001)
    )
    assert line == b""
    assert (outcome.end, outcome.code) == (End.REFUSED, 552)
    assert "The mail is 1.1 kB, the relay takes 1.0 kB." in outcome.words
    line, outcome = _envelope(
        ["SIZE 1000"], MailObject(1, "a@b.example", "a@a.example", b"x" * 1000)
    )
    assert outcome.end is End.ACCEPTED


@pytest.mark.parametrize(
    "address",
    [
        "a@a.example>\r\nRCPT TO:<b@a.example",
        "a@a.example\r\nDATA",
        "a@a.example\nx",
        "a\x00@a.example",
        "a@a.example> SIZE=1",
        "a b@a.example",
        "a@a.example NOTIFY=NEVER",
        "<a@a.example>",
        "a@<a.example",
        '"a\r\n"@a.example',
        '"a>b"@a.example',
        '"a\\\r"@a.example',
        '"a"b@a.example',
        '"a@a.example',
        "a\u2028@a.example",
        "a\x85@a.example",
        "a\t@a.example",
        "\ud800@a.example",
    ],
)
@pytest.mark.parametrize("mode", [Mode.PLAIN, Mode.CHUNKED])
def test_no_address_becomes_a_command(address: str, mode: Mode) -> None:
    given = [
        MailObject(0, "a@b.example", address, b"x\r\n"),
        MailObject(1, address, "second@a.example", b"x\r\n"),
        MailObject(2, "a@b.example", "third@a.example", b"x\r\n"),
    ]
    with serving() as server:
        mails, _ending = exchange_all(server, given, mode)
        assert _said(server).count(b"\r\n") == (5 if mode is Mode.PLAIN else 4) + 1
        assert set(server.accepted) == {"third@a.example"}
    assert {mails.outcomes[one].code for one in (address, "second@a.example")} == {501}
    assert mails.outcomes[address].stage is Stage.RCPT


def test_a_quoted_local_part() -> None:
    given = MailObject(1, "a@b.example", '"Ann \\" B."@a.example', b"x\r\n")
    assert _envelope(OFFERS, given)[1].end is End.ACCEPTED


def test_an_empty_recipient_is_none() -> None:
    line, outcome = _envelope(OFFERS, MailObject(1, "a@b.example", "", b"x\r\n"))
    assert (line, outcome.code) == (b"", 501)


# How a connection is held ----------------------------------------------------------------------


@pytest.mark.parametrize("mode", Mode)
def test_as_many_mails_as_a_connection_may_take(mode: Mode) -> None:
    with serving(faults=[Fault(Step.RCPT, say(b"550 5.1.1 no"), nth=2)]) as server:
        mails = Mails(people(5), kept=True)

        async def work() -> None:
            exchange = await _opened(server, mails, mode, most=3)
            exchange.start()
            assert (await exchange.done).kind is EndingKind.FULL

        run(work())
        assert len(mails.outcomes) == 3
        assert len(server.accepted) == 2
        assert len(mails.waiting) == 2
        assert server.everything.endswith(b"QUIT\r\n")


def test_an_idle_connection_is_closed_properly() -> None:
    with serving() as server:
        mails = Mails(people(1), kept=True)

        async def work() -> None:
            exchange = await _opened(server, mails, Mode.PIPELINED, idle=0.1)
            exchange.start()
            assert (await exchange.done).kind is EndingKind.IDLE

        run(work())
        assert server.everything.endswith(b"QUIT\r\n")


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("mode", Mode)
def test_a_connection_is_woken(mode: Mode, loop: str) -> None:
    with serving() as server:
        mails = Mails([], kept=True)

        async def work() -> None:
            exchange = await _opened(server, mails, mode)
            exchange.start()
            busy = []
            for number in range(1, 4):
                busy.append(exchange.busy)
                mails.waiting += people(6)[number * 2 - 2 : number * 2]
                settled = asyncio.get_running_loop().create_future()
                mails.on_settled = lambda mail, settled=settled, last=number * 2 - 1: (  # type: ignore[misc]
                    settled.set_result(None) if mail.key == last else None
                )
                exchange.wake()
                busy.append(exchange.busy)
                await settled
            assert busy == [False, True] * 3
            exchange.drain()
            assert (await exchange.done).kind is EndingKind.DRAINED

        run(work(), loop=loop)
        assert len(server.accepted) == 6
        assert server.connections == 1


@pytest.mark.parametrize("mode", Mode)
def test_drained_with_mails_on_the_way(mode: Mode) -> None:
    """They are finished, and no more are taken."""
    with serving() as server:
        mails = Mails(people(100), kept=True)
        mails.on_settled = lambda mail: mails.exchanges[0].drain() if mail.key == 9 else None

        async def work() -> None:
            exchange = await _opened(server, mails, mode)
            exchange.start()
            assert (await exchange.done).kind is EndingKind.DRAINED

        run(work())
        check(mails, server)
        assert mails.ends(End.ACCEPTED) == set(mails.outcomes)
        assert 10 <= len(mails.outcomes) < 30
        assert server.everything.endswith(b"QUIT\r\n")


def test_a_server_that_does_not_answer_quit_is_not_waited_for_long() -> None:
    with serving(faults=[Fault(Step.QUIT, SILENCE)]) as server:
        mails = Mails(people(2))

        async def work() -> None:
            exchange = await _opened(server, mails, Mode.PIPELINED, timeouts=Timeouts(quit=0.1))
            exchange.start()
            async with asyncio.timeout(5):
                assert (await exchange.done).kind is EndingKind.DRAINED

        run(work())
        assert len(mails.ends(End.ACCEPTED)) == 2


def test_a_server_that_closes_an_idle_connection() -> None:
    goodbye = Act(pause=0.05, reply=b"250 ok\r\n421 4.4.2 idle too long\r\n", then="close")
    with serving(faults=[Fault(Step.END, goodbye)]) as server:
        mails = Mails(people(1), kept=True)

        async def work() -> None:
            exchange = await _opened(server, mails, Mode.PIPELINED)
            exchange.start()
            ending = await exchange.done
            assert (ending.kind, ending.code) == (EndingKind.CLOSED, 421)

        run(work())
        assert len(mails.ends(End.ACCEPTED)) == 1


@pytest.mark.parametrize("mode", Mode)
def test_aborted(mode: Mode) -> None:
    with serving(faults=[Fault(Step.END, SILENCE, nth=2)]) as server:
        mails = Mails(people(30), kept=True)

        async def work() -> None:
            exchange = await _opened(server, mails, mode)
            exchange.start()
            await asyncio.to_thread(server.wait, lambda: server.everything.count(b"Dear") >= 2)
            exchange.abort("the lease is lost")
            exchange.abort("and again")
            ending = await exchange.done
            assert (ending.kind, ending.words) == (EndingKind.CLOSED, "the lease is lost")
            exchange.wake()
            exchange.drain()

        run(work())
        check(mails, server)
        assert mails.outcomes["person1@a.example"].end is End.IN_DOUBT
        assert mails.outcomes["person1@a.example"].words == "the lease is lost"


@pytest.mark.parametrize("mode", Mode)
def test_aborted_right_before_a_content(mode: Mode) -> None:
    """It certainly wasn't handed over: not a byte of it left."""
    with serving() as server:
        mails = Mails(people(5))
        mails.on_handing_over = lambda mail: (
            mails.exchanges[0].abort("stop") if mail.key == 2 else None
        )

        async def work() -> None:
            exchange = await _opened(server, mails, mode)
            exchange.start()
            await exchange.done

        run(work())
        check(mails, server)
        assert mails.outcomes["person2@a.example"].end is End.NOT_HANDED_OVER
        assert b"Dear person2" not in server.everything


@pytest.mark.parametrize("mode", Mode)
def test_a_mail_that_is_withdrawn_when_the_server_asks_for_its_content(mode: Mode) -> None:
    """The connection is left, and nothing of it was said; what was answered before counts."""

    def withdraw(mail: MailObject) -> None:
        if mail.key == 2:
            raise WithdrawnError("it belongs to another by now")

    with serving() as server:
        mails = Mails(people(5), kept=True, on_handing_over=withdraw)

        async def work() -> None:
            exchange = await _opened(server, mails, mode)
            exchange.start()
            ending = await exchange.done
            assert (ending.kind, ending.suspect) == (EndingKind.CLOSED, False)

        run(work())
        check(mails, server)
        withdrawn = mails.outcomes["person2@a.example"]
        assert (withdrawn.end, withdrawn.words) == (
            End.NOT_HANDED_OVER,
            "it belongs to another by now",
        )
        assert b"Dear person2" not in server.everything


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("what", ["wake", "drain", "abort"])
def test_the_source_may_call_back_at_any_time(mode: Mode, what: str) -> None:
    for place in range(1, 25):
        with serving(faults=[Fault(Step.RCPT, say(b"550 no"), nth=3)]) as server:
            mails = _Calling(people(8), place=place, what=what)

            async def work(server: Scripted = server, mails: Mails = mails) -> None:
                exchange = await _opened(server, mails, mode, window=3)
                exchange.start()
                await exchange.done

            run(work())
            check(mails, server)
            if what != "abort":
                assert not mails.ends(End.IN_DOUBT) | mails.ends(End.NOT_HANDED_OVER)
            if what == "wake":
                assert len(mails.outcomes) == 8


class _Calling(Mails):
    """Calls its exchange at the nth time that it is asked or told something."""

    def __init__(self, waiting: list[MailObject], *, place: int, what: str) -> None:
        super().__init__(waiting)
        self.calls = 0
        self.place = place
        self.what = what

    def _call(self) -> None:
        self.calls += 1
        if self.calls == self.place:
            exchange = self.exchanges[0]
            match self.what:
                case "wake":
                    exchange.wake()
                case "drain":
                    exchange.drain()
                case "abort":
                    exchange.abort("enough")

    def next(self) -> MailObject | None:
        mail = super().next()
        self._call()
        return mail

    def handing_over(self, mail: MailObject) -> None:
        super().handing_over(mail)
        self._call()

    def settled(self, mail: MailObject, outcome: Outcome) -> None:
        super().settled(mail, outcome)
        self._call()


def test_a_session_that_was_closed_before_its_use() -> None:
    closing = Act(reply=b"250 mail.test\r\n", then="close")
    with serving(faults=[Fault(Step.EHLO, closing)]) as server:
        mails = Mails(people(2), kept=True)

        async def work() -> None:
            exchange = await _opened(server, mails, Mode.PLAIN)
            exchange.start()
            ending = await exchange.done
            assert ending.kind in {EndingKind.CLOSED, EndingKind.LOST}
            exchange.drain()

        run(work())
        check(mails, server)
        assert not mails.ends(End.ACCEPTED)


@pytest.mark.parametrize("mode", Mode)
def test_a_source_that_fails_ends_its_connection(mode: Mode) -> None:
    """Its own error is the loop's to report; the mails are settled all the same."""

    def fail(mail: MailObject) -> None:
        if mail.key == 2:
            raise RuntimeError("the journal is full")

    with serving() as server:
        mails = Mails(people(5), kept=True, on_handing_over=fail)
        seen: list[str] = []

        async def work() -> None:
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda _loop, context: seen.append(str(context)))
            exchange = await _opened(server, mails, mode)
            exchange.start()
            ending = await exchange.done
            assert (ending.kind, ending.words) == (EndingKind.CLOSED, "the journal is full")

        run(work())
        check(mails, server)
        assert any("the journal is full" in one for one in seen)
        assert mails.outcomes["person2@a.example"].end is End.NOT_HANDED_OVER
        assert b"Dear person2" not in server.everything
