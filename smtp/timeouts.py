"""How long each step of a session may take, in seconds. Pure."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The steps of RFC 5321, 4.5.3.2, with less patience than the minutes it recommends: a worker
    holds leases meanwhile. Each is for one whole reply, so that a trickle doesn't prolong it."""

    connect: float = 30.0
    greeting: float = 60.0
    ehlo: float = 60.0
    starttls: float = 30.0
    auth: float = 60.0
    mail: float = 120.0
    rcpt: float = 120.0
    data: float = 120.0
    # For a content that is still being written, as long as none of it leaves.
    content: float = 180.0
    # From the content's end to its reply: servers scan and queue the mail meanwhile.
    content_reply: float = 300.0
    quit: float = 5.0

    def scaled(self, factor: float) -> "Timeouts":
        return Timeouts(*(getattr(self, field.name) * factor for field in fields(self)))
