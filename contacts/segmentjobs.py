"""The job that keeps who is in a segment now."""

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from contacts.jobkinds import BatchStep, JobKind, JobWords, kinds
from contacts.models import Contact, Job, Tag
from contacts.provenance import JOB, Source
from contacts.queries import importing
from contacts.queries import segments as query
from contacts.segmentmodels import Segment, SegmentDay, SegmentVersion
from contacts.segments import compiling, rules
from contacts.services import jobs, segmentkeeping, tags, tagwords


def _people(job: Job) -> QuerySet[Contact]:
    """By the rule and the day of the job's start, even if the rule was changed meanwhile."""
    numbers = job.parameters["segment"], job.parameters["version"]
    version = SegmentVersion.objects.get(segment=numbers[0], number=numbers[1])
    found = query.context(job.workspace, rules.read(version.rule), at=job.created_at)
    sql = compiling.people(*found)
    people = Contact.objects.filter(workspace=job.workspace_id, pk__lte=job.last)
    return people.filter(pk__in=RawSQL(sql.text, sql.parameters))  # noqa: S611 - what people typed is a parameter


def _step(job: Job, size: int) -> BatchStep:
    # One batch of a job or import at a time in a workspace.
    importing.wait_for_turn(job.workspace_id)
    tag = Tag.objects.filter(workspace=job.workspace_id, pk=job.parameters["tag"]).first()
    if tag is None:  # deleted since: nothing is left to do
        return BatchStep(job.last, 0, over=True)
    after = _people(job).filter(pk__gt=job.cursor)
    ids = list(after.order_by("pk").values_list("pk", flat=True)[:size])
    some = Contact.objects.filter(pk__in=ids)
    added = tags.add(tag, some, source=Source(JOB, job.pk)) if ids else 0
    cursor, over = ids[-1] if ids else job.last, len(ids) < size
    if over:
        # A count before this moment could not use the segment. It is counted anew.
        SegmentDay.objects.filter(segment=job.parameters["kept"], size=None).delete()
    return BatchStep(cursor, len(ids), {"changed": added}, over=over)


def _undo(job: Job, by: User | None) -> Job:
    given = {
        "tag": job.parameters["tag"],
        "source": Source(JOB, job.pk).as_json(),
        "of": job.kind,
        "name": job.parameters["name"],
    }
    return jobs.start(job.workspace, "undo_tag", given, by=by, last=job.last)


def _page(job: Job) -> tuple[str, str] | None:
    if not Segment.objects.filter(pk=job.parameters["kept"]).exists():
        return None
    url = reverse("segment", args=[job.workspace.slug, job.parameters["kept"]])
    return _("Open the segment"), url


kinds.add(
    JobKind(
        segmentkeeping.KEEP,
        _step,
        lambda job: _people(job).order_by().count(),
        JobWords(
            lambda job: _("Keep the people of today as “{name}”").format(
                name=job.parameters["name"]
            ),
            lambda job: tagwords.added(int(job.counts.get("changed", 0)), job.parameters["name"]),
        ),
        undo=_undo,
        about=_page,
        resumes=True,
        icon="copy",
    )
)
