"""Collecting a bounce mailbox. Each step is committed before the next, so that a process may die
anywhere between them:

1. fetch: the raw mails and how far the mailbox was read, in one transaction; nothing is touched;
2. apply: what they mean (bounces.services.deciding), once for each row;
3. clear: what was about our messages is moved or deleted in the mailbox, then noted as cleared.

What a dead process left after 1 or 2 is done by the next. A mail is known by UIDVALIDITY and UID,
so that it is stored once, and a mail that isn't ours is looked at once and left as it was. So is an
unproven report, until a person counts it.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.secrets import SecretError
from bounces.imap.box import MOST_UIDS, ImapBox
from bounces.imap.errors import SENTENCES, BoxError
from bounces.models import BounceMail, BounceMailbox
from bounces.services import deciding, mailboxes, unprovensources
from environment import logs
from sending.services import fence

log = logs.get(__name__)

State = BounceMail.State
# Every mailbox once a minute; one on a server of ours soon, as that costs nobody anything.
EVERY = timedelta(minutes=1)
EVERY_MANAGED = timedelta(seconds=10)
# A mailbox that fails is tried again after as long as it has failed already, up to this: three
# wrong passwords a minute would lock the account.
SLOWEST = timedelta(minutes=15)
LEASE = timedelta(minutes=3)
# Mails fetched and stored in one step.
AT_ONCE = 50
# Seconds; what is left then waits for the next task, which comes at once.
BUDGET = 50.0
# Tries of a mail that the server can't give us; more where the server itself may be away.
MOST_TRIES = 3
MOST_TRIES_WHEN_AWAY = 10
AWAY = {"timeout", "closed", "tls"}


@dataclass(slots=True)
class Collected:
    """What a collection came to."""

    stored: int = 0
    applied: deciding.Applied = field(default_factory=deciding.Applied)
    cleared: int = 0
    # More is waiting in the mailbox.
    more: bool = False
    # A key of SENTENCES, and what the server or the system said.
    error: str = ""
    words: str = ""
    # Another process is at it.
    busy: bool = False

    @property
    def sentence(self) -> str:
        """What went wrong, in a line for logs."""
        return " ".join(f"{SENTENCES.get(self.error, '')} {self.words}".split())


def due(now: datetime | None = None) -> list[int]:
    """Mailboxes whose turn it is and that nobody holds. None while a copy of the database might
    take away what belongs to the original."""
    if not fence.is_open():
        return []
    now = now or timezone.now()
    free = Q(leased_until=None) | Q(leased_until__lt=now)
    found = BounceMailbox.objects.filter(free, active=True).order_by("checked_at", "pk")
    return [mailbox.pk for mailbox in found if _due(mailbox, now)]


def _due(mailbox: BounceMailbox, now: datetime) -> bool:
    if mailbox.checked_at is None:
        return True
    pause = EVERY_MANAGED if mailbox.managed_by else EVERY
    if mailbox.error:
        failing = mailbox.checked_at - (mailbox.collected_at or mailbox.created_at)
        pause = min(max(pause, failing), EVERY if mailbox.managed_by else SLOWEST)
    return mailbox.checked_at + pause <= now


def collect(mailbox_id: int) -> Collected:
    """Collects the mailbox, unless another process does. What goes wrong is kept with the mailbox
    and returned, not raised."""
    if not _lease(mailbox_id):
        return Collected(busy=True)
    mailbox = BounceMailbox.objects.select_related("workspace").get(pk=mailbox_id)
    done = Collected()
    try:
        _collect(mailbox, done)
    except BoxError as error:
        done.error, done.words = error.code, error.words
    except SecretError:
        done.error = "secret"
    # Whatever it is, it is no success: the mailbox says so, and is tried again later.
    except Exception as error:
        log.exception("mailbox collection failed", mailbox=mailbox_id)
        done.error, done.words = "crash", type(error).__name__
    finally:
        _release(mailbox, done)
    return done


def _collect(mailbox: BounceMailbox, done: Collected) -> None:
    until = time.monotonic() + BUDGET
    done.applied = deciding.apply_stored(mailbox)
    given = mailboxes.account(mailbox)
    with ImapBox(given, trusted=bool(mailbox.managed_by)) as box:
        _begin(mailbox, box.uid_validity)
        uids = box.uids_from(mailbox.next_uid)
        done.more = len(uids) == MOST_UIDS
        for some in _portions(mailbox, uids):
            if time.monotonic() > until or not _renew(mailbox):
                done.more = True
                break
            done.stored += _store(mailbox, box, some)
            add(done.applied, deciding.apply_stored(mailbox))
            if done.applied.unproven:  # as many as somebody likes to send
                unprovensources.drop_old()
            done.cleared += clear(mailbox, box)
        # Also what a process that died had applied, but not cleared.
        done.cleared += clear(mailbox, box)


def add(total: deciding.Applied, more: deciding.Applied) -> None:
    for kind, count in more.kinds.items():
        total.kinds[kind] += count
    total.unproven += more.unproven
    total.not_ours += more.not_ours
    total.failed += more.failed
    total.suppressed += more.suppressed


# The steps ---------------------------------------------------------------------------------------


def _begin(mailbox: BounceMailbox, uid_validity: int) -> None:
    """A mailbox that was built anew (another UIDVALIDITY, RFC 3501 2.3.1.1) is read from its
    beginning; its old UIDs name nothing any more."""
    if mailbox.uid_validity == uid_validity:
        return
    mailbox.uid_validity, mailbox.next_uid = uid_validity, 1
    mailbox.stuck_until, mailbox.stuck_tries = None, 0
    mailbox.save(update_fields=["uid_validity", "next_uid", "stuck_until", "stuck_tries"])
    mailbox.mails.filter(cleared_at=None).exclude(uid_validity=uid_validity).update(
        cleared_at=timezone.now()
    )


def store(mailbox: BounceMailbox, box: ImapBox, uids: Sequence[int]) -> int:
    """Keeps the raw mails, and that the mailbox was read up to the last of them."""
    mails = [
        BounceMail(mailbox=mailbox, uid_validity=box.uid_validity, uid=uid, raw=raw)
        for uid, raw in box.fetch(uids)
    ]
    with transaction.atomic():
        # A mail that is known stays as it is: the constraint decides.
        BounceMail.objects.bulk_create(mails, ignore_conflicts=True)
        mailbox.next_uid = uids[-1] + 1
        BounceMailbox.objects.filter(pk=mailbox.pk, next_uid__lt=mailbox.next_uid).update(
            next_uid=mailbox.next_uid
        )
    return len(mails)


def _portions(mailbox: BounceMailbox, uids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Many at once; one by one where one of them could not be read."""
    start = 0
    while start < len(uids):
        alone = mailbox.stuck_until is not None and uids[start] <= mailbox.stuck_until
        count = 1 if alone else AT_ONCE
        yield uids[start : start + count]
        start += count


