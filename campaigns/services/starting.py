"""Schedules and starts campaigns.

"Send now" schedules a campaign for now, so every start goes through `start_due`. One transaction
locks the row, freezes the audience and moves the state. So a campaign whose starter dies is still
scheduled, and a started campaign has exactly one mailing.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from campaigns import sources
from campaigns.exceptions import CampaignConflictError, CampaignError
from campaigns.models import Campaign
from campaigns.queries.audience import audience_of
from campaigns.queries.numbers import skip_numbers
from campaigns.services import audiences, review
from designs.models import Content
from designs.rendering import RenderError
from designs.services import freeze
from environment import logs
from pages import locales
from sending.models import Fence, Mailing
from sending.services import fence, mailings

log = logs.get(__name__)
State = Campaign.State
# How long a start is repeated that fails because of an error in Yanshu.
TRIED_FOR = timedelta(minutes=5)
# Numbers skipped after a restore: more than the campaigns that can be missing from the backup.
SKIPPED = 1000


@transaction.atomic
def schedule(  # noqa: PLR0913 - what a person confirms, each by its name
    campaign: Campaign,
    *,
    at: datetime | None,
    timezone: str = "",
    by: User | None = None,
    version: int | None = None,
    untested: bool = True,
) -> Campaign:
    """Schedules the campaign for `at`, None: at once. `timezone`: the zone in which the person
    entered the time.

    `version`: the version that the person has seen; a campaign that was changed since is not
    scheduled. `untested`: it may go through a relay that has not passed a test.
    Raises CampaignError with the first problem that prevents sending, or if it is no draft any more
    (somebody else, or a second click, was faster).
    """
    now = locked(campaign)
    if now.state != State.DRAFT:
        raise CampaignError(_not_draft(now))
    if version not in {None, now.version}:
        raise CampaignConflictError(
            _("Somebody changed this campaign in the meantime. Please review it again.")
        )
    now.scheduled_at = at
    for problem in review.problems(now):
        if problem.severity == review.ERROR:
            raise CampaignError(problem.text)
        if problem.code == "untested" and not untested:
            text = _("{why} Test it first, or say that the campaign goes through it as it is.")
            raise CampaignError(text.format(why=problem.text))
    # No count here: the review has counted the people, and the freeze will count them again.
    if not audiences.anybody(now):
        raise CampaignError(_("Nobody in this audience would get it."))
    Campaign.objects.filter(pk=now.pk).update(
        state=State.SCHEDULED,
        state_reason="",
        scheduled_at=at,
        timezone=timezone or now.timezone,
        version=F("version") + 1,
        updated_at=Now(),
    )
    log.committed.info("campaign scheduled", **named(now), at=at, user=by and by.pk)
    campaign.refresh_from_db()
    return campaign


def start_now(
    campaign: Campaign,
    *,
    by: User | None = None,
    version: int | None = None,
    untested: bool = True,
) -> Campaign:
    """Schedules for now: the next `start_due` starts it, within a second. Raises as `schedule`."""
    return schedule(campaign, at=None, by=by, version=version, untested=untested)


def named(campaign: Campaign) -> dict[str, int]:
    """For log lines."""
    return {"campaign": campaign.pk, "workspace": campaign.workspace_id}


def locked(campaign: Campaign) -> Campaign:
    return Campaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)


def _not_draft(campaign: Campaign) -> str:
    if campaign.state == State.SCHEDULED:
        return _("This campaign is scheduled already.")
    if campaign.state == State.STARTED:
        return _("This campaign has started already.")
    return _("This campaign was cancelled; duplicate it to send it.")


def unschedule(campaign: Campaign) -> Campaign:
    """Makes it a draft again and keeps its settings. Raises CampaignError if it is too late."""
    moved = Campaign.objects.filter(pk=campaign.pk, state=State.SCHEDULED).update(
        state=State.DRAFT, version=F("version") + 1
    )
    campaign.refresh_from_db()
    if not moved:
        raise CampaignError(
            _("This campaign has started already.")
            if campaign.state == State.STARTED
            else _("This campaign is not scheduled.")
        )
    log.committed.info("campaign unscheduled", **named(campaign))
    return campaign


def due() -> QuerySet[Campaign]:
    """Scheduled campaigns whose time has come."""
    come = Q(scheduled_at=None) | Q(scheduled_at__lte=timezone.now())
    return Campaign.objects.filter(come, state=State.SCHEDULED)


def start_due() -> list[int]:
    """Starts every campaign whose time has come. Returns the ids of the started campaigns.

    Safe to run at any time in any number of processes: one locks a campaign, the others skip it. A
    campaign that can't start becomes a draft again, with the reason.
    """
    started: list[int] = []
    tried: list[int] = []
    # In a restored database, a campaign that was due after the backup may have been sent already.
    if not due().exists() or not fence.is_open():
        return started
    while (campaign := _start_next(tried)) is not None:
        tried.append(campaign.pk)
        if campaign.state == State.STARTED:
            started.append(campaign.pk)
    return started


@transaction.atomic
def _start_next(tried: Sequence[int]) -> Campaign | None:
    """Starts the next due campaign that no other process is starting; None: there is none."""
    campaign = (
        due()
        .exclude(pk__in=tried)
        .select_related("workspace", "design", "created_by")
        .select_for_update(skip_locked=True, of=("self",))
        .order_by(F("scheduled_at").asc(nulls_first=True), "pk")
        .first()
    )
    if campaign is None:
        return None
    with translation.override(_language(campaign)):
        try:
            with transaction.atomic():
                campaign.mailing = _open(campaign)
        except CampaignError as error:
            _refuse(campaign, str(error))
            return campaign
        except Exception as error:
            # An error in Yanshu, not the author's; the other campaigns still start.
            log.exception("campaign could not be started", **named(campaign))
            _failed(campaign, error)
            return campaign
    campaign.state = State.STARTED
    Campaign.objects.filter(pk=campaign.pk).update(
        state=State.STARTED, mailing=campaign.mailing, state_reason=""
    )
    log.committed.info("campaign started", **named(campaign), mailing=campaign.mailing_id)
    return campaign


def _failed(campaign: Campaign, error: Exception) -> None:
    """Notes an error in Yanshu. The start is repeated for TRIED_FOR, because the database may have
    been away or full; then the campaign becomes a draft. The page shows the reason from the first
    failure on."""
    words = str(error).strip().partition("\n")[0] or type(error).__name__
    why = _("An error in Yanshu keeps it from being prepared: {words}").format(words=words)
    row = Campaign.objects.filter(pk=campaign.pk)
    if not campaign.state_reason:
        row.update(state_reason=why, updated_at=Now())
    elif campaign.updated_at < timezone.now() - TRIED_FOR:
        said = _("Nobody was mailed. Show this to whoever operates this installation.")
        _refuse(campaign, locales.sentences(why, said))


def _language(campaign: Campaign) -> str:
    """The language of the campaign's author: the reason is stored as a sentence."""
    return (campaign.created_by and campaign.created_by.language) or settings.LANGUAGE_CODE


