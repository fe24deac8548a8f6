"""Problems that a person must solve: in relays, bounce mailboxes, campaigns and imports."""

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.access import WorkspaceRequest
from bounces.models import BounceMailbox
from bounces.services import unproven
from bounces.services.mailboxes import sentence
from campaigns.models import Campaign
from campaigns.queries import overview
from contacts import csvdetect, fetchreasons
from contacts.models import Import
from contacts.services import scheduledimports, statuswords
from home import todo
from pages import locales, reasons
from relays.models import Relay
from sending.models import Hold, Mailing, Tally
from sending.reasons import said
from sending.services import heldpeople, holdwords

# Problems of one kind that are shown. The kind's own page lists all of them.
MOST = 5
# Consecutive failed connections after which the page says that a relay does not work.
FAILURES = 3
# How long rejected lines of an import, and failed campaigns, are shown.
NEWS = timedelta(days=7)


@todo.needs.add
def relays(request: WorkspaceRequest) -> Iterable[todo.Need]:
    halted = Q(state__in=[Relay.State.PAUSED, Relay.State.STOPPED])
    unwell = halted | Q(failures__gte=FAILURES)
    rows = Relay.objects.filter(unwell, workspace=request.workspace, archived_at=None)
    for row in rows.order_by("name")[:MOST]:
        url = todo.url(request, "relay", row.pk)
        if row.state == Relay.State.PAUSED:
            title = _("The relay {name} is paused").format(name=row.name)
            yield todo.Need(
                title, _("Campaigns that depend on this relay are waiting."), _said(row), url
            )
        elif row.state == Relay.State.STOPPED:
            title = _("The relay {name} is stopped").format(name=row.name)
            detail = _(
                "Fix the problem that its server reports, test the relay, then start it again."
            )
            yield todo.Need(title, detail, _said(row), url, tone="bad")
        else:
            title = _("The relay {name} does not work").format(name=row.name)
            words = reasons.said(row.state_words)
            yield todo.Need(title, reasons.text(row.wait_reason), words, url)


def _said(relay: Relay) -> str:
    """Why the relay was stopped, in the reader's language, with the server's words."""
    return reasons.line(relay.state_reason, relay.state_words)


@todo.needs.add
def mailboxes(request: WorkspaceRequest) -> Iterable[todo.Need]:
    rows = BounceMailbox.objects.filter(workspace=request.workspace, active=True).exclude(error="")
    for row in rows.order_by("name")[:MOST]:
        said, words = sentence(row)
        yield todo.Need(
            _("Bounces of {name} are not collected").format(name=row.name),
            said,
            words,
            url=todo.url(request, "mailbox", row.pk),
            icon="mail-x",
            tone="bad",
        )


@todo.needs.add
def reports(request: WorkspaceRequest) -> Iterable[todo.Need]:
    waiting = unproven.waiting(request.workspace)
    if not waiting.reports:
        return
    title = ngettext(
        "{count} bounce report is not proven",
        "{count} bounce reports are not proven",
        waiting.reports,
    ).format(count=locales.number(waiting.reports))
    detail = _("Anybody could have written them, so they suppress nobody. Count or dismiss them.")
    url = todo.url(request, "bounces")
    yield todo.Need(title, detail, url=f"{url}?state=unproven" if url else "", icon="mail-x")


@todo.needs.add
def campaigns(request: WorkspaceRequest) -> Iterable[todo.Need]:
    in_doubt = Q(mailing__tally__unknown__gt=0)
    taken_back = Q(state=Campaign.State.DRAFT) & ~Q(state_reason="")
    held = Q(mailing__state=Mailing.State.PAUSED) & ~Q(mailing__state_reason="")
    failed = overview.MOSTLY_FAILED & Q(mailing__finished_at__gt=timezone.now() - NEWS)
    wanted = in_doubt | taken_back | held | failed
    rows = Campaign.objects.filter(wanted, workspace=request.workspace)
    for row in rows.select_related("mailing__tally").order_by("-pk")[: 2 * MOST]:
        yield _need_of(request, row)


def _need_of(request: WorkspaceRequest, row: Campaign) -> todo.Need:
    url = todo.url(request, "campaign", row.pk)
    if row.mailing is None:
        title = _("{campaign} could not start and is a draft again").format(campaign=row.name)
        return todo.Need(title, row.state_reason, url=url, icon="send", tone="bad")
    if row.mailing.state == Mailing.State.PAUSED and row.mailing.state_reason:
        title = _("{campaign} was paused").format(campaign=row.name)
        why, words = reasons.cause(row.mailing.state_reason, row.mailing.state_words)
        return todo.Need(title, why, words, url, icon="player-pause")
    count = row.mailing.tally.unknown
    if not count:
        return _failed(row, row.mailing.tally, url)
    title = ngettext(
        "{campaign}: the result of {count} message is unknown",
        "{campaign}: the result of {count} messages is unknown",
        count,
    ).format(campaign=row.name, count=locales.number(count))
    detail = _("Decide whether they are sent again or count as sent.")
    return todo.Need(title, detail, url=f"{url}#unknown", icon="help-circle")


