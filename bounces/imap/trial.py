"""Tries a collector's steps with a mail of our own: it is put into the folder that is read, moved
or deleted like a bounce, and removed."""

import contextlib
import secrets
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime

from django.utils import timezone
from imapclient.exceptions import IMAPClientError

from bounces.imap.box import ImapBox
from bounces.imap.errors import BoxError

SUBJECT = "Yanshu tests this mailbox"
TEXT = "This mail was put here by the mailbox test of Yanshu. It can be deleted.\n"
# How many of the latest mails are searched for ours: others may arrive meanwhile.
LATEST = 20


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """`target`: the server's name of the folder that bounces are moved to; "" if they are deleted.
    `tried`: whether a mail of ours could be used; some servers don't allow to add one."""

    target: str = ""
    tried: bool = False


def rehearse(box: ImapBox, *, move_to: str = "") -> Rehearsal:
    """`box`: with its folder open; `move_to`: as typed, "" deletes. Raises BoxError if a collector
    would fail."""
    if box.readonly:
        raise BoxError("readonly")
    target = box.prepare(move_to) if move_to else ""
    mark = f"<{secrets.token_hex(12)}@yanshu.invalid>"
    uid = _put(box, mark)
    if uid is None:
        return Rehearsal(target)
    if move_to:
        box.move([uid], move_to)
        _tidy(box, target, mark)
    else:
        box.delete([uid])
    return Rehearsal(target, tried=True)


def _put(box: ImapBox, mark: str) -> int | None:
    try:
        box.client.append(box.opened, _mail(box.account.username, mark), [b"\\Seen"])
        return _find(box, mark)
    except (IMAPClientError, BoxError):
        # A collector never adds mails: the mailbox is fine without that.
        return None


def _find(box: ImapBox, mark: str) -> int | None:
    latest = box.uids_from(box.uid_next)[-LATEST:]
    if not latest:
        return None
    return next((uid for uid, raw in box.fetch(latest) if mark.encode() in raw), None)


def _tidy(box: ImapBox, target: str, mark: str) -> None:
    """Removes our mail from the target folder. Errors are ignored: then it stays there."""
    with contextlib.suppress(IMAPClientError, BoxError, OSError):
        box.client.select_folder(target)
        uids = box.uids_from(1)[-LATEST:]
        ours = [uid for uid, raw in box.fetch(uids) if mark.encode() in raw] if uids else []
        box.delete(ours)


def _mail(username: str, mark: str) -> bytes:
    mail = EmailMessage()
    mail["From"] = mail["To"] = username if _is_address(username) else "yanshu@yanshu.invalid"
    mail["Subject"] = SUBJECT
    mail["Date"] = format_datetime(timezone.now())
    mail["Message-ID"] = mark
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(TEXT)
    return mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _is_address(username: str) -> bool:
    return username.isascii() and username.count("@") == 1 and username.replace(" ", "") == username
