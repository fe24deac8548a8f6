"""Hints about addresses of a file, for its check. They change nothing: everybody is imported.

`DomainTally` counts while the check reads the file; `keep` stores it with the import:
{"typo": [[domain, people, the domain that was probably meant], ...],
 "disposable": [[domain, people], ...], "role": people, "domains": [[domain, people], ...],
 "at": seconds since 1970}. "domains" are the most frequent other ones: those of them without a mail
server are a hint, too, once DNS has answered (contacts.services.maildomains).
"""

import time
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from contacts import domainhints
from contacts.models import Import, MailDomain
from contacts.queries import maildomains as domain_queries
from contacts.services import maildomains

TYPO, DISPOSABLE, ROLE, NO_MAIL = KINDS = ("typo", "disposable", "role", "nomail")
# More contacts of the workspace at a domain show that it is no typo.
HANDFUL = 5
# How many different domains of a file are counted, kept for a hint, and named on the page.
MOST, MOST_KEPT, SHOWN = 20_000, 200, 5
# How long the page waits for answers of DNS.
WAIT = 90.0


@dataclass(slots=True)
class DomainTally:
    """Counts people by domain. Memory stays bounded: further domains are not counted."""

    typo: Counter[str] = field(default_factory=Counter)
    disposable: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)
    role: int = 0

    def add(self, judged: Iterable[tuple[str, int, int]]) -> None:
        """`judged`: of contacts.queries.maildomains.judged."""
        known = domainhints.well_known()
        for domain, people, roles in judged:
            self.role += roles
            if domain in known:
                continue
            kinds = [self.others]
            if domainhints.meant(domain):
                kinds.append(self.typo)
            elif domainhints.is_disposable(domain):
                kinds.append(self.disposable)
            for counter in kinds:
                if domain in counter or len(counter) < MOST:
                    counter[domain] += people


@dataclass(frozen=True, slots=True)
class HintedDomain:
    domain: str
    # The domain that was probably meant; "": none.
    meant: str = ""


@dataclass(frozen=True, slots=True)
class Hint:
    """`kind`: one of KINDS; `domains`: some of them, the most frequent first; `more`: the number of
    the others."""

    kind: str
    people: int
    domains: list[HintedDomain]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Hints:
    """`waits`: DNS is still asked about some domains."""

    found: list[Hint]
    waits: bool


def keep(import_: Import, tally: DomainTally) -> None:
    """Store what the check has counted. Nothing else of the import is touched."""
    typos = _without_familiar(import_.workspace_id, tally.typo)
    import_.hints = {
        TYPO: [[domain, people, domainhints.meant(domain)] for domain, people in typos],
        DISPOSABLE: [list(pair) for pair in tally.disposable.most_common(MOST_KEPT)],
        ROLE: tally.role,
        "domains": [list(pair) for pair in tally.others.most_common(maildomains.MOST)],
        "at": time.time(),
    }
    Import.objects.filter(pk=import_.pk, state=Import.State.READY).update(hints=import_.hints)


def _without_familiar(workspace: int, counted: Counter[str]) -> list[tuple[str, int]]:
    pairs = counted.most_common(MOST_KEPT)
    known = domain_queries.familiar(workspace, [one for one, _people in pairs], people=HANDFUL)
    return [(domain, people) for domain, people in pairs if domain not in known]


def of(import_: Import) -> Hints:
    """The hints that can be given now."""
    kept = import_.hints
    asked: dict[str, int] = dict(kept.get("domains", ()))
    states = maildomains.known(asked)
    none = [[domain, asked[domain]] for domain in asked if states.get(domain) == _NONE]
    found = [
        _hint(TYPO, kept.get(TYPO, [])),
        _hint(NO_MAIL, none),
        _hint(DISPOSABLE, kept.get(DISPOSABLE, [])),
        Hint(ROLE, kept.get(ROLE, 0), []),
    ]
    waits = len(states) < len(asked) and time.time() - kept.get("at", 0) < WAIT
    return Hints([hint for hint in found if hint.people], waits)


_NONE = MailDomain.Answer.NONE.value


def _hint(kind: str, rows: list[list[Any]]) -> Hint:
    named = [HintedDomain(row[0], row[2] if kind == TYPO else "") for row in rows[:SHOWN]]
    return Hint(kind, sum(row[1] for row in rows), named, len(rows) - len(named))


def domains_of(import_: Import, kind: str) -> Collection[str]:
    """The domains of a hint, for the page with its lines; that of roles needs none."""
    if kind == ROLE:
        return ()
    if kind == NO_MAIL:
        asked = [domain for domain, _people in import_.hints.get("domains", ())]
        return [one for one, state in maildomains.known(asked).items() if state == _NONE]
    return [row[0] for row in import_.hints.get(kind, ())]


def look_up(import_: Import) -> bool:
    """Ask DNS about the import's domains; False: later (maildomains.look_up)."""
    return maildomains.look_up([domain for domain, _people in import_.hints.get("domains", ())])
