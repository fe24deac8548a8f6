"""Connections that carry only so many mails or commands: the next one goes on, and nobody waits."""

import pytest

from smtp import End, EndingKind, MailObject, Mode, Outcome, Server
from tests.smtp.mails import Mails, exchange_all, mails_to, people, run, send_over_one
from tests.smtp.scripted import Fault, Scripted, Step, say, serving

MODES = [Mode.PLAIN, Mode.GROUPED, Mode.PIPELINED, Mode.CHUNKED]
NOBODY = Fault(Step.RCPT, say(b"550 5.1.1 no such user"), to="nobody")


def _carried(
    server: Scripted, given: list[MailObject], mode: Mode
) -> tuple[list[int], dict[str, End]]:
    """All of it over one connection after the other, as a worker does. What each ending carried,
    and what became of each mail."""
    known = {mail.recipient: mail for mail in given}
    waiting = list(given)
    carried: list[int] = []
    ends: dict[str, End] = {}
    place = Server("127.0.0.1", server.port, "none")
    while waiting:
        mails = Mails(waiting)
        ending = run(send_over_one(place, mails, mode))
        ends |= {one: outcome.end for one, outcome in mails.outcomes.items()}
        waiting = [known[one] for one in sorted(mails.ends(End.NEXT_CONNECTION))] + mails.waiting
        if ending.kind is EndingKind.SPENT:
            carried.append(ending.carried)
            assert not ending.suspect
    assert all(count == 1 for count in server.accepted.values())
    return carried, ends


@pytest.mark.parametrize("hangs_up", [False, True])
@pytest.mark.parametrize("mode", MODES[:3])
def test_a_connection_that_carried_its_mails(mode: Mode, hangs_up: bool) -> None:
    with serving(mails_each=7, hangs_up=hangs_up) as server:
        carried, ends = _carried(server, people(30), mode)
        assert set(ends.values()) == {End.ACCEPTED}
        assert len(server.accepted) == 30
        assert carried == [7, 7, 7, 7]


@pytest.mark.parametrize("hangs_up", [False, True])
def test_mails_in_chunks_behind_it_are_not_in_doubt(hangs_up: bool) -> None:
    """Their contents were written already: the server has said that it takes none of them."""
    with serving(mails_each=7, hangs_up=hangs_up) as server:
        mails, ending = exchange_all(server, people(30), Mode.CHUNKED)
        assert (ending.kind, ending.carried) == (EndingKind.SPENT, 7)
        assert not mails.ends(End.IN_DOUBT)
        assert len(mails.ends(End.ACCEPTED)) == 7
        assert mails.ends(End.REFUSED) | mails.ends(End.NEXT_CONNECTION)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "words",
    [
        b"421 4.7.0 Too many messages per connection",
        b"450 4.7.1 Too many mails in one session",
        b"452 4.3.2 Max message per connection reached",
        "421 单次连接发送邮件数量超过限制".encode(),
    ],
)
def test_servers_say_it_in_many_ways(mode: Mode, words: bytes) -> None:
    with serving(mails_each=3, enough=words) as server:
        _mails, ending = exchange_all(server, people(9), mode)
        assert (ending.kind, ending.carried) == (EndingKind.SPENT, 3)


def test_the_first_mail_of_a_connection_is_refused_like_others() -> None:
    """Else it would go from connection to connection for ever."""
    with serving(
        faults=[Fault(Step.MAIL, say(b"421 too many messages in this connection"))]
    ) as one:
        mails, ending = exchange_all(one, people(1), Mode.PIPELINED)
        assert mails.outcomes["person0@a.example"].end is End.REFUSED
        assert ending.kind is EndingKind.UNAVAILABLE


def test_a_limit_of_the_pace_is_none_of_the_connection() -> None:
    fault = Fault(Step.MAIL, say(b"421 4.7.28 too many messages from your network"), nth=3)
    with serving(faults=[fault]) as server:
        mails, ending = exchange_all(server, people(5), Mode.PIPELINED)
        assert ending.kind is EndingKind.UNAVAILABLE
        assert mails.outcomes["person2@a.example"].end is End.REFUSED


@pytest.mark.parametrize("mode", MODES)
def test_many_refusals_end_a_connection_before_the_server_does(mode: Mode) -> None:
    """Exim hangs up on the twelfth RSET between two mails, with a code that looked like a lie."""
    given = mails_to(*(f"nobody{n}@a.example" for n in range(40)), "somebody@a.example")
    with serving(faults=[NOBODY], resets=11) as server:
        carried, ends = _carried(server, given, mode)
        assert carried == []
        assert ends.pop("somebody@a.example") is End.ACCEPTED
        assert set(ends.values()) == {End.REFUSED}
        assert b"nonmail" not in server.everything
        assert 5 <= server.connections <= 8


@pytest.mark.parametrize("mode", MODES[:3])
def test_a_server_that_is_stricter_still(mode: Mode) -> None:
    given = mails_to(*(f"nobody{n}@a.example" for n in range(12)), "somebody@a.example")
    with serving(faults=[NOBODY], resets=3) as server:
        carried, ends = _carried(server, given, mode)
        # It counts commands, not mails: nothing is learned about those.
        assert set(carried) == {0}
        assert ends.pop("somebody@a.example") is End.ACCEPTED
        assert set(ends.values()) == {End.REFUSED}


def test_too_many_errors_at_a_recipient() -> None:
    """Postfix: it hangs up at the reply that its error limit falls upon."""
    fault = Fault(Step.RCPT, say(b"421 4.7.0 mx.a.example Error: too many errors"), nth=4)
    with serving(faults=[fault]) as server:
        mails, ending = exchange_all(server, people(8), Mode.PIPELINED)
        assert (ending.kind, ending.carried) == (EndingKind.SPENT, 0)
        assert mails.outcomes["person3@a.example"].end is End.NEXT_CONNECTION
        assert len(mails.ends(End.ACCEPTED)) == 3


def test_a_recipient_that_was_refused_stays_refused() -> None:
    """DATA is answered with the end of the connection."""
    given = mails_to("somebody@a.example", "nobody@a.example")
    closing = Fault(Step.DATA, say(b"421 4.7.0 Error: too many errors"), nth=2)
    with serving(faults=[NOBODY, closing]) as server:
        mails, _ending = exchange_all(server, given, Mode.GROUPED)
        outcome: Outcome = mails.outcomes["nobody@a.example"]
        assert (outcome.end, outcome.code) == (End.REFUSED, 550)


def test_a_refused_sender_leaves_no_transaction_to_reset() -> None:
    fault = Fault(Step.MAIL, say(b"450 4.7.1 slow down"), nth=2)
    with serving(faults=[fault]) as server:
        mails, _ending = exchange_all(server, people(4), Mode.PIPELINED)
        assert len(mails.ends(End.ACCEPTED)) == 3
        assert b"RSET" not in server.everything
