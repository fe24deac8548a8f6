"""The audience of a mailing: an immutable value, used to count, check, freeze and report. Pure.

Parts name people by the kinds of `contacts.queries.parts`: lists, contacts, and what apps to the
right register (recipients of another mailing, people mailed lately).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

LIST, CONTACT = "list", "contact"
# The contacts who match a segment's rule now, and those of a copy (models.SegmentCopy) of one.
SEGMENT, SEGMENT_COPY = "segment", "segment_copy"


@dataclass(frozen=True, slots=True, order=True)
class AudiencePart:
    """People named by one kind of part. `ids`: of lists, contacts, ... as the kind says; unique,
    sorted."""

    kind: str
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Audience:
    """Everybody in `include`, without those in `exclude` and those who must not be mailed."""

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

    @property
    def of_segments(self) -> bool:
        """Whether it includes people for what they are, whichever lists they are on."""
        return any(part.kind in {SEGMENT, SEGMENT_COPY} for part in self.include)

    def ignoring(self, reasons: Iterable[str]) -> "Audience":
        return replace(self, ignored=tuple(sorted(reasons)))

    def replacing(
        self, made: Mapping[str, Callable[[tuple[int, ...]], AudiencePart]]
    ) -> "Audience":
        """With other parts in place of some: {kind: (ids) -> part}."""

        def changed(some: Sequence[AudiencePart]) -> tuple[AudiencePart, ...]:
            found = (made[one.kind](one.ids) if one.kind in made else one for one in some)
            return tuple(sorted(found))

        return replace(self, include=changed(self.include), exclude=changed(self.exclude))

    def as_json(self) -> dict[str, Any]:
        """{"include": {kind: ids}, "exclude": {kind: ids}}; empty ones are left out."""
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
    """One part for each kind with ids."""
    found = (AudiencePart(kind, tuple(sorted(set(ids)))) for kind, ids in sorted(given.items()))
    return tuple(part for part in found if part.ids)


def ids_of(some: Sequence[AudiencePart], kind: str) -> tuple[int, ...]:
    return next((part.ids for part in some if part.kind == kind), ())


def _as_json(some: Sequence[AudiencePart]) -> dict[str, list[int]]:
    return {part.kind: list(part.ids) for part in some}
