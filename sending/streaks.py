"""Finds refusals in a row. Pure: outcomes in the order of their replies in, places to cut at out.

A dead address stands among accepted ones. Consecutive refusals mean that the relay, or a server
behind it, accepts nothing at that moment, whatever its words are. So a batch with runs is recorded
in pieces, each in its own transaction, and a run of refusals gets its own time
(`Message.settled_at`). By that time queries.verdicts finds the run, also after a crash and across
the batches of several workers.

"In a row" is not exact: several connections work at once, a mail that was begun earlier may be
accepted later, and a refusal takes less time than a content. So each refusal adds two to a score,
each accepted mail subtracts one, and a run lasts while its score is positive: more than a third of
it is refused.

Why these numbers. With one dead address in thirty a run of six comes once in a hundred million
mails, and one of three once in 20,000. With one in five, the worst list that is still normal, a run
of six comes once in a thousand: these dead addresses are found only by the next mailing. A run that
no accepted mail follows is doubted sooner, because nothing shows that it ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from relays.lanes import WHOLE

# OPEN_RUN refusals in a row are a run while no accepted mail has followed; RUN if one has.
OPEN_RUN, RUN = 3, 6
REFUSED, ACCEPTED = 2, 1
# In a batch with more runs than this only the longest are cut out. A list that is refused as a
# whole is stopped long before (sending.guards).
MOST_RUNS = 10


@dataclass(slots=True)
class _Run:
    """`last`: the refusal at which the score was highest."""

    first: int
    last: int
    score: int = REFUSED
    most: int = REFUSED


def cuts(decided: Sequence[tuple[str, bool]]) -> list[int]:
    """Places in a sequence of (lane, accepted) before which a new piece begins, so that each run of
    the relay or of a lane has its own pieces."""
    going: dict[str, _Run] = {}
    ended: list[_Run] = []
    for place, (lane, accepted) in enumerate(decided):
        for name in (WHOLE, lane):
            run = going.get(name)
            if run is None:
                if not accepted:
                    going[name] = _Run(place, place)
            elif accepted:
                run.score -= ACCEPTED
                if not run.score:
                    ended.append(going.pop(name))
            else:
                run.score += REFUSED
                if run.score > run.most:
                    run.last, run.most = place, run.score
    # A run at either end of a batch may be part of a longer one, so that these are always cut out.
    edges = [run for run in [*ended, *going.values()] if run.first == 0]
    edges += [going[WHOLE]] if WHOLE in going else []
    found = [run for run in [*going.values(), *ended] if run.most >= OPEN_RUN * REFUSED]
    found.sort(key=lambda run: -run.most)
    runs = [*edges[:1], *edges[-1:], *found[:MOST_RUNS]]
    places = {place for run in runs for place in (run.first, run.last + 1)}
    return sorted(place for place in places if 0 < place < len(decided))
