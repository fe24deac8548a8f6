"""Names of IMAP folders: as people type them, and as a server needs them (RFC 3501, 5.1; RFC 2342).
Pure.

People write "Yanshu" or "Yanshu/Bounces". Some servers keep every folder under the inbox (Courier,
Cyrus, Dovecot with prefix=INBOX.) and separate levels by a dot: there the name is
"INBOX.Yanshu.Bounces".
"""

import re
from dataclasses import dataclass

from imapclient import imap_utf7

# The separator of levels in typed names.
TYPED = "/"
INBOX = "INBOX"
ENCODED = re.compile(r"&[A-Za-z0-9+,]+-")
# The most levels that are created one by one.
MOST_LEVELS = 20


@dataclass(frozen=True, slots=True)
class Namespace:
    """A server's first personal namespace; `separator` is "" if the server has no levels."""

    prefix: str = ""
    separator: str = TYPED


def to_find(typed: str, space: Namespace) -> list[str]:
    """The server's possible names for a typed one. The typed form comes first: if that folder
    exists, it is meant."""
    name = typed.strip()
    found = [name, *([_decoded(name)] if ENCODED.search(name) else [])]
    found += [_levels(name, space), *to_make(name, space)]
    return list(dict.fromkeys(one for one in found if one))


def to_make(typed: str, space: Namespace) -> list[str]:
    """Names under which it may be created, the best one first."""
    name = _levels(typed.strip(), space)
    if not name or name == INBOX:
        return []
    under = f"{INBOX}{space.separator}" if space.separator else ""
    if under and name.startswith(under):
        return [name]
    # Servers without NAMESPACE may keep all folders under the inbox, too.
    whole = name if name.lower().startswith(space.prefix.lower()) else space.prefix + name
    return list(dict.fromkeys([whole, under + name]))


def parents(name: str, space: Namespace) -> list[str]:
    """The folders above it, the highest first; some servers require that they exist."""
    if not space.separator:
        return []
    parts = name.split(space.separator)[:MOST_LEVELS]
    above = [space.separator.join(parts[:place]) for place in range(1, len(parts))]
    return [one for one in above if one and one.upper() != INBOX]


def same(one: str, other: str) -> bool:
    """Whether two names are the same: INBOX has no case, also at the beginning of a name."""
    return normal(one) == normal(other)


def normal(name: str) -> str:
    """The name with INBOX in capitals."""
    head, rest = name[: len(INBOX)], name[len(INBOX) :]
    alone = not rest or not rest[0].isalnum()
    return INBOX + rest if head.upper() == INBOX and alone else name


def _levels(name: str, space: Namespace) -> str:
    """The name with the server's separator."""
    name = name.strip(TYPED)
    if space.separator not in {"", TYPED}:
        name = space.separator.join(part for part in name.split(TYPED) if part)
    return normal(name)


def _decoded(name: str) -> str:
    """A name that was copied in the server's form (modified UTF-7), decoded."""
    try:
        return str(imap_utf7.decode(name.encode("ascii")))
    except (UnicodeError, ValueError):
        return name
