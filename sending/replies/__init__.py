"""What an SMTP reply means for a message. Pure; the rules are providers.toml and general.toml."""

from sending.replies.book import Verdict, classify, matching, meaning, use
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
    "matching",
    "meaning",
    "read",
    "use",
]
