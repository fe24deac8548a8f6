"""Finds by trial how many connections are good for a relay. Pure.

It begins with a few and adds half as many while that brings clearly more mails a second. Otherwise
it returns to the last good number, and tries a higher one again after some time. If the server
refuses a connection ("too many connections"), its limit holds for hours.
"""

from dataclasses import dataclass, replace
from math import ceil

FIRST, MOST = 4, 20
GROWTH = 1.5
# The added connections must bring at least this part of their best possible gain.
WORTH = 0.35
# A number is watched for at least WATCH seconds, and until MAILS mails or LONGEST seconds.
WATCH, MAILS, LONGEST = 8.0, 100, 30.0
# Seconds for opening new connections; they aren't measured.
SETTLE = 2.0
# Seconds until a higher number than the kept one is tried again.
AGAIN = 600.0
# Seconds for which a server's refusal holds.
REFUSED_FOR = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Search:
    """`number` connections are watched since `began` (seconds of any clock), when `sent` mails had
    been accepted. `before`: the last number and its mails a second, while they are compared."""

    number: int
    began: float
    sent: int
    before: tuple[int, float] | None = None
    rest_until: float = 0.0


def start(number: int, now: float, sent: int) -> Search:
    return Search(number, now + SETTLE, sent)


def step(search: Search, now: float, sent: int) -> Search:
    """The search after a look at the count of accepted mails; use its `number` from now on. To be
    called only while all connections are busy."""
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
        # Measure again, so that a later comparison uses a fresh figure.
        return Search(search.number, now, sent, None, search.rest_until)
    grown = min(MOST, ceil(search.number * GROWTH))
    return Search(grown, now + SETTLE, sent, (search.number, rate), search.rest_until)


def allowed(tried: int, open_here: int, open_elsewhere: int) -> int:
    """The number of connections to try after the server refused a further one: those that are
    open, at most `tried`."""
    return max(1, min(tried - 1, open_here + open_elsewhere))
