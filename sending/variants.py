"""Which content of a mailing each recipient gets: shares of chance (A/B), and a part that gets none
(a hold-out)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from designs.models import Content

# Chance is a number below this, made from the recipient's and the mailing's (queries.freeze): the
# same person falls into other shares in other mailings, and into the same one however often asked.
WHOLE = 1 << 20


@dataclass(frozen=True, slots=True)
class Choice:
    """A content that a share of the recipients gets, in proportion to the `weight`s of all."""

    content: Content
    name: str = ""
    weight: int = 1


def bounds(weights: Sequence[int], holdout: float = 0.0) -> list[int]:
    """Where the share of each content begins in `WHOLE`; what is before the first is held out.
    `holdout`: percent of the audience."""
    held = round(WHOLE * holdout / 100)
    total = sum(weights)
    begun = [0, *accumulate(weights)][:-1]
    return [held + (WHOLE - held) * one // total for one in begun]
