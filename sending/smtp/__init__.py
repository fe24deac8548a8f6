"""Speaks SMTP to relays: opens sessions, and sends mails over them.

session = await open_session(server)
exchange = Exchange(session, source, mode=Mode.PIPELINED)
exchange.start()
ending = await exchange.done
"""

from sending.smtp.envelope import stuffed
from sending.smtp.exchange import Exchange
from sending.smtp.flights import Ending, EndingKind, Mode
from sending.smtp.offers import Offers
from sending.smtp.parcels import NO_SMTPUTF8, End, Outcome, Parcel, Source, Stage, WithdrawnError
from sending.smtp.session import ConnectError, Server, Session, open_session, tls_context
from sending.smtp.timeouts import Timeouts

__all__ = [
    "NO_SMTPUTF8",
    "ConnectError",
    "End",
    "Ending",
    "EndingKind",
    "Exchange",
    "Mode",
    "Offers",
    "Outcome",
    "Parcel",
    "Server",
    "Session",
    "Source",
    "Stage",
    "Timeouts",
    "WithdrawnError",
    "open_session",
    "stuffed",
    "tls_context",
]
