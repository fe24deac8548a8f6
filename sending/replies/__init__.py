"""What an SMTP reply means for a message. Pure; the rules are sessions.toml, providers.toml and
general.toml."""

from sending.replies.book import Verdict, classify, ends_connection, matching, meaning, use
from sending.replies.meanings import Meaning, Stage
from sending.replies.pasted import Pasted, read
from sending.replies.rules import Rule, RuleError

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
