"""Jobs on recipients of a campaign, chosen by the filters of their table: failed recipients are
tried again, and messages whose result is not known are resent or counted as sent."""

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.permissions import Permission
from campaigns import unknownwords
from campaigns.queries import recipients
from campaigns.services import running
from contacts.jobkinds import BatchStep, JobKind, JobWords, kinds
from contacts.models import Job
from sending.jobs import changed, mailing_of, name_of, retried, retry, retry_title
from sending.models import Message
from sending.services import unknowns


def _failed(job: Job) -> QuerySet[Message]:
    found = recipients.filtered(mailing_of(job), QueryDict(job.parameters["query"]))
    return found.filter(trouble=Message.State.FAILED)


kinds.add(
    JobKind(
        running.RETRY_JOB,
        lambda job, size: retry(job, _failed(job), size),
        lambda job: _failed(job).count(),
        JobWords(retry_title, retried),
        permission=Permission.SEND,
        icon="refresh",
    )
)


# Unknown -----------------------------------------------------------------------------------------


def _unknown(job: Job) -> QuerySet[Message]:
    """Messages that were unknown when the job started. A message that becomes unknown again while
    the job runs isn't sent a third time."""
    found = recipients.filtered(mailing_of(job), QueryDict(job.parameters["query"]))
    return found.filter(trouble=Message.State.UNKNOWN, settled_at__lte=job.created_at)


def _settle(piece: unknowns.Piece, job: Job, size: int) -> BatchStep:
    done = piece(mailing_of(job), _unknown(job), size)
    return BatchStep(job.cursor + 1, done, {"changed": done}, over=done == 0)


def _register(kind: str, settle: unknowns.Piece, words: JobWords, icon: str) -> None:
    kinds.add(
        JobKind(
            kind,
            lambda job, size: _settle(settle, job, size),
            lambda job: _unknown(job).count(),
            words,
            permission=Permission.SEND,
            icon=icon,
        )
    )


_register(
    unknowns.RESEND_JOB,
    unknowns.resend_piece,
    JobWords(
        lambda job: _("Send unknown messages of {campaign} again").format(campaign=name_of(job)),
        lambda job: unknownwords.resent(changed(job)),
    ),
    "send",
)
_register(
    unknowns.COUNT_JOB,
    unknowns.count_piece,
    JobWords(
        lambda job: _("Count unknown messages of {campaign} as sent").format(campaign=name_of(job)),
        lambda job: unknownwords.counted(changed(job)),
    ),
    "checks",
)
