"""Which content of a mailing each recipient gets: by language, by shares of chance (A/B), and a
part that gets none (a hold-out)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import NamedTuple

from contacts import languages
from designs.models import Content
from sending.exceptions import SendingError

# Chance is a number below this, made from the recipient's and the mailing's (queries.freeze): the
# same person falls into other shares in other mailings, and into the same one however often asked.
WHOLE = 1 << 20
# What PostgreSQL keeps of a weight and of a variant's number.
MOST = 32767


class VariantError(SendingError):
    """The contents of a mailing do not go together; says why."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A content for those of a language (a BCP 47 tag; "": for everybody whose language has none of
    its own). Of several for one language each gets a share in proportion to the `weight`s."""

    content: Content
    name: str = ""
    weight: int = 1
    language: str = ""


def checked(choices: Sequence[Choice]) -> list[Choice]:
    """The same, with their tags in canonical form. Raises VariantError."""
    if not 0 < len(choices) <= MOST:
        raise VariantError(f"A mailing has 1 to {MOST} contents, not {len(choices)}.")
    found = [replace(one, language=_tag(one.language)) for one in choices]
    for one in found:
        if not 0 < one.weight <= MOST:
            raise VariantError(f"A weight is a number from 1 to {MOST}, not {one.weight}.")
    if all(one.language for one in found):
        raise VariantError(
            "One content must have no language: for people whose language is another or not known."
        )
    known: set[tuple[str, str]] = set()
    for one in found:
        if (one.language, one.name) in known:
            raise VariantError(_twice(one))
        known.add((one.language, one.name))
    return found


def _tag(language: str) -> str:
    tag = languages.canonical(language) if language else ""
    if tag is None:
        raise VariantError(
            f"“{language}” is no language tag. Examples: “en”, “zh-Hans”, “pt-BR” (BCP 47)."
        )
    return tag


def _twice(one: Choice) -> str:
    what = f"for “{one.language}”" if one.language else "for everybody"
    named = f" are both named “{one.name}”" if one.name else " have no name"
    return f"Two contents {what}{named}. Contents for the same people need different names."


def bounds(weights: Sequence[int], holdout: float = 0.0) -> list[int]:
    """Where the share of each content begins in `WHOLE`; what is before the first is held out.
    `holdout`: percent of the audience."""
    held = round(WHOLE * holdout / 100)
    total = sum(weights)
    begun = [0, *accumulate(weights)][:-1]
    return [held + (WHOLE - held) * one // total for one in begun]


class Share(NamedTuple):
    """A part of the people whose language is `prefix` or begins with it; it ends where the next
    of the same prefix begins."""

    # In lower case and with a hyphen at its end, as a contact's tag is compared; "": everybody.
    prefix: str
    begin: int
    # Of the variant.
    number: int


def shares(weights: Sequence[int], tags: Sequence[str], holdout: float = 0.0) -> list[Share]:
    """Of variants in the order of their numbers. A person's is one of the longest prefix that
    fits, and of these the last one that begins at or before the person's chance."""
    found: dict[str, list[Share]] = {}
    for tag in dict.fromkeys(tags):
        numbers = [number for number, other in enumerate(tags) if other == tag]
        begun = bounds([weights[number] for number in numbers], holdout)
        prefix = _prefix(tag)
        found[prefix] = [Share(prefix, *one) for one in zip(begun, numbers, strict=True)]
    for tag in dict.fromkeys(tags):
        for other in map(_prefix, languages.alike(tag)):
            found.setdefault(other, [one._replace(prefix=other) for one in found[_prefix(tag)]])
    return [one for group in found.values() for one in group]


def _prefix(tag: str) -> str:
    return f"{tag.lower()}-" if tag else ""
