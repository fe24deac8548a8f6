"""The jobs of attributes: their values are deleted or merged."""

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from contacts import attributewords
from contacts.jobkinds import BatchStep, JobKind, JobWords, kinds
from contacts.models import Contact, Job
from contacts.queries import importing
from contacts.services import attributemerge, attributes
from pages import locales


def _having(job: Job) -> QuerySet[Contact]:
    return attributes.having(job.workspace_id, job.parameters["keys"])


def _drop(job: Job, size: int) -> BatchStep:
    importing.wait_for_turn(job.workspace_id)
    some = _having(job).filter(pk__gt=job.cursor, pk__lte=job.last).order_by("pk")
    ids = list(some.values_list("pk", flat=True)[:size])
    if not ids:
        return BatchStep(job.last, 0, over=True)
    keys = job.parameters["keys"]
    changed = attributes.drop_values(Contact.objects.filter(pk__in=ids), keys)
    return BatchStep(ids[-1], len(ids), {"changed": changed}, over=len(ids) < size)


def _merge(job: Job, size: int) -> BatchStep:
    done, over = attributemerge.step(job, size)
    return BatchStep(done.last, done.seen, {"changed": done.changed}, over=over)


def _changed(job: Job) -> int:
    return int(job.counts.get("changed", 0))


kinds.add(
    JobKind(
        attributes.DELETE,
        _drop,
        lambda job: _having(job).count(),
        JobWords(
            lambda job: _("Delete the values of {name}").format(
                name=locales.listed(job.parameters["names"])
            ),
            lambda job: attributewords.deleted(_changed(job), job.parameters["names"]),
        ),
        may_cancel=False,
        icon="trash",
    )
)
kinds.add(
    JobKind(
        attributemerge.MERGE,
        _merge,
        lambda job: attributes.having(job.workspace_id, [job.parameters["key"]]).count(),
        JobWords(
            lambda job: _("Merge {name} into {other}").format(
                name=job.parameters["name"], other=job.parameters["into_name"]
            ),
            lambda job: attributewords.merged(
                _changed(job), job.parameters["name"], job.parameters["into_name"]
            ),
        ),
        icon="forms",
    )
)
