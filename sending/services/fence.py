"""Keeps a database that came back from a backup from mailing people twice.

A restored database doesn't know what was sent since its backup; a copy would send the same mails as
the original. Both are noticed before each claim and before a campaign starts:

- a restored dump has another stamp (queries.fence.PLACE);
- a cluster restored to an earlier time is behind the position that each host keeps in a file;
- a copy of an embedded cluster has other files (position.files_at).

Then all mailings under way are paused, ids jump ahead, and each host reports the content of its
sent log. For each mailing a person decides: the sent messages are counted, and the mailing goes on
or stays paused. A crash of the database, or a failover that loses nothing, changes none of the
three signs.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from environment import logs
from pages.registry import Registry
from sending.host import journal, position, sentlog
from sending.host.sentlog import About
from sending.models import (
    Batch,
    Fence,
    Fenced,
    Freezing,
    HostPosition,
    HostReport,
    Installation,
    Mailing,
    Message,
    RestOfAudience,
    SentRange,
)
from sending.queries import fence as queries
from sending.queries.claim import Claim
from sending.queries.record import Result, record
from sending.services import blocks, freezing, mailings, recovery

log = logs.get(__name__)

Why = Fence.Why
# The reply stored with counted messages; the server's was lost with the database.
REPLY = "(by a host's sent log, after the database was restored)"

# Called in the transaction that puts a fence up; apps register in their module `hooks`.
on_noticed: Registry[Callable[[Fence], None]] = Registry()


# Looking -----------------------------------------------------------------------------------------


def is_open() -> bool:
    """Whether new work may begin. Puts the fence up if it finds a restored database."""
    return not _look(_host()).fence_up and settings.SENDING


def attend() -> None:
    """Runs every few seconds on each host that sends, and reports the host's sent log when a fence
    needs it."""
    host = journal.host()
    seen = _look(host)
    sentlog.forget_old(journal.sent_directory())
    if seen.fence is not None and not seen.reported:
        # Recovers the journals of killed processes. Living ones end within seconds; when no journal
        # is left, the sent log is complete.
        recovery.recover_journals()
        if not journal.in_use():
            report(Fence.objects.get(pk=seen.fence), host, seen.key)


def enter() -> "Passage | None":
    """Before each claim, in the process that sends; None: nothing may be claimed."""
    host = journal.host()
    seen = _look(host)
    behind = seen.fence is not None and not seen.reported
    if seen.fence_up or behind or not settings.SENDING:
        return None
    return Passage(seen.key, queries.move(host, position.name()))


def _host() -> str:
    """This host's name; "" if its state directory can't be used: its position isn't checked
    then."""
    try:
        return journal.host()
    except OSError:
        return ""


class Passage:
    """One claim's way through the fence."""

    def __init__(self, installation: str, generation: int) -> None:
        self.installation = installation
        self.generation = generation

    def about(self, mailing: Mailing) -> About:
        return About(self.installation, mailing.pk, mailing.source)

    def passed(self) -> None:
        """Called when the claim is committed. If writing fails, an older number stays, which does
        no harm."""
        try:
            position.write(self.installation, self.generation)
        except OSError as error:
            log.warning("position of this host not written", error=error)


def _look(host: str) -> queries.CopySigns:
    seen = queries.look(host)
    if seen is None:
        queries.make_installation()
        Installation.objects.filter(place="").update(place=_files())
        return _look(host)
    if seen.fence_up:
        return seen
    why = _wrong(host, seen)
    if why is None:
        return seen
    put_up(why)
    return _look(host)


def _wrong(host: str, seen: queries.CopySigns) -> Fence.Why | None:
    if queries.differs(seen.stamp, seen.stamp_now):
        return Why.MOVED
    if position.copied(seen.place, _files()):
        return Why.COPIED
    # A host that has not reported since the last restore is ahead because of that restore.
    explained = seen.fence is not None and not seen.reported
    if host and not explained and _ahead(host, seen):
        return Why.OLDER
    return None


def _ahead(host: str, seen: queries.CopySigns) -> bool:
    """Whether this host's file is ahead of the database. Another process of this host may have
    claimed since `seen` was read, and then its number is in the database, too, by now: a number is
    written after its commit."""
    there = position.read(seen.key)
    if there <= seen.generation:
        return False
    now = queries.look(host)
    return now is not None and now.key == seen.key and there > now.generation


def _files() -> str:
    """Identifies the files of an embedded cluster in this host's state directory; "": there is
    none."""
    return position.files_at(_embedded())


@cache
def _embedded() -> str:
    directory = queries.data_directory()
    base = (Path(settings.VAR) / "postgres").resolve()
    return directory if directory and Path(directory).resolve().is_relative_to(base) else ""


# Up ----------------------------------------------------------------------------------------------


@transaction.atomic
def put_up(why: Fence.Why) -> Fence:
    """Pauses all mailings under way; apps that registered take back what is scheduled."""
    installation = Installation.objects.select_for_update().get()
    up = Fence.objects.filter(released_at=None).order_by("-pk").first()
    if up is not None:
        return up
    fence = Fence.objects.create(why=why, host=position.name())
    installation.stamp, installation.place = queries.stamp(), _files()
    installation.save(update_fields=["stamp", "place"])
    blocks.jump()
    under_way = (Mailing.State.SENDING, Mailing.State.PAUSED)
    for mailing in Mailing.objects.filter(state__in=under_way).select_for_update():
        known = {"fence": fence, "was_sending": mailing.state == Mailing.State.SENDING}
        Fenced.objects.update_or_create(
            mailing=mailing,
            defaults=known | {"decision": "", "decided_at": None, "accepted": 0, "in_doubt": 0},
        )
        mailings.pause(mailing, "restored")
    for function in on_noticed:
        function(fence)
    log.committed.error("fence put up: nothing is sent until somebody decides", why=fence.why)
    return fence