def _failed(row: Campaign, tally: Tally, url: str) -> todo.Need:
    title = _("{campaign}: {failed} of {all} recipients failed").format(
        campaign=row.name,
        failed=locales.number(tally.failed),
        all=locales.number(tally.failed + tally.accepted),
    )
    detail = _("Look at what the servers said. Failed recipients can be tried again.")
    return todo.Need(title, detail, url=url, icon="mail-x", tone="bad")


@todo.needs.add
def runs(request: WorkspaceRequest) -> Iterable[todo.Need]:
    """Lanes and relays that a run of refusals stopped. `campaigns` shows paused mailings."""
    rows = Hold.objects.filter(
        mailing__workspace=request.workspace, released_at=None, decision=""
    ).exclude(kind=Hold.Kind.MAILING)
    # "Wait until tomorrow" is an answer, too: sending continues automatically.
    rows = rows.exclude(until__gt=timezone.now())
    held = list(rows.select_related("relay", "mailing").order_by("-pk")[:MOST])
    names = {
        row.mailing_id: row
        for row in Campaign.objects.filter(mailing__in=[one.mailing_id for one in held])
    }
    for one in held:
        if (campaign := names.get(one.mailing_id)) is None:
            continue
        heldpeople.count(one)
        title = _("{campaign}: {what}").format(campaign=campaign.name, what=holdwords.title(one))
        url = f"{todo.url(request, 'campaign', campaign.pk)}#runs"
        detail = " · ".join(filter(None, (holdwords.numbers(one), holdwords.elsewhere(one))))
        yield todo.Need(title, detail, said(one.words), url, icon="hand-stop")


@todo.needs.add
def imports(request: WorkspaceRequest) -> Iterable[todo.Need]:
    rows = Import.objects.filter(
        Q(state=Import.State.FAILED) | Q(counts__rejected__gt=0, state=Import.State.FINISHED),
        workspace=request.workspace,
        finished_at__gt=timezone.now() - NEWS,
        undone_at=None,
    )
    for row in _once(rows.order_by("-pk")[:MOST]):
        url = todo.url(request, "import", row.pk)
        if row.state == Import.State.FAILED:
            title = _("The import of {file} failed").format(file=row.filename)
            why = str(csvdetect.SENTENCES.get(row.error, row.error))
            yield todo.Need(title, why, url=url, icon="file-import", tone="bad")
            continue
        count = int(row.counts["rejected"])
        title = ngettext(
            "{file}: {count} line was not imported",
            "{file}: {count} lines were not imported",
            count,
        ).format(file=row.filename, count=locales.number(count))
        detail = _("You can download the rejected lines with their reasons.")
        yield todo.Need(title, detail, url=url, icon="file-import", tone="info")


@todo.needs.add
def scheduled(request: WorkspaceRequest) -> Iterable[todo.Need]:
    """Files at addresses that wait for a person, or can't be fetched."""
    for run in scheduledimports.waiting(request.workspace).order_by("-pk")[:MOST]:
        title = _("{name}: a fetched file waits for you").format(name=run.schedule.name)
        said, words = _reason(run.reasons)
        url = todo.url(request, "import", run.of_import_id)
        yield todo.Need(title, said, words, url, icon="file-import")
    for run in scheduledimports.failing(request.workspace)[:MOST]:
        title = _("{name}: the file can't be fetched").format(name=run.schedule.name)
        said, words = _reason(run.reasons)
        url = todo.url(request, "scheduled_import", run.schedule_id)
        yield todo.Need(title, said, words, url, icon="file-import", tone="bad")


def _reason(reasons: list[list[str]]) -> tuple[str, str]:
    """The first reason of a run: (sentence, words)."""
    return next(iter(fetchreasons.sentences(reasons)), ("", ""))


def _once(rows: Iterable[Import]) -> list[Import]:
    """Of several imports of one file, only the first: the others say the same."""
    by_file: dict[object, Import] = {}
    for row in rows:
        file = (row.digest, row.dialect.get("sheet"))
        by_file.setdefault(file if row.digest else row.pk, row)
    return list(by_file.values())


@todo.needs.add
def status_words(request: WorkspaceRequest) -> Iterable[todo.Need]:
    """Imports with people who are not subscribed, because nobody has said what their status
    means."""
    rows = Import.objects.filter(
        workspace=request.workspace,
        state=Import.State.FINISHED,
        counts__asked__gt=0,
        finished_at__gt=timezone.now() - NEWS,
        undone_at=None,
    )
    for row in statuswords.unanswered(_once(rows.order_by("-pk")[:MOST])):
        count = int(row.counts["asked"])
        title = ngettext(
            "{file}: {count} person has a status that is not understood",
            "{file}: {count} people have a status that is not understood",
            count,
        ).format(file=row.filename, count=locales.number(count))
        detail = _("They are not subscribed until somebody says what the words mean.")
        url = todo.url(request, "import", row.pk)
        url = f"{url}#status-words" if url else ""
        yield todo.Need(title, detail, url=url, icon="help-circle")
