"""Pauses, resumes and cancels campaigns, and decides about messages that failed or whose result is
unknown."""

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from campaigns import transitions
from campaigns.exceptions import CampaignError
from campaigns.models import Campaign
from campaigns.services.starting import locked, named
from contacts.models import Job
from contacts.services import jobs
from environment import logs
from sending.models import Mailing, Message
from sending.services import fence, mailings, retrying, unknowns
from sending.services.retrying import Retried

log = logs.get(__name__)
State = Campaign.State
_CANCELLED = gettext_lazy("This campaign was cancelled; nothing of it is sent any more.")


def pause(campaign: Campaign) -> None:
    """Workers claim nothing more from now on. Raises CampaignError if it isn't being sent."""
    if not mailings.pause(_mailing(campaign, "pause")):
        raise CampaignError(_no_longer(campaign))


def resume(campaign: Campaign) -> None:
    """Raises CampaignError if it isn't paused."""
    if campaign.mailing_id and fence.undecided(mailing=campaign.mailing_id):
        raise CampaignError(
            _("The database was restored. An owner decides first what of this campaign was sent.")
        )
    if not mailings.resume(_mailing(campaign, "resume")):
        raise CampaignError(_no_longer(campaign))


@transaction.atomic
def cancel(campaign: Campaign, *, by: User | None = None) -> None:
    """Cancels: a scheduled campaign never starts; the rest of a started one is skipped.

    Raises CampaignError if there is nothing to cancel.
    """
    now = locked(campaign)
    if now.state == State.SCHEDULED:
        Campaign.objects.filter(pk=now.pk).update(state=State.CANCELLED, version=F("version") + 1)
        log.committed.info("campaign cancelled before its start", **named(now))
    elif not mailings.cancel(_mailing(now, "cancel"), by=by):
        raise CampaignError(_no_longer(now))
    campaign.refresh_from_db()


def _refuse_dropped(mailing: Mailing) -> None:
    if mailing.details_dropped_at is not None:
        raise CampaignError(
            _("The list of recipients is no longer kept, so nothing about them can be changed.")
        )


def resend_unknown(campaign: Campaign, rows: QuerySet[Message] | None = None) -> int:
    """Sends unknown messages among `rows` (None: all) again; some may arrive twice. Returns their
    number. Raises CampaignError if the campaign was cancelled."""
    campaign.refresh_from_db()
    if campaign.mailing is None:
        return 0
    if campaign.mailing.state == Mailing.State.CANCELLED:
        raise CampaignError(str(_CANCELLED))
    _refuse_dropped(campaign.mailing)
    return unknowns.resend(campaign.mailing, rows)


def retry_failed(
    campaign: Campaign, rows: QuerySet[Message] | None = None, *, by: User | None = None
) -> Retried:
    """Tries failed messages among `rows` (None: all) again. Returns what was taken back. Raises
    CampaignError if the campaign was cancelled."""
    campaign.refresh_from_db()
    if campaign.mailing is None:
        return Retried()
    if campaign.mailing.state == Mailing.State.CANCELLED:
        raise CampaignError(str(_CANCELLED))
    _refuse_dropped(campaign.mailing)
    return retrying.retry_failed(campaign.mailing, rows, by=by)


# The kind of job that tries many failed recipients again.
RETRY_JOB = "retry_failed"


def retry_many(campaign: Campaign, query: str, *, by: User | None) -> Job:
    """`retry_failed` as a job. `query`: filters of the table of recipients."""
    campaign.refresh_from_db()
    if campaign.mailing is None or campaign.mailing.state == Mailing.State.CANCELLED:
        raise CampaignError(str(_CANCELLED))
    _refuse_dropped(campaign.mailing)
    given = {
        "mailing": campaign.mailing.pk,
        "source": campaign.mailing.source.as_json(),
        "query": query,
    }
    return jobs.start(campaign.workspace, RETRY_JOB, given, by=by)


def count_unknown_as_sent(campaign: Campaign, rows: QuerySet[Message] | None = None) -> int:
    """Counts unknown messages among `rows` (None: all) as accepted. Returns their number."""
    campaign.refresh_from_db()
    if campaign.mailing is None:
        return 0
    _refuse_dropped(campaign.mailing)
    return unknowns.count_as_sent(campaign.mailing, rows)


def settle_many(campaign: Campaign, kind: str, query: str, *, by: User | None) -> Job:
    """`resend_unknown` or `count_unknown_as_sent` (`kind`: RESEND_JOB, COUNT_JOB) as a job.
    `query`: filters of the table of recipients. Raises CampaignError as these do."""
    campaign.refresh_from_db()
    mailing = campaign.mailing
    if mailing is None or (
        kind == unknowns.RESEND_JOB and mailing.state == Mailing.State.CANCELLED
    ):
        raise CampaignError(str(_CANCELLED))
    _refuse_dropped(mailing)
    given = {"mailing": mailing.pk, "source": mailing.source.as_json(), "query": query}
    return jobs.start(campaign.workspace, kind, given, by=by)


def _mailing(campaign: Campaign, verb: str) -> Mailing:
    campaign.refresh_from_db()
    if campaign.mailing is None or not transitions.transition(verb, transitions.state_of(campaign)):
        raise CampaignError(_no_longer(campaign))
    return campaign.mailing


def _no_longer(campaign: Campaign) -> str:
    """Why an action of the live page is not possible in the campaign's state."""
    campaign.refresh_from_db()
    return {
        transitions.DRAFT: _("This campaign is a draft; nothing is being sent."),
        transitions.SCHEDULED: _("This campaign has not started yet."),
        transitions.SENDING: _("This campaign is being sent already."),
        transitions.PAUSED: _("This campaign is paused already."),
        transitions.FINISHED: _("This campaign is finished; everything is sent."),
        transitions.CANCELLED: _("This campaign was cancelled already."),
    }[transitions.state_of(campaign)]
