"""The ledger (mailings, their messages, events), refusals, holds, and the fence."""

from sending.models.answers import AnswerBits, AnswerIndex
from sending.models.fence import (
    Fence,
    Fenced,
    HostPosition,
    HostReport,
    Installation,
    RestOfAudience,
    SendHost,
    SentRange,
)
from sending.models.ledger import (
    Batch,
    Event,
    LeftOut,
    MailingLane,
    Message,
    StreamItem,
    Tally,
    TallyMinute,
)
from sending.models.mailings import Freezing, Mailing, Variant
from sending.models.past import PastRecipients, WaitingErasure
from sending.models.refusals import Hold, RefusalCount

__all__ = [
    "AnswerBits",
    "AnswerIndex",
    "Batch",
    "Event",
    "Fence",
    "Fenced",
    "Freezing",
    "Hold",
    "HostPosition",
    "HostReport",
    "Installation",
    "LeftOut",
    "Mailing",
    "MailingLane",
    "Message",
    "PastRecipients",
    "RefusalCount",
    "RestOfAudience",
    "SendHost",
    "SentRange",
    "StreamItem",
    "Tally",
    "TallyMinute",
    "Variant",
    "WaitingErasure",
]
