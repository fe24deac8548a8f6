"""Mappings that are not only guessed: overrides of single columns, and saved mappings. Pure.

An override is written as `"Header=target"`. A header is compared as contacts.columns folds it; `#3`
is the third column. Targets are those of contacts.columns, the key or name of an attribute alone,
`ignore`, and `new`, or `new:date`, for a new attribute that is named after the header.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from contacts import columns
from contacts.columns import Column, KnownAttribute
from contacts.exceptions import ContactsError
from pages.numbers import whole

# Several columns may become the same.
MANY = (*columns.STATUS_FIELDS, columns.TAGS)
PLAIN = (*columns.FIELDS, columns.OPENS, *MANY)


class UnknownChoiceError(ContactsError, ValueError):
    """`what` ("form", "column", "target") is wrong about `text`."""

    def __init__(self, what: str, text: str) -> None:
        super().__init__(text)
        self.what = what
        self.text = text


def overridden(
    described: Sequence[Column], said: Iterable[str], known: Iterable[KnownAttribute]
) -> list[str]:
    """The columns' guesses with the overrides applied. Raises UnknownChoiceError."""
    attributes = list(known)
    mapping = [column.guess for column in described]
    chosen: set[int] = set()
    for text in said:
        header, equals, target = text.rpartition("=")
        if not equals:
            raise UnknownChoiceError("form", text)
        number = _number(header.strip(), described)
        mapping[number] = _target(target.strip(), described[number], attributes)
        chosen.add(number)
    # An override wins over another column's guess of the same target.
    named = {mapping[number] for number in chosen} - set(MANY)
    return [
        "" if target in named and number not in chosen else target
        for number, target in enumerate(mapping)
    ]


def _number(header: str, described: Sequence[Column]) -> int:
    place = whole(header[1:]) if header[:1] == "#" else None
    if place is not None and 1 <= place <= len(described):
        return place - 1
    for number, column in enumerate(described):
        if column.header == header or columns.fold(column.header) == columns.fold(header) != "":
            return number
    raise UnknownChoiceError("column", header)


def _target(target: str, column: Column, attributes: Sequence[KnownAttribute]) -> str:
    if target in {"", "ignore"}:
        return ""
    if target in PLAIN:
        return target
    kind, _colon, rest = target.partition(":")
    if kind == "new" and (rest or column.type) in columns.NEW_TYPES:
        return f"new:{column.key}:{rest or column.type}"
    wanted = columns.fold(rest if kind == "attribute" else target)
    for attribute in attributes:
        if wanted in {columns.fold(attribute.key), columns.fold(attribute.label)}:
            return f"attribute:{attribute.key}"
    raise UnknownChoiceError("target", target)


# Saved mappings ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Applied:
    """The targets for a file. `lost`: numbers of columns whose attribute isn't there any more; our
    guess is used for them."""

    targets: list[str]
    lost: list[int]


def fingerprint(header: Sequence[str]) -> str:
    """The same for headers with the same folded names in the same order; "" for a header without
    names."""
    folded = [columns.fold(name) for name in header]
    while folded and not folded[-1]:  # a spreadsheet adds empty columns
        folded.pop()
    return hashlib.sha256("\n".join(folded).encode()).hexdigest() if any(folded) else ""


def applied(
    saved: Sequence[str], described: Sequence[Column], known: Iterable[KnownAttribute]
) -> Applied:
    """Saved targets for a file with these columns. An attribute that the mapping made before is an
    existing one now."""
    keys = {attribute.key for attribute in known}
    targets: list[str] = []
    lost: list[int] = []
    for number, column in enumerate(described):
        target = saved[number] if number < len(saved) else column.guess
        kind, _colon, rest = target.partition(":")
        key, _colon, type_ = rest.partition(":")
        if kind == "new":
            target = f"attribute:{key}" if key in keys else f"new:{column.key}:{type_}"
        elif kind == "attribute" and key not in keys:
            target = column.guess
            lost.append(number)
        targets.append(target)
    return Applied(_once(targets, lost), lost)


def _once(targets: list[str], lost: Iterable[int]) -> list[str]:
    """Without guesses of a target that another column has."""
    guessed = set(lost)
    sure = {target for number, target in enumerate(targets) if number not in guessed}
    return [
        "" if number in guessed and target in sure - set(MANY) else target
        for number, target in enumerate(targets)
    ]
