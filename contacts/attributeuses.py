"""Where the merge field of an attribute is used. Apps to the right register finders in their module
`hooks`:

    attributeuses.finders.add(designs_with)

and functions that follow a merge of attributes:

    attributeuses.movers.add(move_fields)
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pages.registry import Registry

# A word inside of a tag of the template language. Words are not read as the language reads them:
# one that only looks like a merge field names a design too many, and none is missed.
TAG = re.compile(r"\{[{%].*?[}%]\}", re.DOTALL)
WORD = re.compile(r"\w+")

# (words, URL name, pk), as contacts.services.segments.used_by.
Use = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Wanted:
    """`segments`: {id of a segment: the keys that it depends on, also by way of other segments}."""

    workspace_id: int
    keys: Collection[str]
    segments: Mapping[int, Collection[str]] = field(default_factory=dict)


# (key, what uses it); one query for all keys.
Finder = Callable[[Wanted], Iterable[tuple[str, Use]]]
finders: Registry[Finder] = Registry()
# (workspace id, key, key that replaces it): after a merge of two attributes, what named the one
# names the other. Within the transaction of the merge.
Mover = Callable[[int, str, str], None]
movers: Registry[Mover] = Registry()


def named_in(keys: Collection[str], *parts: str) -> Iterator[str]:
    """Those of the keys that stand in a tag of a mail's parts."""
    words = {word for part in parts for tag in TAG.findall(part) for word in WORD.findall(tag)}
    return (key for key in keys if key in words)
