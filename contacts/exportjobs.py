"""The job that writes an export of many contacts as a workbook."""

from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils import translation
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from accounts.permissions import Permission
from contacts.jobkinds import BatchStep, JobKind, JobWords, kinds
from contacts.models import Contact, Job
from contacts.queries import people
from contacts.services import contactsheet, exportfiles, jobs
from pages import locales, numbers

EXPORT = "export"


def start(workspace: Workspace, query: str, *, columns: list[str] | None, by: User) -> Job:
    """The job for the contacts of the page with this query. `columns`: as for
    contacts.services.contactsheet."""
    given = {"query": query, "columns": columns, "language": get_language()}
    last = jobs.highest(Contact.objects.filter(workspace=workspace))
    return jobs.start(workspace, EXPORT, given, by=by, last=last)


def _people(job: Job) -> QuerySet[Contact]:
    query = QueryDict(job.parameters["query"])
    found = people.filtered(job.workspace, query, at=job.created_at)
    return found.filter(pk__lte=job.last)


def _write(job: Job, _size: int) -> BatchStep:
    # A worker that was killed has left its progress here; its file is gone.
    job.done = 0
    listed = numbers.whole(QueryDict(job.parameters["query"]).get("list", ""))
    with translation.override(job.parameters["language"]):
        columns = job.parameters["columns"]
        sheet = contactsheet.sheet(job.workspace, _people(job), list_id=listed, columns=columns)
        done = exportfiles.write(job, sheet)
    counts = {"written": done.rows, "sheets": done.sheets, "cut": done.cut}
    return BatchStep(job.last, done.rows, counts, over=True)


def _result(job: Job) -> str:
    rows, sheets, cut = (int(job.counts.get(name, 0)) for name in ("written", "sheets", "cut"))
    text = ngettext("{count} contact exported.", "{count} contacts exported.", rows)
    said = [text.format(count=locales.number(rows))]
    if sheets > 1:
        text = _("They are on {count} sheets, because a sheet has at most 1,048,576 rows.")
        said.append(text.format(count=locales.number(sheets)))
    if cut:
        text = ngettext(
            "{count} cell was too long and ends with “…”: a cell has at most 32,767 characters. The"
            " export as CSV has all of it.",
            "{count} cells were too long and end with “…”: a cell has at most 32,767 characters."
            " The export as CSV has all of it.",
            cut,
        )
        said.append(text.format(count=locales.number(cut)))
    if job.finished_at and exportfiles.of(job) is None:
        said.append(_("The file was deleted: it is kept for a day. Export again to get a new one."))
    return locales.sentences(*said)


def _file(job: Job) -> tuple[str, str] | None:
    if exportfiles.of(job) is None:
        return None
    return _("Download the file"), reverse("export_file", args=[job.workspace.slug, job.pk])


kinds.add(
    JobKind(
        EXPORT,
        _write,
        lambda job: _people(job).order_by().count(),
        JobWords(lambda _job: _("Export contacts"), _result),
        permission=Permission.EXPORT,
        about=_file,
        icon="download",
    )
)
