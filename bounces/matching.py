"""Finds the message that a report is about, as far as the mail itself proves it.

A token is proof: only we can make one (sending.compose.tokens), and only its recipient and the
servers on the way have seen it. The best proof is the VERP address that the report came to, then
the returned message. A report that only names an address is unproven, and so is one with the token
of one recipient that names another.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from bounces.reading import Original, Report
from sending.compose import tokens

TOKEN_IN_URL = re.compile(rf"/e/[a-z]/({tokens.PATTERN})(?:[/.?#]|$)")


class By(StrEnum):
    """How a report was matched. Stored in BounceMail.matched_by."""

    VERP = "verp"
    HEADER = "header"
    # These two prove nothing: only the address is known; the token is another recipient's.
    RECIPIENT = "recipient"
    FOREIGN = "foreign"

    @property
    def proves(self) -> bool:
        return self in {By.VERP, By.HEADER}


@dataclass(frozen=True, slots=True)
class Proof:
    message_id: int
    by: By


def proof(report: Report) -> Proof | None:
    """The message that the report is provably about."""
    for by, numbers in ((By.VERP, _arrived_at(report)), (By.HEADER, _returned(report.original))):
        for number in numbers:
            if number:
                return Proof(number, by)
    return None


def _arrived_at(report: Report) -> Iterator[int | None]:
    for address in report.delivered_to:
        yield tokens.of_sender(address)


def _returned(original: Original) -> Iterator[int | None]:
    for token in original.tokens:
        yield tokens.read(token)
    for identity in original.message_ids:
        yield tokens.read(identity.partition("@")[0])
    for address in original.senders:
        yield tokens.of_sender(address)
    for url in original.unsubscribe_urls:
        if found := TOKEN_IN_URL.search(url):
            yield tokens.read(found[1])
