"""What an SMTP reply means for a message. Pure.

The rules are sessions.toml, then those of relays/providers, which `use` brings, then general.toml.
"""

from smtp.replies.meanings import LimitOf, Meaning, Stage
from smtp.replies.replytext import ReplyText, read
from smtp.replies.rules import Rule, RuleError, Sign
from smtp.replies.ruleset import (
    COUNTS_MAILS,
    Verdict,
    classify,
    ends_connection,
    matching,
    meaning,
    use,
)

__all__ = [
    "COUNTS_MAILS",
    "LimitOf",
    "Meaning",
    "ReplyText",
    "Rule",
    "RuleError",
    "Sign",
    "Stage",
    "Verdict",
    "classify",
    "ends_connection",
    "matching",
    "meaning",
    "read",
    "use",
]
