"""The SMTP client: opens sessions with relays, and sends mails over them.

session = await open_session(server)
exchange = Exchange(session, source, mode=Mode.PIPELINED)
exchange.start()
ending = await exchange.done
"""

from smtp.envelope import recalled, stuffed
from smtp.exchange import Exchange
from smtp.mailobjects import End, MailObject, MailSupply, Outcome, WithdrawnError, refused
from smtp.offers import Offers
from smtp.replies import Stage
from smtp.session import ConnectError, Server, Session, open_session, tls_context
from smtp.timeouts import Timeouts
from smtp.transactions import Ending, EndingKind, Mode

__all__ = [
    "ConnectError",
    "End",
    "Ending",
    "EndingKind",
    "Exchange",
    "MailObject",
    "MailSupply",
    "Mode",
    "Offers",
    "Outcome",
    "Server",
    "Session",
    "Stage",
    "Timeouts",
    "WithdrawnError",
    "open_session",
    "recalled",
    "refused",
    "stuffed",
    "tls_context",
]
