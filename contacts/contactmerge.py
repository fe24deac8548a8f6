"""What apps to the right do when a contact is merged into another one. They register a follower in
their module `hooks`."""

from collections.abc import Callable
from dataclasses import dataclass

from contacts.models import Contact
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
