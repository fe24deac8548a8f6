"""Asks DNS whether a domain has a mail server: an MX record, or an address (RFC 5321, 5.1)."""

import secrets
import socket
from contextlib import closing, suppress
from pathlib import Path

from contacts import dnsmessages
from contacts.dnsmessages import AAAA, MX, NO_ERROR, NO_NAME, A, DnsAnswer, DnsError

RESOLVERS = Path("/etc/resolv.conf")
PORT = 53
# How long to wait for an answer, how many servers are asked, and how many datagrams of others are
# read meanwhile.
SECONDS, MOST_SERVERS, MOST_STRAY = 2.0, 2, 20
MAIL, NONE, UNKNOWN = "mail", "none", "unknown"


def resolvers(path: Path = RESOLVERS) -> list[str]:
    """The addresses of this machine's resolvers; [] if it names none."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    words = [line.split() for line in lines[:100]]
    found = [word[1] for word in words if len(word) > 1 and word[0] == "nameserver"]
    return found[:MOST_SERVERS]


def look_up(domain: str, servers: list[str]) -> str:
    """MAIL, NONE or UNKNOWN. Only a clear answer is NONE: the domain does not exist, has neither a
    mail server nor an address, or says that it takes no mail."""
    found = _ask(domain, MX, servers)
    if found is None:
        return UNKNOWN
    if found.code == NO_NAME:
        return NONE
    if found.records:
        return NONE if all(map(dnsmessages.is_null_mx, found.records)) else MAIL
    for kind in (A, AAAA):
        found = _ask(domain, kind, servers)
        if found is None:
            return UNKNOWN
        if found.records:
            return MAIL
    return NONE


def _ask(domain: str, kind: int, servers: list[str]) -> DnsAnswer | None:
    """The first clear answer of a server; None: there is none."""
    for server in servers:
        with suppress(OSError):
            found = _ask_one(domain, kind, server)
            if found is not None and found.code in {NO_ERROR, NO_NAME}:
                return found
    return None


def _ask_one(domain: str, kind: int, server: str) -> DnsAnswer | None:
    asked = dnsmessages.question(secrets.randbits(16), domain, kind)
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_DGRAM)) as asking:
        asking.settimeout(SECONDS)
        asking.connect((server, PORT))
        asking.send(asked)
        for _datagram in range(MOST_STRAY):
            with suppress(DnsError):
                return dnsmessages.answer(asking.recv(4096), asked)
    return None
