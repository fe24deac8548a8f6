"""Faults of a server while mails are sent, over all modes.

After each: every mail is settled once; what the server took is what we know it took, and some of
what we know to be in doubt; nobody got a mail twice. `exchange_all` checks that.
"""

import pytest

from smtp import End, Ending, EndingKind, Mode, Server, Stage
from tests.smtp.mails import PATIENT, SOON, Mails, check, exchange_all, people, run, send_over_one
from tests.smtp.scripted import (
    DROP,
    SILENCE,
    TAKE_AND_DROP,
    TAKE_AND_MUTE,
    UNAVAILABLE,
    Act,
    Fault,
    Step,
    say,
    serving,
)

STAGES = {
    Step.MAIL: Stage.MAIL,
    Step.RCPT: Stage.RCPT,
    Step.DATA: Stage.DATA,
    Step.CONTENT: Stage.CONTENT,
    Step.END: Stage.CONTENT,
}
LOOPS = ["uvloop", "asyncio"]
# A mail in the middle, so that there is one before and one behind.
SECOND = "person1@a.example"
# BDAT needs no DATA.
PLACES = [
    (mode, step)
    for mode in Mode
    for step in (Step.MAIL, Step.RCPT, Step.DATA, Step.END)
    if (mode, step) != (Mode.CHUNKED, Step.DATA)
]


def _send(
    mode: Mode,
    *faults: Fault,
    number: int = 4,
    lie: str = "",
    loop: str = "uvloop",
    impatient: bool = False,
) -> tuple[Mails, Ending]:
    timeouts = SOON if impatient else PATIENT
    with serving(faults=faults, lie=lie) as server:
        return exchange_all(server, people(number), mode, loop=loop, timeouts=timeouts)


# Refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [450, 550])
@pytest.mark.parametrize(("mode", "step"), PLACES)
def test_one_is_refused_and_the_others_go_on(mode: Mode, step: Step, code: int) -> None:
    mails, ending = _send(mode, Fault(step, say(b"%d 4.7.1 not this" % code), nth=2))
    assert ending.kind is EndingKind.DRAINED
    refused = mails.outcomes.pop(SECOND)
    assert (refused.end, refused.code, refused.words) == (End.REFUSED, code, "4.7.1 not this")
    assert refused.stage is STAGES[step]
    assert {one.end for one in mails.outcomes.values()} == {End.ACCEPTED}


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(("mode", "step"), PLACES)
def test_all_are_refused(mode: Mode, step: Step, loop: str) -> None:
    mails, ending = _send(mode, Fault(step, say(b"550-5.7.1 no\r\n550 5.7.1 at all")), loop=loop)
    assert ending.kind is EndingKind.DRAINED
    assert len(mails.ends(End.REFUSED)) == 4
    assert {one.words for one in mails.outcomes.values()} == {"5.7.1 no 5.7.1 at all"}


@pytest.mark.parametrize("mode", [Mode.PIPELINED, Mode.GROUPED])
def test_354_though_the_recipient_was_refused(mode: Mode) -> None:
    faults = [
        Fault(Step.RCPT, say(b"550 5.1.1 nobody"), nth=2),
        Fault(Step.DATA, say(b"354 go on"), nth=2),
        # The content without lines that the lone dot makes.
        Fault(Step.END, Act(accept=False), nth=2),
    ]
    with serving(faults=faults) as server:
        mails, ending = exchange_all(server, people(4), mode)
        heard = server.everything
    assert ending.kind is EndingKind.DRAINED
    assert mails.outcomes[SECOND].code == 550
    assert len(mails.ends(End.ACCEPTED)) == 3
    assert b"\r\nDATA\r\n.\r\nRSET\r\nMAIL FROM:" in heard[heard.index(SECOND.encode()) :]


