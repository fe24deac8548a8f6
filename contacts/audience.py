"""Whom a mailing is for: a frozen value that is counted, checked, frozen and reported as one. Pure.

Parts name people by the kinds of `contacts.queries.parts`: lists, contacts, and what apps to the
right register (recipients of another mailing, people mailed lately).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

LIST, CONTACT = "list", "contact"


@dataclass(frozen=True, slots=True, order=True)
class AudiencePart:
    """People of one kind; `ids` are those of what the kind names, each once and in order."""

    kind: str
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Audience:
    """Everybody of `include` but those of `exclude` and those who may not be mailed."""

    workspace_id: int
    include: tuple[AudiencePart, ...]
    exclude: tuple[AudiencePart, ...] = ()
    # Reasons of suppressions that do not count for this mail (sending.purposes).
    ignored: tuple[str, ...] = ()

    @classmethod
    def of_lists(
        cls, workspace_id: int, lists_in: Iterable[int], lists_out: Iterable[int] = ()
    ) -> "Audience":
        return cls(workspace_id, parts({LIST: lists_in}), parts({LIST: lists_out}))

    @property
    def list_ids(self) -> tuple[int, ...]:
        """The lists that it includes: an unsubscribe leaves these."""
        return ids_of(self.include, LIST)

    @property
    def only_lists(self) -> bool:
        return all(part.kind == LIST for part in self.include)

    def ignoring(self, reasons: Iterable[str]) -> "Audience":
        return replace(self, ignored=tuple(sorted(reasons)))

    def as_json(self) -> dict[str, Any]:
        """{"include": {kind: ids}, "exclude": {kind: ids}}; without what is empty."""
        stored: dict[str, Any] = {"include": _as_json(self.include)}
        if self.exclude:
            stored["exclude"] = _as_json(self.exclude)
        if self.ignored:
            stored["ignored"] = list(self.ignored)
        return stored

    @classmethod
    def from_json(cls, workspace_id: int, stored: dict[str, Any]) -> "Audience":
        return cls(
            workspace_id,
            parts(stored.get("include", {})),
            parts(stored.get("exclude", {})),
            tuple(stored.get("ignored", ())),
        )


def parts(given: dict[str, Iterable[int]]) -> tuple[AudiencePart, ...]:
    """One part for each kind that names anything."""
    found = (AudiencePart(kind, tuple(sorted(set(ids)))) for kind, ids in sorted(given.items()))
    return tuple(part for part in found if part.ids)


def ids_of(some: Sequence[AudiencePart], kind: str) -> tuple[int, ...]:
    return next((part.ids for part in some if part.kind == kind), ())


def _as_json(some: Sequence[AudiencePart]) -> dict[str, list[int]]:
    return {part.kind: list(part.ids) for part in some}
