"""Whose limit a reply speaks of: the relay's, or that of one recipient's mailbox. Pure."""

import re

from smtp.replies.meanings import LimitOf, Meaning, Stage
from smtp.replies.rules import Reply, Rule

# The server speaks of itself, not of a recipient's server.
OF_RELAY = re.compile(
    r"sending (rate|quota|limit)|throttl|your (account|connection)|per connection"
    r"|too many (messages|mails|emails) (from|in|per|sent)|发信|发送频率",
    re.IGNORECASE,
)
# One mailbox gets too much, or more than its server allows it: the others of its provider don't.
OF_MAILBOX = re.compile(
    r"\b[45]\.2\.12[12]\b|\b(recipient|mailbox|inbox|user)\b[^.;:]{0,60}"
    r"(\breceiv|\bhas exceeded|\bexceeded (its|their|the)\b|\bis busy\b|\brate limit"
    r"|too (quick|fast))"
    r"|\b(for|to) (this|that|the same) (recipient|mailbox|inbox|user)\b"
    r"|收件人.{0,20}(过多|频率|频繁|上限)",
    re.IGNORECASE,
)
# RFC 3463: a mail is too large for a system, or for a mailbox.
SYSTEM_SIZE, MAILBOX_SIZE = "5.3.4", "5.2.3"
# No recipient was named yet.
EARLY = {Stage.CONNECT, Stage.MAIL}


def limit_of(rule: Rule, reply: Reply, words: str, *, service: bool) -> LimitOf:
    """`words`: as the server wrote them; `service`: the rule is that of a service that passes mails
    on for its customers."""
    if rule.meaning is Meaning.TOO_LARGE:
        return _of_size(reply)
    if rule.meaning not in {Meaning.RATE, Meaning.TRANSIENT}:
        return LimitOf.UNKNOWN
    of_relay = OF_RELAY.search(words) is not None
    if reply.stage not in EARLY and not of_relay and OF_MAILBOX.search(words):
        return LimitOf.MAILBOX
    if rule.meaning is Meaning.TRANSIENT:
        return LimitOf.UNKNOWN
    if of_relay or service or rule.of_account or reply.stage in EARLY:
        return LimitOf.RELAY
    return LimitOf.UNKNOWN


def _of_size(reply: Reply) -> LimitOf:
    if reply.stage is Stage.RCPT or reply.enhanced == MAILBOX_SIZE:
        return LimitOf.MAILBOX
    if reply.stage is Stage.MAIL or reply.enhanced == SYSTEM_SIZE:
        return LimitOf.RELAY
    return LimitOf.UNKNOWN