@pytest.mark.parametrize("mode", [Mode.PIPELINED, Mode.GROUPED])
def test_354_for_a_mail_whose_sender_was_refused(mode: Mode) -> None:
    """A dot might deliver an empty mail to the recipient, who was accepted."""
    faults = [
        Fault(Step.MAIL, say(b"550 5.7.1 not you"), nth=2),
        Fault(Step.RCPT, say(b"250 ok"), nth=2),
        Fault(Step.DATA, say(b"354 go on"), nth=2),
    ]
    with serving(faults=faults) as server:
        mails, ending = exchange_all(server, people(4), mode)
        assert not server.everything.endswith(b".\r\n")
    assert ending.kind is EndingKind.DESYNC
    assert len(mails.ends(End.ACCEPTED)) == 1


def test_content_taken_though_its_recipient_was_refused() -> None:
    """With BDAT the content is written before the refusal is read: only the server knows."""
    faults = [Fault(Step.RCPT, Act(reply=b"550 5.1.1 nobody\r\n"), nth=2)]
    with serving(faults=faults) as server:
        # It counts the recipient all the same.
        server.confused = True
        mails, ending = exchange_all(server, people(4), Mode.CHUNKED)
    assert ending.kind is EndingKind.DESYNC
    assert SECOND in mails.ends(End.IN_DOUBT)


# 421 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(("mode", "step"), PLACES)
def test_421(mode: Mode, step: Step, loop: str) -> None:
    mails, ending = _send(mode, Fault(step, UNAVAILABLE, nth=2), loop=loop)
    assert (ending.kind, ending.code) == (EndingKind.UNAVAILABLE, 421)
    assert ending.words == "4.3.2 closing"
    assert mails.ends(End.ACCEPTED) == {"person0@a.example"}
    assert mails.outcomes[SECOND].end is End.REFUSED
    assert mails.outcomes[SECOND].code == 421
    if mode is not Mode.CHUNKED:
        assert not mails.ends(End.IN_DOUBT)


@pytest.mark.parametrize("mode", Mode)
def test_421_though_the_server_goes_on(mode: Mode) -> None:
    """Whatever it says then is not listened to."""
    mails, ending = _send(mode, Fault(Step.RCPT, say(b"421 4.7.0 slow down"), nth=2))
    assert ending.kind is EndingKind.UNAVAILABLE
    assert mails.ends(End.ACCEPTED) == {"person0@a.example"}


# Dropped ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("step", [Step.MAIL, Step.RCPT, Step.DATA])
def test_dropped_in_an_envelope(mode: Mode, step: Step, loop: str) -> None:
    if mode is Mode.CHUNKED:
        step = Step.MAIL
    mails, ending = _send(mode, Fault(step, DROP, nth=2), loop=loop)
    assert ending.kind is EndingKind.LOST
    assert not ending.suspect
    assert mails.ends(End.ACCEPTED) == {"person0@a.example"}
    if mode is not Mode.CHUNKED:
        assert not mails.ends(End.IN_DOUBT)
        assert mails.outcomes[SECOND].stage is STAGES[step]


@pytest.mark.parametrize("mode", [Mode.PIPELINED, Mode.GROUPED, Mode.PLAIN])
def test_354_then_dropped(mode: Mode) -> None:
    mails, ending = _send(mode, Fault(Step.DATA, say(b"354 go on").closing(), nth=2))
    assert ending.kind is EndingKind.LOST
    # Whether the content was on its way when the end was read is a race; both are certain.
    assert mails.outcomes[SECOND].end in {End.IN_DOUBT, End.NOT_HANDED_OVER}
    assert mails.ends(End.ACCEPTED) == {"person0@a.example"}