def _store(mailbox: BounceMailbox, box: ImapBox, uids: Sequence[int]) -> int:
    """`store`, which remembers mails that can't be read: they must not stop the others for ever."""
    try:
        stored = store(mailbox, box, uids)
    except BoxError as error:
        _stumble(mailbox, box, uids, error)
        raise
    except Exception as error:
        _stumble(mailbox, box, uids, BoxError("crash", type(error).__name__))
        raise
    if mailbox.stuck_tries:
        mailbox.stuck_tries = 0
        mailbox.save(update_fields=["stuck_tries"])
    return stored


def _stumble(mailbox: BounceMailbox, box: ImapBox, uids: Sequence[int], error: BoxError) -> None:
    """A single mail that failed often is given up: it stays in the mailbox, its row says why."""
    mailbox.stuck_until = max(uids[-1], mailbox.stuck_until or 0)
    mailbox.stuck_tries += len(uids) == 1
    most = MOST_TRIES_WHEN_AWAY if error.code in AWAY else MOST_TRIES
    given_up = mailbox.stuck_tries >= most
    if given_up:
        mailbox.stuck_tries = 0
        mailbox.next_uid = uids[0] + 1
    with transaction.atomic():
        if given_up:
            detail = f"{SENTENCES[error.code]} {error.words}".strip()
            failed = BounceMail(
                mailbox=mailbox, uid_validity=box.uid_validity, uid=uids[0], state=State.FAILED
            )
            failed.detail = detail
            BounceMail.objects.bulk_create([failed], ignore_conflicts=True)
        mailbox.save(update_fields=["stuck_until", "stuck_tries", "next_uid"])


def clear(mailbox: BounceMailbox, box: ImapBox) -> int:
    """Moves or deletes what was about our messages."""
    rows = mailbox.mails.filter(
        state=State.PROCESSED, cleared_at=None, uid_validity=box.uid_validity
    )
    uids = list(rows.values_list("uid", flat=True))
    if not uids:
        return 0
    if target := mailboxes.target(mailbox):
        box.move(uids, target)
    else:
        box.delete(uids)
    return rows.filter(uid__in=uids).update(cleared_at=timezone.now())


# The lease ---------------------------------------------------------------------------------------


def _lease(mailbox_id: int) -> bool:
    now = timezone.now()
    free = Q(leased_until=None) | Q(leased_until__lt=now)
    return bool(BounceMailbox.objects.filter(free, pk=mailbox_id).update(leased_until=now + LEASE))


def _renew(mailbox: BounceMailbox) -> bool:
    """Whether the mailbox may still be collected: switched off meanwhile, it may not."""
    return bool(
        BounceMailbox.objects.filter(pk=mailbox.pk, active=mailbox.active).update(
            leased_until=timezone.now() + LEASE
        )
    )


def _release(mailbox: BounceMailbox, done: Collected) -> None:
    now = timezone.now()
    values: dict[str, object] = {"leased_until": None, "error": done.error}
    values["error_words"] = done.words[:2000]
    # With more waiting its turn is now.
    values["checked_at"] = None if done.more and not done.error else now
    if not done.error:
        values["collected_at"] = now
    BounceMailbox.objects.filter(pk=mailbox.pk).update(**values)
    _log(mailbox, done)


def _log(mailbox: BounceMailbox, done: Collected) -> None:
    known = {"mailbox": mailbox.pk, "workspace": mailbox.workspace_id}
    if done.error:
        log.warning("mailbox could not be collected", **known, reason=done.error, words=done.words)
    # Each is looked at once a minute: what brought nothing is no line.
    if done.stored or done.cleared or done.applied.kinds:
        log.info(
            "mailbox collected",
            **known,
            stored=done.stored,
            ours=sum(done.applied.kinds.values()),
            unproven=done.applied.unproven,
            not_ours=done.applied.not_ours,
            failed=done.applied.failed,
            suppressed=done.applied.suppressed,
            cleared=done.cleared,
            more=done.more,
        )
