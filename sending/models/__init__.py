"""Relays and pools, the ledger (mailings and their messages), events, and bounce mailboxes."""

from sending.models.bounces import BounceMail, BounceMailbox
from sending.models.fence import (
    Fence,
    Fenced,
    HostPosition,
    HostReport,
    Installation,
    SendHost,
    SentRange,
)
from sending.models.ledger import (
    Batch,
    Event,
    LeftOut,
    Mailing,
    MailingLane,
    Message,
    Tally,
    TallyMinute,
)
from sending.models.refusals import Hold, RefusalCount
from sending.models.relays import (
    Lane,
    Pool,
    PoolMember,
    Relay,
    RelayMinute,
    RelaySlot,
    RelayUse,
    Security,
)

__all__ = [
    "Batch",
    "BounceMail",
    "BounceMailbox",
    "Event",
    "Fence",
    "Fenced",
    "Hold",
    "HostPosition",
    "HostReport",
    "Installation",
    "Lane",
    "LeftOut",
    "Mailing",
    "MailingLane",
    "Message",
    "Pool",
    "PoolMember",
    "RefusalCount",
    "Relay",
    "RelayMinute",
    "RelaySlot",
    "RelayUse",
    "Security",
    "SendHost",
    "SentRange",
    "Tally",
    "TallyMinute",
]
