"""What an erasure of a person removes besides the contact. Apps to the right register their traces
in their module `hooks`, each app before those to its left: it may need what they still know."""

from collections.abc import Callable
from dataclasses import dataclass

from pages.registry import Registry

# Stands for the address of an erased person where rows must keep one (RFC 2606: no such domain).
DOMAIN = "erased.invalid"


@dataclass(frozen=True, slots=True)
class ErasedPerson:
    """`addresses`: normalised, the present and the former ones, and those that the person wanted to
    change to. `contact_id`: 0 for a person who is
    no contact."""

    workspace_id: int
    addresses: tuple[str, ...]
    contact_id: int = 0


@dataclass(frozen=True, slots=True)
class Trace:
    """`words`: what is erased, with its number, for users. `count` and `forget` need one statement
    for each of their tables."""

    key: str
    words: Callable[[int], str]
    count: Callable[[ErasedPerson], int]
    forget: Callable[[ErasedPerson], None]


traces: Registry[Trace] = Registry()


def is_erased(address: str) -> bool:
    """Whether a row's address stands for an erased person."""
    return address.endswith(f"@{DOMAIN}")
