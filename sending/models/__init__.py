"""Relays and pools, the ledger (mailings and their messages), events, and bounce mailboxes."""

from sending.models.bounces import BounceMail, BounceMailbox
from sending.models.ledger import Batch, Event, Mailing, Message, Tally, TallyMinute
from sending.models.relays import Pool, PoolMember, Relay, RelaySlot, RelayUse, Security

__all__ = [
    "Batch",
    "BounceMail",
    "BounceMailbox",
    "Event",
    "Mailing",
    "Message",
    "Pool",
    "PoolMember",
    "Relay",
    "RelaySlot",
    "RelayUse",
    "Security",
    "Tally",
    "TallyMinute",
]
