"""What apps to the right do when a contact is merged into another one. They register a follower in
their module `hooks`."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from contacts.models import Contact
from contacts.provenance import Source
from pages.registry import Registry


@dataclass(frozen=True, slots=True)
class Follower:
    """`obstacle`: why both can't be merged now, for users; "" if they can. It is called with both
    contacts and the workspace locked, so that no mailing is opened meanwhile. `move`: gives `kept`
    what the app knows of `other`, (kept, other). `mails`: how many mails of a contact it knows."""

    obstacle: Callable[[Contact, Contact], str]
    move: Callable[[Contact, Contact], None]
    mails: Callable[[Contact], int]


followers: Registry[Follower] = Registry()


@dataclass(frozen=True, slots=True)
class OwnOptIn:
    """A contact was subscribed to a list by the person, who proved by a mail that the address is
    theirs. `source`: that of the subscription then; one that has another source by now was changed
    by somebody else."""

    contact_id: int
    list_id: int
    at: datetime
    source: Source


# The own opt-ins of these contacts, by one query. Never imports, never colleagues.
own_opt_ins: Registry[Callable[[Collection[int]], Iterable[OwnOptIn]]] = Registry()
