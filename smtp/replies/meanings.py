"""The classes of replies, and where in the dialogue a reply came. Pure."""

from enum import StrEnum


class Meaning(StrEnum):
    """Each decides what happens to the message (sending.services.outcomes); the values are codes of
    sending.reasons."""

    ACCEPTED = "accepted"
    ADDRESS = "address"  # fails; the address is suppressed
    DOMAIN = "domain"  # fails; the relay finds no server for the domain, perhaps only now
    POLICY = "policy"  # fails
    UNCLEAR = "unclear"  # fails; the reason is not understood
    TOO_LARGE = "too_large"  # fails
    TRANSIENT = "transient"  # tried again, later each time
    FULL = "full"  # tried again, later each time
    GREYLISTED = "greylisted"  # tried again soon
    RATE = "rate"  # the lane slows down; the message loses nothing
    CONNECTION = "connection"  # the server goes away; the message loses nothing
    LOGIN = "login"  # stops the relay
    SENDER = "sender"  # stops the relay for this sender
    EHLO = "ehlo"  # the relay waits: it refuses the name that we greet with

    @property
    def fails(self) -> bool:
        return self in {
            Meaning.ADDRESS,
            Meaning.DOMAIN,
            Meaning.POLICY,
            Meaning.UNCLEAR,
            Meaning.TOO_LARGE,
        }

    @property
    def suppresses(self) -> bool:
        return self is Meaning.ADDRESS

    @property
    def retries(self) -> bool:
        return self in {Meaning.TRANSIENT, Meaning.FULL, Meaning.GREYLISTED}

    @property
    def loses_nothing(self) -> bool:
        """Says nothing about the message: it comes again and no attempt is counted."""
        return self in {Meaning.RATE, Meaning.CONNECTION}

    @property
    def stops_relay(self) -> bool:
        """The relay takes no mail from us, whoever it is for."""
        return self in {Meaning.LOGIN, Meaning.SENDER, Meaning.EHLO}


class Stage(StrEnum):
    """What the server answered to."""

    UNKNOWN = ""
    CONNECT = "connect"  # the connection, EHLO, HELO or STARTTLS
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    CONTENT = "content"


class LimitOf(StrEnum):
    """Whose limit a reply speaks of. Only for the meanings rate, transient and too_large."""

    UNKNOWN = ""
    RELAY = "relay"  # the server that answered, or our account there
    MAILBOX = "mailbox"  # one recipient's
