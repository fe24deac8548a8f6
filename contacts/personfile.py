"""What a workspace knows of a person, for the person (GDPR, article 15; PIPL, article 45).

Apps register their sections in their module `hooks`:

    personfile.sections.add(Section("mails", _("Mails"), mails), order=70)

A section yields facts one by one, the newest first, and needs few queries: the file is written
while they are read (contacts.services.personfiles).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.utils.functional import Promise

from contacts.erasures import ErasedPerson
from pages.registry import Registry


@dataclass(frozen=True, slots=True)
class Fact:
    """`data`: with keys and codes that stay, and times in UTC, for the file as JSON. `title` and
    `lines`: the same for people."""

    data: Mapping[str, Any]
    title: str
    at: datetime | None = None
    lines: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """`key`: of the file as JSON; docs/users/person-data.md explains each."""

    key: str
    title: str | Promise
    facts: Callable[[ErasedPerson], Iterator[Fact]]


sections: Registry[Section] = Registry(key=attrgetter("key"))
