"""Bounce mailboxes: made, changed, tried out, and the box behind one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext

from accounts import secrets
from accounts.models import Workspace
from bounces.imap.box import Folder, ImapBox
from bounces.imap.errors import SENTENCES, BoxError
from bounces.imap.trial import Rehearsal, rehearse
from bounces.imap.wire import Account
from bounces.models import BounceMailbox
from pages import reasons

# Seconds that a person waits for a trial, who sees what came of it.
LONGEST = 30.0

# States of mails that stay in the mailbox as they came: only what counts is moved or deleted.
LEFT = ("unproven", "dismissed", "not_ours", "failed")


@dataclass(frozen=True, slots=True)
class MailCounts:
    """Mails of a mailbox by their state (BounceMail.State)."""

    by_state: dict[str, int]

    @property
    def counted(self) -> int:
        return self.by_state.get("processed", 0)

    @property
    def stored(self) -> int:
        """Fetched a moment ago and not read yet."""
        return self.by_state.get("stored", 0)

    @property
    def left(self) -> int:
        return sum(self.by_state.get(state, 0) for state in LEFT)

    @property
    def parts_of_left(self) -> list[tuple[str, int]]:
        """[(state, number)] of those there are."""
        return [(state, self.by_state[state]) for state in LEFT if self.by_state.get(state)]

    @property
    def kept(self) -> int:
        """Those of which more is kept than that they were seen."""
        return sum(self.by_state.values()) - self.by_state.get("not_ours", 0)


def counts(mailbox: BounceMailbox) -> MailCounts:
    rows = mailbox.mails.values_list("state").annotate(number=Count("pk")).order_by()
    return MailCounts(dict(rows))


def create(workspace: Workspace, *, password: str, **values: Any) -> BounceMailbox:
    return BounceMailbox.objects.create(
        workspace=workspace, password=secrets.encrypt(password) if password else None, **values
    )


def change(mailbox: BounceMailbox, *, password: str, **values: Any) -> None:
    """Writes what was given; an empty password keeps the stored one. Another server, user or folder
    is read from its beginning."""
    place = ("host", "port", "username", "folder")
    moved = any(name in values and values[name] != getattr(mailbox, name) for name in place)
    if moved:
        values |= {"uid_validity": None, "next_uid": 1, "collected_at": None}
        values |= {"stuck_until": None, "stuck_tries": 0}
    if password:
        values["password"] = secrets.encrypt(password)
    # What was wrong may be mended: it is tried at once.
    values |= {"error": "", "error_words": "", "checked_at": None}
    for name, value in values.items():
        setattr(mailbox, name, value)
    mailbox.save(update_fields=list(values))


def remove(mailbox: BounceMailbox) -> int:
    """Forgets the mailbox and the mails that were kept from it; returns how many mails. The account
    itself, events and suppressions stay as they are."""
    count: int = mailbox.mails.exclude(state="not_ours").count()
    mailbox.delete()
    return count


def account(mailbox: BounceMailbox, *, password: str = "") -> Account:
    """The account behind the mailbox; `password` instead of the stored one. Raises SecretError."""
    return Account(
        host=mailbox.host,
        port=mailbox.port,
        security=mailbox.security,
        username=mailbox.username,
        password=password or secrets.decrypt(mailbox.password),
        folder=mailbox.folder,
    )


def target(mailbox: BounceMailbox) -> str:
    """The folder that processed mail is moved to; "" where it is deleted, and only there."""
    if mailbox.after == BounceMailbox.After.DELETE:
        return ""
    return mailbox.move_to or BounceMailbox().move_to


@dataclass(frozen=True, slots=True)
class MailboxTrial:
    """What trying a mailbox out came to. `sentence` and the server's own `words` say what is
    wrong."""

    ok: bool
    sentence: str = ""
    words: str = ""
    folders: tuple[Folder, ...] = ()
    # Of the folder that would be read.
    mails: int = 0
    # What was tried of clearing; None: nothing was to be.
    cleared: Rehearsal | None = None


def look(given: Account, *, trusted: bool = False) -> MailboxTrial:
    """Connects, logs in and looks at the folders; changes nothing. `trusted`: a server of ours."""
    return _try(given, None, trusted=trusted)


def try_out(given: Account, *, move_to: str, trusted: bool = False) -> MailboxTrial:
    """Looks, and does once with a mail of ours what a collector does with bounces: moves it to the
    folder `move_to`, which is made if it is missing, or deletes it ("")."""
    return _try(given, lambda box: rehearse(box, move_to=move_to), trusted=trusted)


def _try(
    given: Account, clear: Callable[[ImapBox], Rehearsal] | None, *, trusted: bool
) -> MailboxTrial:
    folders: tuple[Folder, ...] = ()
    try:
        with ImapBox(given, select=False, trusted=trusted, longest=LONGEST) as box:
            folders = tuple(box.folders())
            # By name: some servers list only the folders that are subscribed to.
            box.open()
            mails = box.mails
            cleared = clear(box) if clear else None
    except BoxError as error:
        return MailboxTrial(False, text(error.code), reasons.said(error.words), folders)
    return MailboxTrial(True, folders=folders, mails=mails, cleared=cleared)


def sentence(mailbox: BounceMailbox) -> tuple[str, str]:
    """What is wrong with it: (our sentence in the reader's language, the server's words)."""
    return text(mailbox.error), reasons.said(mailbox.error_words)


def text(error: str) -> str:
    """The sentence for a key of SENTENCES, in the reader's language; "" for none."""
    return gettext(SENTENCES[error]) if error in SENTENCES else ""


def hurry(mailbox: BounceMailbox) -> None:
    """Its turn is now, also after a failure."""
    BounceMailbox.objects.filter(pk=mailbox.pk).update(checked_at=None)


def switch(mailbox: BounceMailbox) -> bool:
    """On, or off; whether it is on now."""
    mailbox.active = not mailbox.active
    mailbox.save(update_fields=["active"])
    if mailbox.active:
        hurry(mailbox)
    return mailbox.active
