"""How many connections a relay is worth, found by trying. Pure.

It begins with a few, and takes half as many again while that brings clearly more mails a second;
when it doesn't, the last number that did is kept, and tried anew after some time. What the server
refuses ("too many connections") is the end of it for hours.
"""

from dataclasses import dataclass, replace
from math import ceil

FIRST, MOST = 4, 20
GROWTH = 1.5
# Of what the added connections could bring at best, this part must come.
WORTH = 0.35
# A number is watched for so many seconds at least, and so many mails or that long.
WATCH, MAILS, LONGEST = 8.0, 100, 30.0
# Seconds for new connections to be opened, which count for neither.
SETTLE = 2.0
# Seconds until a number that was enough is tried to be beaten again.
AGAIN = 600.0
# Hours that a server's refusal holds, in seconds.
REFUSED_FOR = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Search:
    """`number` connections watched since `began` (any clock, in seconds) when `sent` mails had been
    accepted; `before`: the last number and its mails a second, if a comparison is on."""

    number: int
    began: float
    sent: int
    before: tuple[int, float] | None = None
    rest_until: float = 0.0


def start(number: int, now: float, sent: int) -> Search:
    return Search(number, now + SETTLE, sent)


def step(search: Search, now: float, sent: int) -> Search:
    """The search after a look at the count of accepted mails; its `number` is what to use now. To
    be called only while all connections are busy."""
    if now < search.began:  # new connections are being opened
        return replace(search, sent=sent)
    if sent < search.sent:  # the count began anew
        return replace(search, began=now, sent=sent, before=None)
    seconds, mails = now - search.began, sent - search.sent
    if seconds < WATCH or (mails < MAILS and seconds < LONGEST):
        return search
    rate = mails / seconds
    if search.before is not None:
        number, slower = search.before
        best = slower * search.number / number
        if rate < slower + WORTH * (best - slower):
            return Search(number, now + SETTLE, sent, None, now + AGAIN)
    if now < search.rest_until or search.number >= MOST:
        # The figure stays fresh for a later comparison.
        return Search(search.number, now, sent, None, search.rest_until)
    grown = min(MOST, ceil(search.number * GROWTH))
    return Search(grown, now + SETTLE, sent, (search.number, rate), search.rest_until)


def allowed(tried: int, open_here: int, open_elsewhere: int) -> int:
    """What is left of `tried` connections when the server refused one more than are open."""
    return max(1, min(tried - 1, open_here + open_elsewhere))
