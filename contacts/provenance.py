"""Where something came from: a kind and a number, such as campaign 7. Pure.

Contacts, subscriptions, suppressions and mailings store it in two columns (contacts.sourced), and
undo finds by them what it takes back. What a kind is called, and its page: contacts.sources.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# The kinds of contacts itself; other apps name theirs in their modules `sources`.
IMPORT, CONTACT, PAGE, JOB = "import", "contact", "page", "job"


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """`number`: of the campaign, the import and so on; 0 where the kind alone says it. A source
    without a kind is not known, and false."""

    kind: str = ""
    number: int = 0

    def __bool__(self) -> bool:
        return bool(self.kind)

    def __str__(self) -> str:
        """For logs and files, the same in every language. Nothing reads it back."""
        return f"{self.kind} {self.number}" if self.number else self.kind

    @property
    def columns(self) -> dict[str, Any]:
        """For new rows, filters, updates and parameters of SQL."""
        return {"source_kind": self.kind, "source_id": self.number}

    def as_json(self) -> list[str | int]:
        return [self.kind, self.number]

    @classmethod
    def from_json(cls, value: Sequence[Any]) -> "Source":
        kind, number = value
        return cls(str(kind), int(number))


UNKNOWN = Source()
BY_HAND = Source(PAGE)


def one_action() -> Source:
    """One action on a page. Its random number is what undo finds it by."""
    return Source(PAGE, secrets.randbits(62) + 1)