def _open(campaign: Campaign) -> Mailing:
    """Opens the campaign's mailing. Raises CampaignError if a problem prevents sending."""
    for problem in review.problems(campaign):
        if problem.severity == review.ERROR:
            raise CampaignError(problem.text)
    mailing = mailings.open_mailing(
        workspace=campaign.workspace,
        source=sources.of(campaign),
        content=_content(campaign),
        from_name=campaign.from_name,
        from_email=campaign.from_email,
        reply_to=campaign.reply_to,
        audience=audience_of(campaign),
        relay=campaign.relay,
        pool=campaign.pool,
        open_counting=campaign.open_counting,
        track_clicks=campaign.track_clicks,
        window=campaign.window,
        per_minute=campaign.per_minute,
    )
    if not mailing.tally.targeted:
        raise CampaignError(_("Nobody in this audience would get it."))
    return mailing


def _content(campaign: Campaign) -> Content:
    if campaign.design is None:
        raise CampaignError(_("Choose a design."))
    try:
        return freeze(
            campaign.design,
            subject=campaign.subject,
            preheader=campaign.preheader,
            track_clicks=campaign.track_clicks,
        )
    except RenderError as error:
        raise CampaignError(str(error)) from error


def take_back_scheduled(noticed: Fence) -> None:
    """Makes scheduled campaigns drafts again, with a reason in their author's language: another
    copy of the database may have sent them, or may still do so. New campaigns get unused numbers,
    because hosts report campaigns that are missing from the backup by number."""
    skip_numbers(SKIPPED)
    for language, _name in settings.LANGUAGES:
        rows = Campaign.objects.filter(state=State.SCHEDULED, created_by__language=language)
        with translation.override(language):
            _take_back(rows)
    _take_back(Campaign.objects.filter(state=State.SCHEDULED))


def _take_back(rows: QuerySet[Campaign]) -> None:
    why = _(
        "The database was restored or copied, so this campaign may have been sent already. If it "
        "was not, schedule it again."
    )
    pks = list(rows.values_list("pk", flat=True))
    moved = Campaign.objects.filter(pk__in=pks)
    moved.update(state=State.DRAFT, state_reason=why, version=F("version") + 1)
    if pks:
        log.committed.warning("scheduled campaigns taken back", campaigns=len(pks))


def take_back_deleted(workspace: Workspace) -> None:
    """Cancels scheduled campaigns of a deleted workspace. Waits for a campaign that is starting."""
    rows = Campaign.objects.filter(workspace=workspace, state=State.SCHEDULED)
    rows.update(state=State.CANCELLED, version=F("version") + 1)


def _refuse(campaign: Campaign, why: str) -> None:
    campaign.state, campaign.state_reason = State.DRAFT, why
    Campaign.objects.filter(pk=campaign.pk).update(
        state=State.DRAFT, state_reason=why, version=F("version") + 1
    )
    log.committed.warning("campaign could not start", **named(campaign), words=why)
