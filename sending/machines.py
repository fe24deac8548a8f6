"""Tells machines from people among those who open and click. Pure; the data are in machines.toml.

Two steps. `of_request` judges one request by its method, user agent and network address. Only its
answer, an `Actor`, is stored: a user agent and a network address are personal data, and are dropped
with the request. `judge` then looks at all opens and clicks of one message around the same time: at
their order and speed, which need nothing but the stored rows.

Doubt never harms: a fact that may as well be a person's is UNKNOWN, and counts as a person.
"""

import ipaddress
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class Actor(IntEnum):
    """Who opened or clicked, by the fact that decides. Above 0: likely a machine; below: likely a
    person. The numbers are stored (sending.models.Event): never change one."""

    BROWSER = -2
    IMAGE_PROXY = -1
    UNKNOWN = 0
    PRIVACY_PROXY = 1
    SCANNER = 2
    PROGRAM = 3
    HEADERS_ONLY = 4
    NETWORK = 5
    BURST = 6
    TOO_SOON = 7
    PREFETCH = 8

    @property
    def is_machine(self) -> bool:
        return self > 0


WORDS: Mapping[Actor, str | Promise] = {
    Actor.BROWSER: _("likely a person: a browser or mail program"),
    Actor.IMAGE_PROXY: _("likely a person: the proxy of a mail provider, which loads at opening"),
    Actor.UNKNOWN: _("by a person or a machine: unknown"),
    Actor.PRIVACY_PROXY: _("by a machine: Apple's proxy"),
    Actor.SCANNER: _("by a machine: a known scanner of mails"),
    Actor.PROGRAM: _("by a machine: a program that is no browser"),
    Actor.HEADERS_ONLY: _("by a machine: it asked only for headers (HEAD)"),
    Actor.NETWORK: _("by a machine: from the network of a scanner"),
    Actor.BURST: _("by a machine: three or more links within two seconds"),
    Actor.TOO_SOON: _("by a machine: within five seconds after the mail was accepted"),
    Actor.PREFETCH: _("by a machine: a browser fetched it in advance"),
}

# A person reads before the next click. Scanners ask for all links of a mail within a second.
BURST, BURST_LINKS = timedelta(seconds=2), 3
# A mail must reach the mailbox, be noticed, opened and read before a person clicks. `settled_at` is
# up to two seconds later than the server's answer (sending.engine.deliveryagent.RECORD_AFTER), and
# a click may be recorded before it.
SOON, BEFORE = timedelta(seconds=5), timedelta(seconds=5)
# Bursts begin 20 s to 5 min after delivery. In the first minute a browser proves nothing.
DOUBTFUL = timedelta(seconds=60)
# User agents without a name; what a browser says that fetches what its user may want later.
NAMELESS = {"", "-"}
IN_ADVANCE = re.compile(r"prefetch|prerender|preview", re.IGNORECASE)
# Characters of a user agent that are looked at, and of an address.
LONGEST, LONGEST_ADDRESS = 500, 50
KINDS = OPENED, CLICKED = "opened", "clicked"
# A behaviour doesn't overrule these: what they say is certain enough.
CERTAIN = {Actor.IMAGE_PROXY, *(one for one in Actor if one.is_machine)}


def event_words(kind: str | Promise, actor: int) -> str:
    """ "Opened (by a machine: Apple's proxy)"."""
    return gettext("{what} ({by})").format(what=kind, by=WORDS[Actor(actor)])


@dataclass(frozen=True, slots=True)
class _Agent:
    actor: Actor
    pattern: re.Pattern[str]
    kinds: frozenset[str]