@transaction.atomic
def report(fence: Fence, host: str, installation: str) -> None:
    """Stores what this host sent of the fenced mailings, and of mailings that this database doesn't
    have. For mailings already decided, the messages are counted at once."""
    kept = sentlog.read(journal.sent_directory(), installation)
    sent = kept.mailings
    there = set(Mailing.objects.filter(pk__in=sent).values_list("pk", flat=True))
    made, new = HostReport.objects.get_or_create(
        fence=fence,
        host=host,
        defaults={
            "name": position.name(),
            "unknown": [_told(one) for pk, one in sent.items() if pk not in there],
            "unreadable": kept.unreadable,
        },
    )
    if not new:
        return
    log.committed.info(
        "host reported what it sent",
        host=host,
        mailings=len(sent),
        unknown=len(made.unknown),
        unreadable=made.unreadable,
    )
    fenced = {one.mailing_id: one for one in fence.fenced.filter(mailing__in=there)}
    SentRange.objects.bulk_create(
        (
            SentRange(report=made, mailing_id=pk, first_id=first, last_id=last, accepted=accepted)
            for pk in fenced
            for accepted, found in ((True, sent[pk].accepted), (False, sent[pk].in_doubt))
            for first, last in found
        ),
        batch_size=5000,
    )
    # From now on this host's file and its row agree.
    queries.move(host, position.name(), position.read(installation))
    for one in fenced.values():
        if one.decision:
            _count(one)


def _told(sent: sentlog.Sent) -> dict[str, object]:
    """The facts about a mailing that this database doesn't have, for pages."""
    return {
        "source": sent.source.as_json(),
        "accepted": sum(last - first + 1 for first, last in sent.accepted),
        "in_doubt": sum(last - first + 1 for first, last in sent.in_doubt),
        "last": datetime.fromtimestamp(sent.last, UTC).isoformat(timespec="seconds"),
    }


def current() -> Fence | None:
    """The fence that is up."""
    return Fence.objects.filter(released_at=None).order_by("-pk").first()


def undecided(**fields: object) -> list[Fenced]:
    """Mailings about which a person has to decide, with `known` and `rest`."""
    rows = Fenced.objects.filter(decision="", **fields).exclude(
        mailing__state__in=[Mailing.State.CANCELLED, Mailing.State.FINISHED]
    )
    found = list(rows.select_related("mailing__tally", "mailing__workspace").order_by("mailing"))
    not_frozen = set(
        Freezing.objects.filter(mailing__in=[one.mailing_id for one in found]).values_list(
            "mailing", flat=True
        )
    )
    for one in found:
        one.known = queries.count(one.mailing_id)
        if one.mailing_id in not_frozen:
            sent_more = queries.sent_more(one.mailing_id)
            one.rest = RestOfAudience.IN_DOUBT if sent_more else RestOfAudience.WAITING
    return found


def silent_hosts(fence: Fence) -> list[HostPosition]:
    """Hosts that sent before and have not reported: what they sent since the backup is unknown."""
    told = fence.reports.values("host")
    return list(HostPosition.objects.exclude(host__in=told).order_by("name"))


def incomplete_reports(fence: Fence) -> list[HostReport]:
    """Reports of hosts whose sent log has lines that can't be read: what these say was sent is
    unknown."""
    return list(fence.reports.filter(unreadable__gt=0).order_by("name"))


# Decided -----------------------------------------------------------------------------------------


@transaction.atomic
def decide(one: Fenced, *, go_on: bool) -> bool:
    """Counts the messages that hosts reported as sent; the mailing goes on, or stays paused. False:
    another person has decided."""
    now = Fenced.objects.select_for_update().get(pk=one.pk)
    if now.decision:
        return False
    _count(now)
    now.decision = Fenced.Decision.GO_ON if go_on else Fenced.Decision.PAUSED
    now.decided_at = timezone.now()
    now.save(update_fields=["decision", "decided_at"])
    log.committed.info(
        "fenced mailing decided",
        mailing=now.mailing_id,
        decision=now.decision,
        accepted=now.accepted,
        unknown=now.in_doubt,
    )
    if go_on:
        mailings.resume(now.mailing)
    return True


def _count(one: Fenced) -> None:
    """Counts sent messages. Those in a batch that was claimed at the time of the backup are
    recorded in the name of its holder."""
    mailing_id = one.mailing_id
    if queries.sent_more(mailing_id):
        freezing.doubt_rest(one.mailing)
    accepted = in_doubt = 0
    for batch in Batch.objects.filter(mailing=mailing_id).exclude(holder=""):
        known = queries.known_of(mailing_id, batch.ids)
        results = [
            Result(pk, Message.State.ACCEPTED, "", REPLY)
            if accepted
            else Result(pk, Message.State.UNKNOWN, "in_doubt", REPLY)
            for pk, accepted in known.items()
        ]
        claim = Claim(batch.pk, batch.epoch, batch.holder, ())
        written = record(claim, results, ends=False)
        accepted += sum(known[pk] for pk in written)
        in_doubt += sum(not known[pk] for pk in written)
    more = queries.settle(mailing_id, REPLY)
    one.accepted += accepted + more[0]
    one.in_doubt += in_doubt + more[1]
    one.save(update_fields=["accepted", "in_doubt"])


def release() -> bool:
    """Takes the fence down: new mailings are sent again; undecided ones stay paused. False: no
    fence is up."""
    released = Fence.objects.filter(released_at=None).update(released_at=timezone.now())
    if released:
        log.committed.info("fence taken down")
    return bool(released)
