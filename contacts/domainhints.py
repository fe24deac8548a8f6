"""Which domains are probably typos of a well-known one, and which are of throwaway addresses. Pure.

The well-known domains are those of mail providers. The app `relays` knows them and passes them in
when a program starts (`use`).
"""

import tomllib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

# A change inside of a shorter name, as in qq.com or mail.ru, gives the domain of somebody else.
LONG_NAME = 5
# Endings that exist, though one letter makes them another one.
REAL_ENDINGS = frozenset({"cam"})
# People in China put it behind the ending of well-known domains.
CHINA = ".cn"


def _nothing() -> Iterable[str]:
    return ()


_read: Callable[[], Iterable[str]] = _nothing


def use(read: Callable[[], Iterable[str]]) -> None:
    """Sets the function that returns the domains of mail providers."""
    global _read  # noqa: PLW0603 - set once, when the program starts
    _read = read
    for kept in (well_known, _index):
        kept.cache_clear()


@cache
def well_known() -> frozenset[str]:
    return frozenset(_read())


@cache
def _disposable() -> frozenset[str]:
    file = tomllib.loads(Path(__file__).with_name("disposable.toml").read_text("utf-8"))
    return frozenset(domain for domains in file.values() for domain in domains)


def is_disposable(domain: str) -> bool:
    """Whether the domain, or one that it is below, is of a service for throwaway addresses."""
    parts = domain.split(".")
    return any(".".join(parts[n:]) in _disposable() for n in range(len(parts) - 1))


def meant(domain: str) -> str:
    """The well-known domain for which this one is probably a typo; "" if it is none."""
    if domain in well_known():
        return ""
    if domain.endswith(CHINA) and (plain := domain.removesuffix(CHINA)) in well_known():
        return plain if plain.endswith(".com") else ""
    found = {
        known
        for variant in _shortened(domain)
        for known in _index().get(variant, ())
        if _is_one_typo(domain, known)
    }
    return min(found, key=lambda known: (not known.endswith(".com"), known), default="")


@cache
def _index() -> dict[str, list[str]]:
    """{a well-known domain, or what is left of it without one character: such domains}. Two texts
    that differ by one change have one of these in common."""
    found: dict[str, list[str]] = {}
    for known in sorted(well_known()):
        for variant in set(_shortened(known)):
            found.setdefault(variant, []).append(known)
    return found


def _shortened(text: str) -> Iterator[str]:
    yield text
    for n in range(len(text)):
        yield text[:n] + text[n + 1 :]


def _is_one_typo(domain: str, known: str) -> bool:
    """Whether one character was added, left out, replaced, or swapped with its neighbour, at a
    place where that is hardly another real domain."""
    if not _differ_by_one(domain, known):
        return False
    (name, _dot, ending), (known_name, _dot, known_ending) = (
        domain.partition("."),
        known.partition("."),
    )
    if name != known_name:
        return len(known_name) >= LONG_NAME
    last, known_last = ending.rpartition(".")[2], known_ending.rpartition(".")[2]
    replaced = len(last) == len(known_last) and sorted(last) != sorted(known_last)
    # Most endings of two letters exist: ru and rs, de and dk.
    return last not in REAL_ENDINGS and not (replaced and len(known_last) == 2)


def _differ_by_one(one: str, other: str) -> bool:
    while one and other and one[0] == other[0]:
        one, other = one[1:], other[1:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    lengths = sorted((len(one), len(other)))
    return lengths in ([0, 1], [1, 1]) or (lengths == [2, 2] and one == other[::-1])
