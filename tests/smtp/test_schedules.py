"""Random faults on random connections: whatever a server does, nobody gets a mail twice, and
nobody is lost track of.
"""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smtp import ConnectError, End, Mode, Server
from tests.smtp.mails import SOON, Mails, people, run, send_over_one
from tests.smtp.scripted import (
    DROP,
    SILENCE,
    TAKE_AND_DROP,
    TAKE_AND_MUTE,
    UNAVAILABLE,
    Act,
    Fault,
    Script,
    Step,
    say,
    serving,
)

ACTS = [
    say(b"450 4.2.1 later"),
    say(b"550 5.1.1 no"),
    say(b"503 5.5.1 what?"),
    say(b"354 go on"),
    say(b"250 2.0.0 ok"),
    say(b"250 o\x00k"),
    say(b"nonsense"),
    Act(pace=0.0),
    Act(pause=0.01),
    UNAVAILABLE,
    DROP,
    SILENCE,
]
AFTER_CONTENT = [TAKE_AND_DROP, TAKE_AND_MUTE, Act(reply=b"354 go on\r\n", accept=True)]

envelope_faults = st.builds(
    Fault,
    st.sampled_from([Step.CONNECT, Step.EHLO, Step.MAIL, Step.RCPT, Step.DATA, Step.RSET]),
    st.sampled_from(ACTS),
    nth=st.integers(1, 6),
)
content_faults = st.one_of(
    # "250" to a half content would be a lie, not a fault.
    st.builds(
        Fault, st.just(Step.CONTENT), st.sampled_from([DROP, SILENCE]), nth=st.integers(1, 6)
    ),
    st.builds(
        Fault, st.just(Step.END), st.sampled_from(ACTS + AFTER_CONTENT), nth=st.integers(1, 6)
    ),
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    faults=st.lists(st.one_of(envelope_faults, content_faults), max_size=4),
    # In CHUNKED mode a success can't be told from a surplus one: see exchange.
    mode=st.sampled_from([Mode.PIPELINED, Mode.GROUPED, Mode.PLAIN]),
    lie=st.sampled_from(["", "", "", "drop", "refuse", "drop behind content"]),
    most=st.sampled_from([None, 2, 5]),
    loop=st.sampled_from(["uvloop", "asyncio"]),
)
def test_the_ledger_closes(
    faults: list[Fault], mode: Mode, lie: str, most: int | None, loop: str
) -> None:
    """Connection after connection, as a worker does it, until each mail has its end."""
    everybody = {mail.recipient: mail for mail in people(8)}
    ends: dict[str, End] = {}
    with serving(Script(faults, lie=lie)) as server:
        place = Server("127.0.0.1", server.port, "none")
        for _connection in range(30):
            waiting = [mail for one, mail in everybody.items() if one not in ends]
            if not waiting:
                break
            mails = Mails(waiting)
            try:
                ending = run(send_over_one(place, mails, mode, SOON, most=most), loop=loop)
            except ConnectError:
                continue
            assert mails.given == len(mails.outcomes)
            for recipient, outcome in mails.outcomes.items():
                if outcome.end is not End.NOT_HANDED_OVER:
                    ends[recipient] = outcome.end
            if ending.suspect:
                mode = Mode.PLAIN
        accepted = server.accepted
    assert set(ends) == set(everybody)
    assert all(count == 1 for count in accepted.values())
    certain = {one for one, end in ends.items() if end is End.ACCEPTED}
    doubtful = {one for one, end in ends.items() if end is End.IN_DOUBT}
    assert certain <= set(accepted) <= certain | doubtful
