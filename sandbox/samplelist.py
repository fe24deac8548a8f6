"""The contacts of a list for trying the sandbox. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from sandbox.behaviour import BEHAVIOURS
from sandbox.returns import DOMAIN
from sandbox.samplepeople import people

# Ordinary contacts: they should outnumber the magic addresses, as in a real list.
PLAIN = 30


@dataclass(frozen=True, slots=True)
class Sample:
    email: str
    first_name: str
    last_name: str
    full_name: str


def samples(language: str) -> Iterator[Sample]:
    """People with names of the language, whose mail is accepted, and one for each magic address."""
    chinese = language.startswith("zh")
    named = (one for one in people(PLAIN * 4) if one.language.startswith("zh") == chinese)
    for one in islice(named, PLAIN):
        local = one.email.partition("@")[0]
        yield Sample(f"{local}@{DOMAIN}", one.first_name, one.last_name, one.full_name)
    for behaviour in BEHAVIOURS:
        yield Sample(f"{behaviour.word}@{DOMAIN}", "", "", "")
