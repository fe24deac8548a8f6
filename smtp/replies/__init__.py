"""What an SMTP reply means for a message. Pure; the rules are sessions.toml, providers.toml and
general.toml."""

from smtp.replies.book import Verdict, classify, ends_connection, matching, meaning, use
from smtp.replies.meanings import Meaning, Stage
from smtp.replies.pasted import Pasted, read
from smtp.replies.rules import Rule, RuleError

__all__ = [
    "Meaning",
    "Pasted",
    "Rule",
    "RuleError",
    "Stage",
    "Verdict",
    "classify",
    "ends_connection",
    "matching",
    "meaning",
    "read",
    "use",
]
