"""Whole mailings against a server that answers wrongly at one step."""

from typing import Any

import pytest

from contacts.models import Suppression
from sending.models import Event, Message
from tests.sending.engine.faults.check import assert_ended
from tests.sending.engine.faults.engine import drive
from tests.sending.engine.faults.faultplan import (
    AT_THE_DOOR,
    ON_THE_WAY,
    STRANGE,
    Character,
    Does,
    Fault,
    Step,
)
from tests.sending.engine.faults.scene import Scene, addresses, opened
from tests.sending.engine.faults.schedules import NONSENSE
from tests.sending.engine.faults.server import running

pytestmark = pytest.mark.django_db(transaction=True)

COMMANDS = (Step.MAIL, Step.RCPT, Step.DATA)
PEOPLE = addresses(24)
# By name, as pytest shows them.
PIPELINED, PLAIN, CHUNKED = Character(), Character(pipelining=False), Character(chunking=True)
CHARACTERS = pytest.mark.parametrize("character", [PIPELINED, PLAIN], ids=["pipelined", "plain"])


def states(scene: Scene) -> dict[str, int]:
    rows = Message.objects.filter(mailing=scene.mailing).values_list("state", flat=True)
    return {Message.State(state).name: list(rows).count(state) for state in set(rows)}


def mail_all(*faults: Fault, character: Character = PIPELINED, **relay: Any) -> Scene:
    """A mailing to everybody, from its begin to its right end."""
    with running(faults, character) as server:
        scene = opened(PEOPLE, server, **relay)
        drive(scene, mending=True)
        assert_ended(scene)
    return scene


@CHARACTERS
@pytest.mark.parametrize("step", [*AT_THE_DOOR, *ON_THE_WAY])
def test_421_at_each_step(step: Step, character: Character) -> None:
    """The server shuts down, in the middle of a group too: everybody gets it from the next
    connection."""
    fault = Fault(step, Does.SAY, b"421 4.3.2 shutting down\r\n", at=step in ON_THE_WAY and 5)
    scene = mail_all(fault, character=character)
    allowed = {"ACCEPTED", "UNKNOWN"} if step is Step.CONTENT else {"ACCEPTED"}
    assert states(scene).keys() <= allowed


@CHARACTERS
@pytest.mark.parametrize("step", [*AT_THE_DOOR, *COMMANDS, Step.END])
def test_4xx_at_each_step(step: Step, character: Character) -> None:
    scene = mail_all(
        Fault(step, Does.SAY, b"451 4.3.0 try again later\r\n", at=2, times=3), character=character
    )
    assert states(scene) == {"ACCEPTED": len(PEOPLE)}


@CHARACTERS
@pytest.mark.parametrize("step", [*COMMANDS, Step.END])
def test_5xx_at_each_step(step: Step, character: Character) -> None:
    """Fails those whom it was said of, with the server's words, and no one else; at MAIL it was
    said of nobody."""
    scene = mail_all(
        Fault(step, Does.SAY, b"554 5.0.0 not this one\r\n", at=2, times=3), character=character
    )
    if step is Step.MAIL:
        assert states(scene) == {"ACCEPTED": len(PEOPLE)}
        return
    assert states(scene) == {"ACCEPTED": len(PEOPLE) - 3, "FAILED": 3}
    failed = Message.objects.filter(mailing=scene.mailing, state=Message.State.FAILED)
    assert {row.reply for row in failed} == {"554 5.0.0 not this one"}


@pytest.mark.parametrize("step", AT_THE_DOOR)
def test_5xx_at_the_door(step: Step) -> None:
    scene = mail_all(Fault(step, Does.SAY, b"554 5.3.2 no service here\r\n", times=3))
    assert states(scene) == {"ACCEPTED": len(PEOPLE)}


@CHARACTERS
def test_354_then_drop(character: Character) -> None:
    """Nothing may have been written, or all of it: unknown is one message at most."""
    fault = Fault(Step.DATA, Does.LAST, b"354 go ahead\r\n", at=7)
    scene = mail_all(fault, character=character)
    assert states(scene).get("UNKNOWN", 0) <= 1


@CHARACTERS
@pytest.mark.parametrize("does", [Does.CLOSE, Does.RESET])
@pytest.mark.parametrize("step", [*AT_THE_DOOR, *COMMANDS])
def test_a_drop_before_the_content_loses_nothing(
    step: Step, does: Does, character: Character
) -> None:
    scene = mail_all(
        Fault(step, does, at=0 if step in AT_THE_DOOR else 5, times=2), character=character
    )
    assert states(scene).get("UNKNOWN", 0) <= (does is Does.RESET and 2)
    if does is Does.CLOSE:
        assert states(scene) == {"ACCEPTED": len(PEOPLE)}