@pytest.mark.parametrize("mode", Mode)
def test_dropped_before_the_final_dot(mode: Mode) -> None:
    mails, ending = _send(mode, Fault(Step.CONTENT, DROP, to=SECOND))
    assert ending.kind is EndingKind.LOST
    assert mails.ends(End.ACCEPTED) == {"person0@a.example"}
    assert mails.outcomes[SECOND].end is End.IN_DOUBT
    assert mails.outcomes[SECOND].stage is Stage.CONTENT


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("mode", Mode)
def test_dropped_behind_the_final_dot(mode: Mode, loop: str) -> None:
    mails, ending = _send(mode, Fault(Step.END, TAKE_AND_DROP, nth=2), loop=loop)
    assert ending.kind is EndingKind.LOST
    assert mails.outcomes[SECOND].end is End.IN_DOUBT
    if mode is not Mode.CHUNKED:
        assert mails.ends(End.IN_DOUBT) == {SECOND}


@pytest.mark.parametrize("mode", Mode)
def test_server_restarted(mode: Mode) -> None:
    """What wasn't handed over goes to the new one; nobody is missing but those in doubt."""
    with serving() as server:
        place = Server("127.0.0.1", server.port, "none")
        mails = Mails(people(30))
        mails.on_settled = lambda mail: server.cut() if mail.key == 9 else None
        ending = run(send_over_one(place, mails, mode))
        check(mails, server)
    assert ending.kind is EndingKind.LOST
    lost = mails.ends(End.NOT_HANDED_OVER)
    rest = [mail for mail in people(30) if mail.recipient not in mails.outcomes]
    rest += [mail for mail in people(30) if mail.recipient in lost]
    with serving(port=server.port) as again:
        exchange_all(again, rest, mode)
    took = server.accepted + again.accepted
    assert all(count == 1 for count in took.values())
    everybody = {mail.recipient for mail in people(30)}
    assert everybody - set(took) <= mails.ends(End.IN_DOUBT)


# Silent or slow --------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "step"), PLACES)
def test_silence(mode: Mode, step: Step) -> None:
    act = TAKE_AND_MUTE if step is Step.END else SILENCE
    mails, ending = _send(mode, Fault(step, act, nth=2), impatient=True)
    assert ending.kind is EndingKind.TIMEOUT
    assert ending.words
    assert "person0@a.example" in mails.ends(End.ACCEPTED)
    written = step is Step.END or mode is Mode.CHUNKED
    assert mails.outcomes[SECOND].end is (End.IN_DOUBT if written else End.NOT_HANDED_OVER)


@pytest.mark.parametrize("mode", Mode)
def test_silence_within_a_content(mode: Mode) -> None:
    mails, ending = _send(mode, Fault(Step.CONTENT, SILENCE, to=SECOND), impatient=True)
    assert ending.kind is EndingKind.TIMEOUT
    assert mails.outcomes[SECOND].end is End.IN_DOUBT


@pytest.mark.parametrize(("mode", "step"), PLACES)
def test_a_reply_that_trickles_is_not_waited_for(mode: Mode, step: Step) -> None:
    """Bytes that come don't prolong the time for their reply."""
    act = Act(reply=b"250 2.0.0 ok" * 40 + b"\r\n", pace=0.01, accept=True)
    mails, ending = _send(mode, Fault(step, act, nth=2), impatient=True)
    assert ending.kind is EndingKind.TIMEOUT
    assert "person0@a.example" in mails.ends(End.ACCEPTED)


def test_a_slow_server_is_waited_for_at_each_step() -> None:
    faults = [Fault(step, Act(pause=0.1)) for step in (Step.MAIL, Step.RCPT, Step.DATA, Step.END)]
    mails, ending = _send(Mode.PIPELINED, *faults, number=2, impatient=True)
    assert ending.kind is EndingKind.DRAINED
    assert len(mails.ends(End.ACCEPTED)) == 2
    assert all(one.seconds >= 0.1 for one in mails.outcomes.values())


# Odd but good replies --------------------------------------------------------------------------

STEPS = (Step.MAIL, Step.RCPT, Step.DATA, Step.END, Step.RSET, Step.QUIT)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("mode", Mode)
def test_replies_in_single_bytes(mode: Mode, loop: str) -> None:
    mails, ending = _send(mode, *(Fault(step, Act(pace=0.0)) for step in STEPS), loop=loop)
    assert ending.kind is EndingKind.DRAINED
    assert len(mails.ends(End.ACCEPTED)) == 4


