"""The job that deletes a large list."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.jobkinds import BatchStep, JobKind, JobWords, kinds
from contacts.models import Job, Subscription
from contacts.queries import importing
from contacts.services import listdeleting
from pages import locales


def _step(job: Job, size: int) -> BatchStep:
    # One batch of a job or import at a time in a workspace.
    importing.wait_for_turn(job.workspace_id)
    taken = listdeleting.take(job.parameters["list"], size)
    over = len(taken) < size
    return BatchStep(taken[-1] if taken else job.cursor, len(taken), {"changed": len(taken)}, over)


def _result(job: Job) -> str:
    count = int(job.counts.get("changed", 0))
    text = ngettext("{count} subscription deleted.", "{count} subscriptions deleted.", count)
    return text.format(count=locales.number(count))


kinds.add(
    JobKind(
        listdeleting.DELETE_JOB,
        _step,
        lambda job: Subscription.objects.filter(list=job.parameters["list"]).count(),
        JobWords(
            lambda job: _("Delete the list {list}").format(list=job.parameters["name"]), _result
        ),
        may_cancel=False,
        icon="trash",
    )
)