@CHARACTERS
@pytest.mark.parametrize("does", [Does.CLOSE, Does.RESET])
def test_a_drop_before_the_final_dot(does: Does, character: Character) -> None:
    scene = mail_all(Fault(Step.CONTENT, does, at=5, times=2), character=character)
    assert 1 <= states(scene)["UNKNOWN"] <= 4


@CHARACTERS
@pytest.mark.parametrize("takes", [True, False], ids=["taken", "lost"])
def test_a_drop_after_the_final_dot(takes: bool, character: Character) -> None:
    """Nobody can know whether these two have it: they are unknown, and nobody else is."""
    fault = Fault(Step.END, Does.CLOSE, at=5, times=2, takes=takes)
    scene = mail_all(fault, character=character)
    assert states(scene) == {"ACCEPTED": len(PEOPLE) - 2, "UNKNOWN": 2}


@CHARACTERS
@pytest.mark.parametrize("step", [*AT_THE_DOOR, *COMMANDS, Step.END, Step.QUIT])
def test_silence_at_each_step(step: Step, character: Character) -> None:
    scene = mail_all(
        Fault(step, Does.SILENT, at=0 if step in AT_THE_DOOR else 5), character=character
    )
    allowed = {"ACCEPTED", "UNKNOWN"} if step is Step.END else {"ACCEPTED"}
    assert states(scene).keys() == allowed
    assert states(scene).get("UNKNOWN", 0) <= 1


@CHARACTERS
@pytest.mark.parametrize("does", STRANGE)
def test_the_right_answers_strangely_written(does: Does, character: Character) -> None:
    """In single bytes, hundreds of lines, lines of 10 kB, with NULs: they are understood."""
    faults = [Fault(step, does, at=1, times=2) for step in (*AT_THE_DOOR, *COMMANDS, Step.END)]
    scene = mail_all(*faults, character=character)
    assert states(scene) == {"ACCEPTED": len(PEOPLE)}


def test_a_refusal_with_nuls_is_kept() -> None:
    """With its bounce and its suppression, whose rows have no NUL either."""
    scene = mail_all(Fault(Step.RCPT, Does.SAY, b"550 5.1.1 no such\0user\0\r\n", at=3))
    assert states(scene) == {"ACCEPTED": len(PEOPLE) - 1, "FAILED": 1}
    failed = Message.objects.get(mailing=scene.mailing, state=Message.State.FAILED)
    assert (failed.reason, failed.reply) == ("address", "550 5.1.1 no such user")
    assert Suppression.objects.get().value == failed.address
    assert Event.objects.get().detail == failed.reply


@CHARACTERS
@pytest.mark.parametrize("step", [*AT_THE_DOOR, *COMMANDS, Step.END])
def test_a_reply_that_trickles_without_end(step: Step, character: Character) -> None:
    """Each byte comes in time, the reply doesn't: it is as good as none."""
    reply = b"".join(b"250-a line of so many\r\n" for _ in range(100)) + b"250 and so on\r\n"
    fault = Fault(step, Does.TRICKLE, reply, at=0 if step in AT_THE_DOOR else 5)
    scene = mail_all(fault, character=character)
    allowed = {"ACCEPTED", "UNKNOWN"} if step is Step.END else {"ACCEPTED"}
    assert states(scene).keys() <= allowed
    assert states(scene).get("UNKNOWN", 0) <= 1


@CHARACTERS
@pytest.mark.parametrize("step", [*COMMANDS, Step.END])
@pytest.mark.parametrize("words", NONSENSE, ids=repr)
def test_wrong_codes(words: bytes, step: Step, character: Character) -> None:
    """A connection on which no answer can be trusted is given up. Nobody is mailed twice."""
    scene = mail_all(Fault(step, Does.SAY, words, at=5), character=character)
    if step is not Step.END:
        assert states(scene).get("UNKNOWN", 0) == 0


@CHARACTERS
@pytest.mark.parametrize("step", [*COMMANDS, Step.END, Step.RSET])
def test_an_answer_too_many(step: Step, character: Character) -> None:
    mail_all(Fault(step, Does.TWICE, at=5), character=character)


def test_chunks() -> None:
    scene = mail_all(
        Fault(Step.END, Does.CLOSE, at=5, takes=True),
        Fault(Step.END, Does.SAY, b"451 4.3.0 later\r\n", at=9, times=3),
        Fault(Step.RCPT, Does.SAY, b"550 5.0.0 no\r\n", at=15),
        character=CHUNKED,
        chunking=True,
    )
    assert states(scene)["FAILED"] == 1