@pytest.mark.parametrize("mode", Mode)
def test_replies_of_hundreds_of_lines(mode: Mode) -> None:
    def long(code: bytes) -> Act:
        lines = [code + b"-line %d" % number for number in range(500)]
        return say(b"\r\n".join([*lines, code + b" end"]))

    faults = [Fault(step, long(b"354" if step is Step.DATA else b"250")) for step in STEPS]
    mails, ending = _send(mode, *faults)
    assert ending.kind is EndingKind.DRAINED
    assert len(mails.ends(End.ACCEPTED)) == 4
    assert mails.outcomes[SECOND].words.startswith("line 0 line 1 ")


@pytest.mark.parametrize("mode", Mode)
def test_replies_of_10_kb_lines(mode: Mode) -> None:
    faults = [
        Fault(step, say((b"354 " if step is Step.DATA else b"250 ") + b"x" * 10_000))
        for step in STEPS
    ]
    mails, ending = _send(mode, *faults)
    assert ending.kind is EndingKind.DRAINED
    assert len(mails.ends(End.ACCEPTED)) == 4
    assert set(mails.outcomes[SECOND].words) == {"x"}


@pytest.mark.parametrize(
    "reply", [b"250", b"250 ", b"250 \xe9\x81\xbf\xff ok\x1b[2J", b"250 o\x00k"]
)
def test_replies_of_odd_words(reply: bytes) -> None:
    mails, _ending = _send(Mode.PIPELINED, Fault(Step.END, say(reply)))
    assert len(mails.ends(End.ACCEPTED)) == 4
    assert all(one.words.isprintable() for one in mails.outcomes.values())


# Replies that are none -------------------------------------------------------------------------

WRONG = {
    "no code": b"hello",
    "a short code": b"25 ok",
    "a code of no class": b"650 ok",
    "an early class": b"150 wait",
    "a greeting": b"220 mail.test ESMTP",
    "a goodbye": b"221 bye",
    "two codes": b"250-one\r\n251 two",
    "a line without end": b"250 " + b"x" * 100_000,
    "a reply without end": b"250-more\r\n" * 3000 + b"250 end",
    "an empty line": b"",
    "a tab": b"250\tok",
}


