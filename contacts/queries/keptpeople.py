"""Tags that keep who was in a segment on a day (services.segmentkeeping), and which of them not all
of these people have got: the job that gives it still runs, was stopped or failed, or was undone."""

from collections.abc import Collection
from dataclasses import dataclass

from django.utils.translation import gettext as _

from contacts.models import Job, Tag
from pages import locales

# The kind of job that gives the tag.
KEEP = "keep_segment"


@dataclass(frozen=True, slots=True)
class Incomplete:
    """`total`: how many contacts get the tag; None: nobody counted them yet."""

    job: Job
    done: int
    total: int | None

    @property
    def words(self) -> str:
        """ "incomplete: 0 of 4,021"."""
        if self.job.undone_at is not None:
            return _("incomplete: keeping its people was undone")
        if self.total is None:
            return _("incomplete: nobody so far")
        text = _("incomplete: {done} of {total}")
        return text.format(done=locales.number(self.done), total=locales.number(self.total))


def incomplete(workspace_id: int, tags: Collection[int]) -> dict[int, Incomplete]:
    """{tag: what is missing}, of those of these tags that keep people; complete ones are absent."""
    if not tags:
        return {}
    own = Job.objects.filter(workspace=workspace_id, kind=KEEP, parameters__tag__in=list(tags))
    whole = {"state": Job.State.FINISHED, "undone_at": None}
    return {
        job.parameters["tag"]: Incomplete(job, job.done, job.total) for job in own.exclude(**whole)
    }


def of_segment(workspace_id: int, segment: int) -> Incomplete | None:
    """What is missing of this segment itself; None: it is complete, or keeps nobody."""
    own = Job.objects.filter(workspace=workspace_id, kind=KEEP, parameters__kept=segment)
    if (job := own.first()) is None:
        return None
    tags = Tag.objects.filter(workspace=workspace_id, pk=job.parameters["tag"])
    found = incomplete(workspace_id, list(tags.values_list("pk", flat=True)))
    return next(iter(found.values()), None)