# In this order the entries are tried: the most certain first.
ORDER = (
    *(Actor.PRIVACY_PROXY, Actor.IMAGE_PROXY, Actor.SCANNER),
    *(Actor.PROGRAM, Actor.BROWSER),
)
# {kind: the key of an entry that says whether it is about such requests}
_SWITCH = {OPENED: "opens", CLICKED: "clicks"}
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@cache
def _known() -> tuple[tuple[_Agent, ...], tuple[Network, ...]]:
    file = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
    agents = []
    for actor in ORDER:
        for entry in file[actor.name.lower()]:
            text = rf"\A{entry['exactly']}\Z" if "exactly" in entry else entry["says"]
            kinds = (kind for kind in (OPENED, CLICKED) if entry.get(_SWITCH[kind], True))
            agents.append(_Agent(actor, re.compile(text, re.IGNORECASE), frozenset(kinds)))
    networks = (one for entry in file["network"] for one in entry["networks"])
    return tuple(agents), tuple(map(ipaddress.ip_network, networks))


def of_request(
    kind: str, *, method: str, user_agent: str, address: str | None, purpose: str = ""
) -> Actor:
    """Who asks for the pixel (`kind` "opened") or a link ("clicked"), by this request alone. Any
    text is allowed as user agent, address and purpose (header Sec-Purpose, Purpose or X-Moz)."""
    if method == "HEAD":
        return Actor.HEADERS_ONLY
    agent = user_agent[:LONGEST].strip()
    found = _by_agent(kind, agent)
    if found.is_machine:
        return found
    if IN_ADVANCE.search(purpose[:LONGEST]):
        return Actor.PREFETCH
    # Browsers name themselves. (Proxies that load a picture for a reader need not.)
    if kind == CLICKED and agent in NAMELESS:
        return Actor.PROGRAM
    if kind == CLICKED and _of_scanner(address):
        return Actor.NETWORK
    return found


def _by_agent(kind: str, text: str) -> Actor:
    agents, _networks = _known()
    for agent in agents:
        if kind in agent.kinds and agent.pattern.search(text):
            return agent.actor
    return Actor.UNKNOWN


def _of_scanner(text: str | None) -> bool:
    if not text or len(text) > LONGEST_ADDRESS:
        return False
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    return any(address in network for network in _known()[1])


class Act(Protocol):
    """An open or a click of a message. `actor`: what `of_request`, or an earlier `judge`, said."""

    @property
    def kind(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def link(self) -> int | None: ...
    @property
    def actor(self) -> int: ...


def judge(acts: Sequence[Act], accepted_at: datetime | None) -> list[Actor]:
    """The actor of each of these acts of one message, by what all of them tell. `accepted_at`: when
    a server accepted the mail; None if that is unknown."""
    burst = _in_burst(acts) if len(acts) >= BURST_LINKS else set()
    return [_actor(act, accepted_at, in_burst=at in burst) for at, act in enumerate(acts)]


def _actor(act: Act, accepted_at: datetime | None, *, in_burst: bool) -> Actor:
    actor = Actor(act.actor)
    if actor in CERTAIN:
        return actor
    if in_burst:
        return Actor.BURST
    if accepted_at is None:
        return actor
    since = act.at - accepted_at
    if act.kind == CLICKED and -BEFORE <= since < SOON:
        return Actor.TOO_SOON
    return Actor.UNKNOWN if since < DOUBTFUL else actor


def _in_burst(acts: Sequence[Act]) -> set[int]:
    """The places of acts within two seconds that ask for three different links. A window moves over
    the acts in their order of time; each act is marked once."""
    order = sorted(range(len(acts)), key=lambda at: acts[at].at)
    links: Counter[int] = Counter()
    found: set[int] = set()
    first = marked = 0
    for last, at in enumerate(order):
        if (link := acts[at].link) is not None:
            links[link] += 1
        while acts[at].at - acts[order[first]].at > BURST:
            if (gone := acts[order[first]].link) is not None:
                links[gone] -= 1
                if not links[gone]:
                    del links[gone]
            first += 1
        if len(links) >= BURST_LINKS:
            found.update(order[max(first, marked) : last + 1])
            marked = last + 1
    return found