@pytest.mark.parametrize("reply", WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize(("mode", "step"), PLACES)
def test_wrong_replies(mode: Mode, step: Step, reply: bytes) -> None:
    """The connection is left; a content that was written may have been taken all the same."""
    act = Act(reply=reply + b"\r\n", accept=step is Step.END)
    mails, ending = _send(mode, Fault(step, act, nth=2))
    assert ending.kind is EndingKind.DESYNC
    assert "person0@a.example" in mails.ends(End.ACCEPTED)
    written = step is Step.END or mode is Mode.CHUNKED
    assert mails.outcomes[SECOND].end is (End.IN_DOUBT if written else End.NOT_HANDED_OVER)


@pytest.mark.parametrize("reply", [b"354 go on", b"334 go on"])
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("step", [Step.MAIL, Step.RCPT, Step.END])
def test_354_where_it_means_nothing(mode: Mode, step: Step, reply: bytes) -> None:
    mails, ending = _send(mode, Fault(step, Act(reply=reply + b"\r\n", accept=True), nth=2))
    assert ending.kind is EndingKind.DESYNC
    assert mails.ends(End.ACCEPTED) == {"person0@a.example"}


@pytest.mark.parametrize("mode", [Mode.PIPELINED, Mode.GROUPED, Mode.PLAIN])
def test_250_instead_of_354(mode: Mode) -> None:
    mails, ending = _send(mode, Fault(Step.DATA, say(b"250 ok"), nth=2))
    assert ending.kind is EndingKind.DESYNC
    assert mails.outcomes[SECOND].end is End.NOT_HANDED_OVER


@pytest.mark.parametrize("mode", [Mode.PIPELINED, Mode.GROUPED, Mode.PLAIN])
@pytest.mark.parametrize("step", [Step.MAIL, Step.RCPT, Step.END])
def test_a_reply_too_many(mode: Mode, step: Step) -> None:
    """354 comes once a mail: no content goes where replies don't add up."""
    mails, ending = _send(mode, Fault(step, say(b"250 ok\r\n250 and once more"), nth=2))
    assert ending.kind is EndingKind.DESYNC
    assert not mails.ends(End.REFUSED)


@pytest.mark.parametrize("mode", Mode)
def test_rset_refused(mode: Mode) -> None:
    faults = [
        Fault(Step.RCPT, say(b"550 5.1.1 nobody"), to=SECOND),
        Fault(Step.RSET, say(b"500 what?")),
    ]
    _mails, ending = _send(mode, *faults)
    assert ending.kind is EndingKind.DESYNC


# PIPELINING and CHUNKING that are offered and broken -------------------------------------------

QUICK = [Mode.CHUNKED, Mode.PIPELINED, Mode.GROUPED]


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("lie", ["drop", "refuse"])
@pytest.mark.parametrize("mode", QUICK)
def test_a_server_that_lies_about_pipelining(mode: Mode, lie: str, loop: str) -> None:
    mails, ending = _send(mode, lie=lie, loop=loop, impatient=True)
    assert ending.suspect
    assert ending.kind is (EndingKind.TIMEOUT if lie == "drop" else EndingKind.DESYNC)
    # All that was asked for goes back, and can go out in the plain mode.
    assert mails.ends(End.NOT_HANDED_OVER) == set(mails.outcomes)
    mails, ending = _send(Mode.PLAIN, lie=lie)
    assert (ending.kind, ending.suspect) == (EndingKind.DRAINED, False)
    assert len(mails.ends(End.ACCEPTED)) == 4


def test_a_server_that_drops_what_comes_behind_a_content() -> None:
    mails, ending = _send(Mode.PIPELINED, lie="drop behind content", impatient=True)
    assert ending.suspect
    assert mails.ends(End.ACCEPTED) == {"person0@a.example"}
    assert not mails.ends(End.IN_DOUBT)
    _mails, ending = _send(Mode.GROUPED, lie="drop behind content")
    assert (ending.kind, ending.suspect) == (EndingKind.DRAINED, False)


@pytest.mark.parametrize("code", [500, 502, 503])
@pytest.mark.parametrize("mode", QUICK)
@pytest.mark.parametrize("step", [Step.MAIL, Step.RCPT])
def test_a_server_that_loses_the_thread_of_a_group(mode: Mode, step: Step, code: int) -> None:
    """Nobody fails for it: it would be the same for each address."""
    mails, ending = _send(mode, Fault(step, say(b"%d 5.5.1 what?" % code)))
    assert ending.suspect
    assert mails.ends(End.NOT_HANDED_OVER) == set(mails.outcomes)
    mails, ending = _send(Mode.PLAIN, Fault(step, say(b"%d 5.5.1 what?" % code)))
    assert not ending.suspect
    assert len(mails.ends(End.REFUSED)) == 4


def test_a_server_that_does_not_know_bdat() -> None:
    """One content is all it gets; it said itself that it didn't take it."""
    mails, ending = _send(Mode.CHUNKED, Fault(Step.END, say(b"500 5.5.1 what?")))
    assert ending.suspect
    assert mails.ends(End.NOT_HANDED_OVER) == {"person0@a.example"}
    assert len(mails.outcomes) == 1


@pytest.mark.parametrize("mode", QUICK)
def test_trouble_later_is_no_lie(mode: Mode) -> None:
    fault = Fault(Step.MAIL, SILENCE, nth=4)
    _mails, ending = _send(mode, fault, number=6, impatient=True)
    assert (ending.kind, ending.suspect) == (EndingKind.TIMEOUT, False)
