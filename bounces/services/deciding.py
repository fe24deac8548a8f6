"""Reads bounce mails, matches them to messages, and applies them to the ledger, each exactly
once."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User, Workspace
from bounces.matching import By, proof
from bounces.models import BounceMail, BounceMailbox
from bounces.queries.seen import seen_before
from bounces.reading import Report, ReportKind, parse
from contacts import addresses
from contacts.models import Contact, Suppression
from contacts.provenance import Source
from contacts.services import suppressions
from environment import logs
from sending.models import Event, Mailing, Message
from sending.queries import events, past
from sending.queries.blocks import of_messages

log = logs.get(__name__)

State = BounceMail.State
# A report that names only an address may be about the last message to it, if that is not older.
RECENT = timedelta(days=14)
# Mails read and applied in one transaction.
AT_ONCE = 100

EVENTS = {
    kind: Event.Kind(kind.value) for kind in ReportKind if kind.value in Event.Kind.values
} | {ReportKind.CHALLENGED: Event.Kind.AUTO_REPLIED}
SUPPRESSES = {
    kind: Suppression.Reason(kind.value)
    for kind in (ReportKind.HARD_BOUNCED, ReportKind.COMPLAINED)
}
# Kinds that may be matched by address alone, as unproven. Automatic replies are not among them: a
# reply to a person's mail looks the same as one to ours.
BY_RECIPIENT = {
    ReportKind.HARD_BOUNCED,
    ReportKind.SOFT_BOUNCED,
    ReportKind.BLOCKED,
    ReportKind.DELAYED,
    ReportKind.COMPLAINED,
}


@dataclass(slots=True)
class Reading:
    """A stored mail and what was found out about it."""

    mail: BounceMail
    report: Report
    message: Message | None = None
    by: By | None = None
    # The same bytes were read before (a rebuilt mailbox gives its mails new UIDs).
    known: bool = False

    @property
    def ours(self) -> bool:
        return self._about_a_message and self.by is not None and self.by.proves

    @property
    def unproven(self) -> bool:
        return self._about_a_message and not self.ours

    @property
    def _about_a_message(self) -> bool:
        return self.message is not None and self.report.kind != ReportKind.OTHER


@dataclass(slots=True)
class Applied:
    """Numbers of mails by their result."""

    kinds: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    unproven: int = 0
    not_ours: int = 0
    failed: int = 0
    suppressed: int = 0


def apply_stored(mailbox: BounceMailbox) -> Applied:
    """Applies stored mails that are not processed yet, in sets. Safe to run twice and in
    parallel."""
    applied = Applied()
    while _apply_some(mailbox, applied):
        pass
    return applied


@transaction.atomic
def _apply_some(mailbox: BounceMailbox, applied: Applied) -> bool:
    # The process that locks a row decides it; another process takes the next rows.
    mails = list(
        BounceMail.objects.select_for_update(skip_locked=True)
        .filter(mailbox=mailbox, state=State.STORED)
        .order_by("pk")[:AT_ONCE]
    )
    if not mails:
        return False
    readings = [reading for mail in mails if (reading := _read(mail)) is not None]
    applied.failed += len(mails) - len(readings)
    _match(mailbox.workspace, readings)
    _mark_known(readings)
    ours = [one for one in readings if one.ours]
    fresh = [one for one in ours if not one.known]
    # A repeated report suppresses nothing: a person may have lifted its suppression.
    told = _told(fresh)
    _record(fresh)
    applied.suppressed += _suppress(mailbox.workspace, [one for one in fresh if not told(one)])
    unproven = sum(one.unproven and not one.known for one in readings)
    _settle(readings)
    applied.unproven += unproven
    applied.not_ours += len(readings) - len(ours) - unproven
    for one in ours:
        applied.kinds[one.report.kind.value] += 1
    return True


def _read(mail: BounceMail) -> Reading | None:
    try:
        return Reading(mail, parse(bytes(mail.raw or b"")))
    # The parser should never raise; a bug must not stop the other mails.
    except Exception as error:
        log.exception("bounce mail could not be read", mail=mail.pk)
        BounceMail.objects.filter(pk=mail.pk).update(
            state=State.FAILED, detail=f"{type(error).__name__}: {error}"[:500]
        )
        return None


# Matching ----------------------------------------------------------------------------------------


def _match(workspace: Workspace, readings: Sequence[Reading]) -> None:
    proofs = {one.mail.pk: found for one in readings if (found := proof(one.report))}
    ids = {found.message_id for found in proofs.values()}
    known = Message.objects.filter(
        of_messages(ids), pk__in=ids, mailing__workspace=workspace
    ).select_related("mailing")
    messages = {message.pk: message for message in known}
    messages |= _past(workspace, ids - messages.keys())
    for one in readings:
        if (found := proofs.get(one.mail.pk)) and found.message_id in messages:
            one.message, one.by = messages[found.message_id], found.by
    _match_by_recipient(workspace, [one for one in readings if one.report.kind in BY_RECIPIENT])
    for one in readings:
        if one.message is not None:
            one.report = one.report.about(one.message.address)


def _past(workspace: Workspace, ids: set[int]) -> dict[int, Message]:
    """Messages whose rows were dropped: their bounces suppress, but are not counted."""
    found = past.find(ids) if ids else {}
    return {
        pk: message
        for pk, message in found.items()
        if message.address and message.mailing.workspace_id == workspace.pk
    }


def _match_by_recipient(workspace: Workspace, readings: Sequence[Reading]) -> None:
    """Matches unproven reports by the address that they name. A report with a token may name an
    address that the mail was forwarded to, but not another recipient of ours."""
    names = {one.mail.pk: _normalised(one.report.recipients) for one in readings}
    latest = _latest(workspace, {name for found in names.values() for name in found})
    for one in readings:
        named = names[one.mail.pk]
        others = [latest[name] for name in named if name in latest]
        if one.message is None and others:
            one.message, one.by = others[0], By.RECIPIENT
        elif one.message is not None and others and not _names(one):
            one.message, one.by = others[0], By.FOREIGN


def _names(reading: Reading) -> bool:
    """Whether the report names the recipient of its message, as failed or not."""
    told = (*reading.report.recipients, *(one.recipient for one in reading.report.failures))
    return reading.message is not None and reading.message.address in _normalised(told)


def _normalised(recipients: Iterable[str]) -> list[str]:
    found = []
    for recipient in recipients:
        try:
            found.append(addresses.normalise(recipient))
        except addresses.AddressError:
            continue
    return found


def _latest(workspace: Workspace, wanted: set[str]) -> dict[str, Message]:
    """{address: the workspace's last message to it that a server may have accepted}"""
    if not wanted:
        return {}
    since = timezone.now() - RECENT
    # By mailing and address, to use message_address_once and (of streams) message_repeats: there is
    # no index on the address alone.
    mailings = Mailing.objects.filter(workspace=workspace).exclude(finished_at__lt=since)
    rows = (
        Message.objects.filter(
            Q(repeats=False, address__in=wanted) | Q(repeats=True, address__in=wanted),
            mailing__in=list(mailings.order_by("-pk").values_list("pk", flat=True)[:500]),
            state__in=(Message.State.ACCEPTED, Message.State.UNKNOWN),
            settled_at__gt=since,
        )
        .select_related("mailing")
        .order_by("settled_at", "pk")
    )
    return {message.address: message for message in rows}


def _mark_known(readings: Sequence[Reading]) -> None:
    matched = [one for one in readings if one.ours or one.unproven]
    if not matched:
        return
    known = seen_before(
        [one.mail.pk for one in matched], [one.message.pk for one in matched if one.message]
    )
    for one in matched:
        one.known = one.mail.pk in known


# Applying ----------------------------------------------------------------------------------------


def _told(ours: Sequence[Reading]) -> Callable[[Reading], bool]:
    """A function: whether the message already has an event of the same kind."""
    ids = [one.message.pk for one in ours if one.message is not None]
    kinds = [EVENTS[kind] for kind in SUPPRESSES]
    rows = Event.objects.filter(of_messages(ids), message__in=ids, kind__in=kinds)
    known = set(rows.values_list("message_id", "kind"))

    def told(one: Reading) -> bool:
        return one.message is not None and (one.message.pk, EVENTS[one.report.kind]) in known

    return told


def _record(ours: Sequence[Reading]) -> None:
    now = timezone.now()
    events.record(
        events.EventRow(
            message_id=one.message.pk,
            kind=EVENTS[one.report.kind],
            at=_when(one, now),
            detail=one.report.diagnostic,
        )
        for one in ours
        if one.message is not None
    )


def _when(one: Reading, now: datetime) -> datetime:
    """The report's own date, unless its clock is clearly wrong."""
    sent = one.message.settled_at if one.message else None
    arrived = one.report.arrived
    if arrived is None or arrived > now or (sent is not None and arrived < sent):
        return now
    return arrived


def _suppress(workspace: Workspace, ours: Sequence[Reading]) -> int:
    """Suppresses the addresses that were mailed, by reason and source. A bounce is about the
    address; a complaint is about the person, so that it also holds for their current address."""
    sets: dict[tuple[str, Source], list[tuple[str, str]]] = defaultdict(list)
    present = _present(workspace, ours)
    messages: dict[str, int] = {}
    for one in ours:
        reason = SUPPRESSES.get(one.report.kind)
        if reason and one.message is not None:
            found = {one.message.address}
            if reason == Suppression.Reason.COMPLAINED:
                found.add(present.get(one.message.contact_id or 0, one.message.address))
            rows = sets[reason, one.message.mailing.source]
            rows.extend((address, one.report.diagnostic) for address in found)
            messages |= dict.fromkeys(found, one.message.pk)
    return sum(
        suppressions.suppress_addresses(
            workspace, rows, reason=reason, source=source, messages=messages
        )
        for (reason, source), rows in sorted(sets.items())
    )


def _present(workspace: Workspace, ours: Sequence[Reading]) -> dict[int, str]:
    """{contact id: current address} of those who complained. The rows are locked until the
    complaint is stored: a change of the address is made before that, or takes the suppression
    along."""
    who = {
        one.message.contact_id
        for one in ours
        if one.message is not None
        and one.message.contact_id is not None
        and one.report.kind == ReportKind.COMPLAINED
    }
    if not who:
        return {}
    people = Contact.objects.filter(workspace=workspace, pk__in=who).order_by("pk")
    return dict(people.select_for_update(no_key=True).values_list("pk", "email"))


def _settle(readings: Sequence[Reading]) -> None:
    """Stores the results. Of a mail that isn't ours, and of a repeated unproven report, only its
    state and kind are kept."""
    for one in readings:
        mail, report = one.mail, one.report
        mail.kind = report.kind.value
        if one.ours or (one.unproven and not one.known):
            mail.state = State.PROCESSED if one.ours else State.UNPROVEN
            mail.sender, mail.subject = report.sender, report.subject
            mail.recipient = ", ".join(report.recipients)[:320]
            mail.matched_by, mail.message = one.by or "", one.message
            mail.detail = report.diagnostic
        else:
            mail.state, mail.raw = State.NOT_OURS, None
    BounceMail.objects.bulk_update(
        [one.mail for one in readings],
        [
            "state",
            "kind",
            "sender",
            "subject",
            "recipient",
            "matched_by",
            "message",
            "detail",
            "raw",
        ],
    )


# A person's word ---------------------------------------------------------------------------------


def not_a_bounce(mail: BounceMail, by: User, moment: datetime) -> int:
    """A person says that this mail is no bounce: lifts the suppression that it made. The event
    stays. Returns how many suppressions were lifted. `is_a_bounce` with the same moment undoes
    it."""
    BounceMail.objects.filter(pk=mail.pk).update(kind=ReportKind.OTHER)
    message = mail.message
    if message is None and mail.message_id is not None:
        message = past.find([mail.message_id]).get(mail.message_id)
    if message is None:
        return 0
    return suppressions.lift_many(suppression_of(message), by, moment)


def is_a_bounce(mail: BounceMail, kind: ReportKind, moment: datetime) -> None:
    """Undoes `not_a_bounce`; `kind`: the mail's kind before."""
    BounceMail.objects.filter(pk=mail.pk).update(kind=kind)
    suppressions.undo_lift(mail.mailbox.workspace, moment)


def suppression_of(message: Message) -> QuerySet[Suppression]:
    """Suppressions of the message's address by bounces and complaints, and of its contact's current
    address by a complaint about this mailing."""
    workspace_id = message.mailing.workspace_id
    present = Contact.objects.filter(workspace_id=workspace_id, pk=message.contact_id or 0)
    complaint = Q(
        value__in=present.values("email"),
        reason=Suppression.Reason.COMPLAINED,
        **message.mailing.source.columns,
    )
    return Suppression.objects.filter(
        complaint | Q(value=message.address, reason__in=SUPPRESSES.values()),
        workspace_id=workspace_id,
        kind=Suppression.Kind.ADDRESS,
    )
