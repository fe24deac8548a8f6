"""What a server offers in its reply to EHLO (RFC 5321, 4.1.1.1). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Offers:
    """`size`: the largest content in bytes; 0 where SIZE is offered without a limit (RFC 1870),
    None where it isn't offered."""

    pipelining: bool = False
    chunking: bool = False
    smtputf8: bool = False
    eightbitmime: bool = False
    size: int | None = None


def read_offers(keywords: Mapping[str, str]) -> Offers:
    """`keywords`: {keyword in lower case: its parameters}."""
    return Offers(
        pipelining="pipelining" in keywords,
        chunking="chunking" in keywords,
        smtputf8="smtputf8" in keywords,
        eightbitmime="8bitmime" in keywords,
        size=_size(keywords["size"]) if "size" in keywords else None,
    )


def _size(parameter: str) -> int:
    """0, no limit, for a parameter that is no number. RFC 1870 allows up to 20 digits."""
    number = parameter.strip()
    return int(number) if number.isascii() and number.isdigit() and len(number) <= 20 else 0
