"""Refusals in a row. Pure: outcomes in the order of their replies in, places to cut between out.

A dead address stands among others that were accepted. Refusals one after the other are a relay, or
a server behind it, that takes nothing at that moment, whatever words it uses. So a batch is
recorded in pieces, each in a transaction of its own, such that a run of refusals has a time of its
own (`Message.settled_at`). queries.verdicts finds it by that, also after a crash and over the
batches of several workers.

"In a row" is not exact: several connections are at work, a mail that was begun earlier is accepted
later, and a refusal needs no content. So each refusal scores two, each accepted mail takes one
away, and a run lasts as long as its score is above nothing: more than a third of it is refused.

Why these numbers. With one dead address in thirty a run of six comes once in a hundred million
mails, and one of three once in 20,000. With one in five, the worst list that is still normal, six
come once in a thousand: some dead addresses are found by the next mailing only. A run that no
accepted mail follows is doubted sooner: nothing shows that it ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from relays.lanes import WHOLE

# So many refusals in a row are a run while no accepted mail has followed; then so many.
OPEN_RUN, RUN = 3, 6
REFUSED, ACCEPTED = 2, 1
# Of a batch with more runs than this the longest are cut out: a list that is refused as a whole is
# stopped long before (sending.guards).
MOST_RUNS = 10


@dataclass(slots=True)
class _Run:
    """`last`: the refusal with which it scored most."""

    first: int
    last: int
    score: int = REFUSED
    most: int = REFUSED


def cuts(decided: Sequence[tuple[str, bool]]) -> list[int]:
    """Places in a sequence of (lane, whether it was accepted) before which a new piece begins, so
    that each run of the relay or of a lane has pieces of its own."""
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
    # At both ends of a batch a run may be a part of a longer one.
    edges = [run for run in [*ended, *going.values()] if run.first == 0]
    edges += [going[WHOLE]] if WHOLE in going else []
    found = [run for run in [*going.values(), *ended] if run.most >= OPEN_RUN * REFUSED]
    found.sort(key=lambda run: -run.most)
    runs = [*edges[:1], *edges[-1:], *found[:MOST_RUNS]]
    places = {place for run in runs for place in (run.first, run.last + 1)}
    return sorted(place for place in places if 0 < place < len(decided))
