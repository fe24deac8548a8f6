"""Random schedules of faults: what hypothesis draws, shrinks and prints."""

from dataclasses import dataclass
from enum import StrEnum

from hypothesis import strategies as st

from tests.sending.engine.faults.faultplan import (
    AT_THE_DOOR,
    ON_THE_WAY,
    STRANGE,
    Breaks,
    Character,
    Does,
    Fault,
    Step,
)


class Happens(StrEnum):
    """What befalls all the rest, when so many mails have been accepted."""

    KILL = "kill"  # -9 to a worker; another one starts
    TERM = "term"  # SIGTERM to a worker; another one starts
    FREEZE = "freeze"  # a worker stands still, longer than its lease would let it
    CUT = "cut"  # the database drops every connection of the workers
    AWAY = "away"  # and takes none for a while
    RESTART = "restart"  # of a relay's server
    GONE = "gone"  # for a while nothing listens there
    PAUSE = "pause"  # a person pauses the mailing and resumes it
    AHEAD = "ahead"  # a worker's clock is set an hour ahead
    BACK = "back"


@dataclass(frozen=True)
class Event:
    happens: Happens
    at: int
    # Which worker or server, modulo their number.
    which: int = 0


@dataclass(frozen=True)
class Plan:
    """One relay and its server."""

    character: Character
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Schedule:
    people: int
    workers: int
    relays: tuple[Plan, ...]
    events: tuple[Event, ...]


# Refusals, in every sense, by step.
REFUSALS = (
    b"421 4.3.2 shutting down\r\n",
    b"421 4.7.0 too many connections\r\n",
    b"450 4.2.0 greylisted, try again later\r\n",
    b"451 4.3.0 try again later\r\n",
    b"452 4.2.2 mailbox full\r\n",
    b"452 4.3.1 insufficient system storage\r\n",
    b"454 4.7.0 temporary authentication failure\r\n",
    b"550 5.1.1 user unknown\r\n",
    b"550-5.7.1 looks like\r\n550 5.7.1 spam\r\n",
    b"552 5.3.4 too large\r\n",
    b"554 5.0.0 no\r\n",
)
# Codes that belong to no step, and what is no reply at all.
NONSENSE = (
    b"220 hello again\r\n",
    b"354 go ahead, or not\r\n",
    b"399 what?\r\n",
    b"999 beyond\r\n",
    b"25\r\n",
    b"hello\r\n",
    b"\r\n",
    b"250-never\r\n251 ends\r\n",
)


def faults() -> st.SearchStrategy[Fault]:
    at = st.integers(0, 40)
    times = st.integers(1, 3)
    on_the_way = st.sampled_from([*ON_THE_WAY, Step.RSET])
    anywhere = st.sampled_from([*AT_THE_DOOR, *ON_THE_WAY, Step.RSET, Step.QUIT])
    ends = st.sampled_from([Does.CLOSE, Does.RESET, Does.SILENT])
    return st.one_of(
        st.builds(Fault, on_the_way, st.just(Does.SAY), st.sampled_from(REFUSALS), at, times),
        st.builds(Fault, st.sampled_from(AT_THE_DOOR), st.just(Does.SAY), st.just(REFUSALS[0]), at),
        st.builds(Fault, anywhere, ends, st.just(b""), at, times),
        # The mail is accepted, and the client never learns it.
        st.builds(Fault, st.just(Step.END), ends, st.just(b""), at, times, st.just(True)),
        st.builds(
            Fault,
            on_the_way,
            st.just(Does.SAY),
            st.sampled_from(NONSENSE),
            at,
            times,
            st.booleans(),
        ),
        st.builds(
            Fault, anywhere, st.sampled_from([*STRANGE, Does.TWICE]), st.just(b""), at, times
        ),
    )


def plans() -> st.SearchStrategy[Plan]:
    delay = st.sampled_from([0.0, 0.0, 0.002])
    careful = st.builds(Character, pipelining=st.booleans(), delay=delay)
    wrong = st.builds(Character, breaks=st.sampled_from(Breaks), delay=delay)
    # Only the operator turns it on: where replies are lost or come twice, nothing shows it there.
    chunking = st.builds(Character, chunking=st.just(True), delay=delay)
    one = faults()
    in_step = one.filter(lambda fault: fault.does is not Does.TWICE)
    return st.one_of(
        st.builds(Plan, careful, st.lists(one, max_size=5).map(tuple)),
        st.builds(Plan, wrong, st.lists(one, max_size=3).map(tuple)),
        st.builds(Plan, chunking, st.lists(in_step, max_size=5).map(tuple)),
    )


def schedules(happens: tuple[Happens, ...] = tuple(Happens)) -> st.SearchStrategy[Schedule]:
    events = st.builds(Event, st.sampled_from(happens), st.integers(0, 120), st.integers(0, 2))
    return st.builds(
        Schedule,
        people=st.integers(50, 300),
        workers=st.integers(1, 2),
        relays=st.lists(plans(), min_size=1, max_size=3).map(tuple),
        events=st.lists(events, max_size=4, unique_by=_moment).map(_in_order),
    )


def _moment(event: Event) -> int:
    return event.at


def _in_order(events: list[Event]) -> tuple[Event, ...]:
    return tuple(sorted(events, key=_moment))
