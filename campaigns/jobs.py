"""The job that has failed recipients of a campaign tried again, by the filters of their table."""

from django.db.models import QuerySet
from django.http import QueryDict

from accounts.permissions import Permission
from campaigns.queries import recipients
from campaigns.services import running
from contacts.jobkinds import Kind, Words, register
from contacts.models import Job
from sending.jobs import mailing_of, retried, retry, retry_title
from sending.models import Message


def _failed(job: Job) -> QuerySet[Message]:
    found = recipients.filtered(mailing_of(job), QueryDict(job.parameters["query"]))
    return found.filter(trouble=Message.State.FAILED)


register(
    Kind(
        running.RETRY_JOB,
        lambda job, size: retry(job, _failed(job), size),
        lambda job: _failed(job).count(),
        Words(retry_title, retried),
        permission=Permission.SEND,
        icon="refresh",
    )
)
