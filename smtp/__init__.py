"""Speaks SMTP to relays: opens sessions, and sends mails over them.

session = await open_session(server)
exchange = Exchange(session, source, mode=Mode.PIPELINED)
exchange.start()
ending = await exchange.done
"""

from smtp.envelope import stuffed
from smtp.exchange import Exchange
from smtp.mailobjects import NO_SMTPUTF8, End, MailObject, Outcome, Source, Stage, WithdrawnError
from smtp.offers import Offers
from smtp.session import ConnectError, Server, Session, open_session, tls_context
from smtp.timeouts import Timeouts
from smtp.transactions import Ending, EndingKind, Mode

__all__ = [
    "NO_SMTPUTF8",
    "ConnectError",
    "End",
    "Ending",
    "EndingKind",
    "Exchange",
    "MailObject",
    "Mode",
    "Offers",
    "Outcome",
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
