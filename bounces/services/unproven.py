"""Unproven reports: mails about a bounce or complaint of an address that we mailed, without proof
that they belong to a message of ours. Anybody can write one. A person counts or dismisses them."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts import notices
from accounts.exceptions import MailNotSentError
from accounts.models import Membership, User, Workspace
from accounts.permissions import Permission, Role, allows
from bounces.models import BounceMail, BounceMailbox
from bounces.reading import ReportKind
from bounces.services.deciding import EVENTS, SUPPRESSES, State
from contacts.provenance import Source
from contacts.services import suppressions
from environment import logs
from sending.queries import events

log = logs.get(__name__)

# Reports counted in one transaction.
AT_ONCE = 500
# Servers that return neither our headers nor a token are rare. So many a day mean an attack, or a
# relay that rewrites mails.
FLOOD = 20
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class UnprovenCount:
    """How many reports wait for a person, and the effect of counting them."""

    reports: int
    # Addresses that counting would suppress, including those that are suppressed already.
    addresses: int
    # The id of the last one: a decision made now does not include later ones.
    until: int


def waiting(workspace: Workspace) -> UnprovenCount:
    rows = of(workspace)
    found = rows.aggregate(
        reports=Count("pk"),
        addresses=Count("message__address", distinct=True, filter=Q(kind__in=list(SUPPRESSES))),
    )
    last = rows.order_by("-pk").values_list("pk", flat=True).first()
    return UnprovenCount(found["reports"], found["addresses"], last or 0)


def of(workspace: Workspace) -> QuerySet[BounceMail]:
    return BounceMail.objects.filter(mailbox__workspace=workspace, state=State.UNPROVEN)


def count(rows: QuerySet[BounceMail], by: User) -> tuple[int, int]:
    """A person says that these reports are genuine: they count like proven ones, and the next
    collection moves or deletes them in the mailbox. Returns (how many counted, how many addresses
    were suppressed)."""
    counted = suppressed = 0
    while some := _count_some(rows, by):
        counted, suppressed = counted + some[0], suppressed + some[1]
    return counted, suppressed


@transaction.atomic
def _count_some(rows: QuerySet[BounceMail], by: User) -> tuple[int, int] | None:
    undecided = rows.filter(state__in=(State.UNPROVEN, State.DISMISSED)).order_by("pk")
    # The process that locks a row decides it.
    locked = undecided.select_for_update(skip_locked=True, of=("self",))
    mails = list(locked.defer("raw").select_related("message__mailing", "mailbox")[:AT_ONCE])
    if not mails:
        return None
    now = timezone.now()
    events.record(
        events.EventRow(
            mail.message.pk, EVENTS[ReportKind(mail.kind)], mail.collected_at, detail=mail.detail
        )
        for mail in mails
        if mail.message is not None
    )
    suppressed = _suppress(mails, by)
    BounceMail.objects.filter(pk__in=[mail.pk for mail in mails]).update(
        state=State.PROCESSED, decided_by=by, decided_at=now
    )
    return len(mails), suppressed


def _suppress(mails: list[BounceMail], by: User) -> int:
    sets: dict[tuple[str, Source], list[tuple[str, str]]] = defaultdict(list)
    for mail in mails:
        reason = SUPPRESSES.get(ReportKind(mail.kind))
        if reason and mail.message is not None:
            row = (mail.message.address, mail.detail)
            sets[reason, mail.message.mailing.source].append(row)
    messages = {mail.message.address: mail.message.pk for mail in mails if mail.message}
    return sum(
        suppressions.suppress_addresses(
            mails[0].mailbox.workspace,
            found,
            reason=reason,
            source=source,
            by=by,
            messages=messages,
        )
        for (reason, source), found in sorted(sets.items())
    )


def dismiss(rows: QuerySet[BounceMail], by: User) -> int:
    """A person says that these reports are forged or meaningless. They change nothing and stay in
    the mailbox. Returns how many."""
    return rows.filter(state=State.UNPROVEN).update(
        state=State.DISMISSED, decided_by=by, decided_at=timezone.now()
    )


# Telling ------------------------------------------------------------------------------------------


def tell_all() -> int:
    """Mails the users of each mailbox that got many unproven reports within a day, at most once a
    day. Safe to run twice. Returns how many mails were sent."""
    now = timezone.now()
    recent = Q(mails__state=State.UNPROVEN, mails__collected_at__gt=now - DAY)
    flooded = (
        BounceMailbox.objects.filter(Q(flood_told_at=None) | Q(flood_told_at__lt=now - DAY))
        .annotate(reports=Count("mails", filter=recent))
        .filter(reports__gte=FLOOD)
        .values_list("pk", "reports")
    )
    return sum(_tell(pk, reports) for pk, reports in flooded)


@transaction.atomic
def _tell(pk: int, reports: int) -> int:
    now = timezone.now()
    rows = BounceMailbox.objects.filter(Q(flood_told_at=None) | Q(flood_told_at__lt=now - DAY))
    locked = rows.select_for_update(skip_locked=True, of=("self",)).select_related("workspace")
    mailbox = locked.filter(pk=pk).first()
    if mailbox is None:
        return 0
    try:
        number = _mail(mailbox, reports)
    except MailNotSentError:
        return 0  # logged by notices; the next run tries again
    BounceMailbox.objects.filter(pk=pk).update(flood_told_at=now)
    log.committed.warning(
        "people told of unproven reports",
        mailbox=pk,
        workspace=mailbox.workspace_id,
        reports=reports,
        mails=number,
    )
    return number


def _mail(mailbox: BounceMailbox, reports: int) -> int:
    """Mails all members who may manage sending, each in their language."""
    workspace = mailbox.workspace
    roles = [role for role in Role if allows(role, Permission.MANAGE_SENDING)]
    people = Membership.objects.filter(
        workspace=workspace, role__in=roles, user__is_active=True
    ).select_related("user")
    path = reverse("bounces", args=[workspace.slug])
    for member in people:
        notices.send(
            "unproven_reports",
            to=member.user.email,
            language=member.user.language or settings.LANGUAGE_CODE,
            mailbox=mailbox.name,
            workspace=workspace.name,
            reports=reports,
            url=f"{settings.PUBLIC_URL}{path}?state=unproven",
        )
    return len(people)
