"""Sources: a kind and a number, such as campaign 7. Pure.

Contacts, subscriptions, suppressions and mailings store their source in two columns
(contacts.sourced). Undo finds rows by them. Names and pages of kinds: contacts.sources.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# The kinds of this app; other apps define theirs in their modules `sources`.
IMPORT, CONTACT, PAGE, JOB = "import", "contact", "page", "job"


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """`number`: of the campaign, the import and so on; 0 if the kind needs none. A source without a
    kind is unknown, and falsy."""

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
    """A source for one action on a page. Undo finds its rows by the random number."""
    return Source(PAGE, secrets.randbits(62) + 1)
