"""Keeps a database that came back from a backup from mailing people twice.

A restored database doesn't know what was sent since its backup; a copy would send what the original
sends, too. Both are noticed before a claim and before a campaign starts:

- a dump that was restored lies elsewhere (queries.fence.PLACE), which the database itself tells;
- a cluster that went back in time is behind the position that a host keeps in a file;
- an embedded cluster whose files were copied has others (position.files_at).

Then all mailings under way are paused, ids jump ahead, and each host reports what its sent log
knows. A person decides for each mailing: what was sent is counted, and it goes on or stays paused.
A crash of the database, or a failover that loses nothing, changes none of the three.
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
    HostPosition,
    HostReport,
    Installation,
    Mailing,
    Message,
    SentRange,
)
from sending.queries import fence as queries
from sending.queries.claim import Claim
from sending.queries.record import Result, record
from sending.services import blocks, freezing, mailings, recovery

log = logs.get(__name__)

Why = Fence.Why
# Of messages that were counted; their server's words were lost with the database.
REPLY = "(by a host's sent log, after the database was restored)"

# Called in the transaction that puts a fence up; apps register in their module `hooks`.
on_noticed: Registry[Callable[[Fence], None]] = Registry()


# Looking -----------------------------------------------------------------------------------------


def is_open() -> bool:
    """Whether new work may begin; looks, and puts the fence up where that is needed."""
    return not _look(_host()).fence_up and settings.SENDING


def attend() -> None:
    """Every few seconds on each host that sends: what it knows is reported when it is needed."""
    host = journal.host()
    seen = _look(host)
    sentlog.forget_old(journal.sent_directory())
    if seen.fence is not None and not seen.reported:
        # What processes that were killed left behind; those that live end within seconds, and
        # then everything stands in the sent log.
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
    """ "" where its state directory can't be used: then only its file isn't looked at."""
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
        """Its claim is committed. An older number in the file is no harm."""
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
    # A host that has not reported since the last restore is behind by that restore, as is known.
    explained = seen.fence is not None and not seen.reported
    if host and not explained and position.read(seen.key) > seen.generation:
        return Why.OLDER
    return None


def _files() -> str:
    """Of an embedded cluster, whose files lie under this host's state directory."""
    return position.files_at(_embedded())


@cache
def _embedded() -> str:
    directory = queries.data_directory()
    base = (Path(settings.VAR) / "postgres").resolve()
    return directory if directory and Path(directory).resolve().is_relative_to(base) else ""


# Up ----------------------------------------------------------------------------------------------


@transaction.atomic
def put_up(why: Fence.Why) -> Fence:
    """Pauses all that is under way, and takes back what is scheduled."""
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
    """What this host sent of the mailings that are fenced, and of those that this database doesn't
    have. What was decided already is counted at once."""
    sent = sentlog.read(journal.sent_directory(), installation)
    there = set(Mailing.objects.filter(pk__in=sent).values_list("pk", flat=True))
    made, new = HostReport.objects.get_or_create(
        fence=fence,
        host=host,
        defaults={
            "name": position.name(),
            "unknown": [_told(one) for pk, one in sent.items() if pk not in there],
        },
    )
    if not new:
        return
    log.committed.info(
        "host reported what it sent", host=host, mailings=len(sent), unknown=len(made.unknown)
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
    """A mailing that this database doesn't have, for people."""
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
    """Mailings about which a person has to decide, with `known`: (accepted, in doubt) that would be
    counted."""
    rows = Fenced.objects.filter(decision="", **fields).exclude(
        mailing__state__in=[Mailing.State.CANCELLED, Mailing.State.FINISHED]
    )
    found = list(rows.select_related("mailing__tally", "mailing__workspace").order_by("mailing"))
    for one in found:
        one.known = queries.count(one.mailing_id)
    return found


def silent_hosts(fence: Fence) -> list[HostPosition]:
    """Hosts that sent before and have not reported: what they sent since the backup is unknown."""
    told = fence.reports.values("host")
    return list(HostPosition.objects.exclude(host__in=told).order_by("name"))


# Decided -----------------------------------------------------------------------------------------


@transaction.atomic
def decide(one: Fenced, *, go_on: bool) -> bool:
    """Counts what hosts know as sent; the mailing goes on, or stays paused. False: somebody else
    has decided."""
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
    """A batch that was claimed at the time of the backup is settled as its holder would have."""
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
    """New work is sent again; what is not decided stays paused. False: no fence is up."""
    released = Fence.objects.filter(released_at=None).update(released_at=timezone.now())
    if released:
        log.committed.info("fence taken down")
    return bool(released)
