"""Timeouts of the steps of a session, in seconds. Pure."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Timeouts:
    """For the steps of RFC 5321, 4.5.3.2, shorter than the minutes that it recommends: a worker
    holds leases while it waits. Each timeout covers one whole reply, so that a slow trickle of
    bytes doesn't extend it."""

    connect: float = 30.0
    greeting: float = 60.0
    ehlo: float = 60.0
    starttls: float = 30.0
    auth: float = 60.0
    mail: float = 120.0
    rcpt: float = 120.0
    data: float = 120.0
    # While a content is written: seconds in which no byte of it leaves.
    content: float = 180.0
    # From the content's end to its reply: the server scans and queues the mail in this time.
    content_reply: float = 300.0
    quit: float = 5.0

    def scaled(self, factor: float) -> "Timeouts":
        return Timeouts(*(getattr(self, field.name) * factor for field in fields(self)))
