"""The jobs of mailings: skipping the rest of a cancelled one, and trying failed messages again.

Their steps select rows by state, so that the cursor only counts batches.
"""

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.permissions import Permission
from contacts import sources
from contacts.jobkinds import BatchStep, JobKind, JobWords, kinds
from contacts.models import Job
from contacts.provenance import Source
from pages import locales
from sending.models import Hold, Mailing, Message
from sending.services import heldpeople, holddecisions, holds, mailings, retrying


def mailing_of(job: Job) -> Mailing:
    """The job's mailing, with its workspace."""
    rows = Mailing.objects.select_related("workspace", "tally")
    return rows.get(workspace=job.workspace_id, pk=job.parameters["mailing"])


def name_of(job: Job) -> str:
    """The name of the mailing's source."""
    source = Source.from_json(job.parameters["source"])
    return sources.in_words(sources.names(job.workspace, [source]))(source, "")


def changed(job: Job) -> int:
    return int(job.counts.get("changed", 0))


# Cancelled ---------------------------------------------------------------------------------------


def _drop(job: Job, size: int) -> BatchStep:
    dropped, more = mailings.drop_cancelled(mailing_of(job), limit=size)
    return BatchStep(job.cursor + 1, dropped, {"changed": dropped}, over=not more)


def _dropped(job: Job) -> str:
    text = ngettext(
        "{count} recipient is skipped.", "{count} recipients are skipped.", changed(job)
    )
    return text.format(count=locales.number(changed(job)))


kinds.add(
    JobKind(
        mailings.DROP_JOB,
        _drop,
        lambda job: mailing_of(job).tally.waiting,
        JobWords(lambda job: _("Cancel {campaign}").format(campaign=name_of(job)), _dropped),
        permission=Permission.SEND,
        may_cancel=False,
        icon="circle-x",
    )
)


# Tried again -------------------------------------------------------------------------------------


def retry(job: Job, rows: QuerySet[Message], size: int) -> BatchStep:
    """A step that has failed messages of `rows` tried again: only those that had failed when the
    job started. Otherwise a message that fails again would be tried forever."""
    before = rows.filter(settled_at__lte=job.created_at)
    done = retrying.retry_piece(mailing_of(job), before, job.created_by, limit=size)
    counts = {
        "changed": done.messages,
        "suppressions": done.suppressions,
        "skipped": done.skipped,
    }
    return BatchStep(job.cursor + 1, done.messages + done.skipped, counts, over=not done)


def same_person(count: int) -> str:
    """Says that this many messages were skipped; "" for none."""
    if not count:
        return ""
    text = ngettext(
        "{count} recipient is skipped: the person got the mailing at another address.",
        "{count} recipients are skipped: the people got the mailing at another address.",
        count,
    )
    return text.format(count=locales.number(count))


def retried(job: Job) -> str:
    """The result in words."""
    said = ngettext(
        "{count} recipient is tried again.", "{count} recipients are tried again.", changed(job)
    ).format(count=locales.number(changed(job)))
    if lifted := job.counts.get("suppressions", 0):
        text = ngettext(
            "{count} suppression was lifted.", "{count} suppressions were lifted.", lifted
        )
        said = locales.sentences(said, text.format(count=locales.number(lifted)))
    return locales.sentences(said, same_person(job.counts.get("skipped", 0)))


def retry_title(job: Job) -> str:
    return _("Try failed recipients of {campaign} again").format(campaign=name_of(job))


def _of_run(job: Job) -> QuerySet[Message]:
    return heldpeople.refused_in(Hold.objects.get(pk=job.parameters["hold"]))


kinds.add(
    JobKind(
        holddecisions.RETRY_JOB,
        lambda job, size: retry(job, _of_run(job), size),
        lambda job: _of_run(job).count(),
        JobWords(retry_title, retried),
        permission=Permission.SEND,
        icon="refresh",
    )
)


# Put off because of a hold -----------------------------------------------------------------------


def _make_due(job: Job, size: int) -> BatchStep:
    made = holds.make_due(job.parameters["mailing"], size)
    return BatchStep(job.cursor + 1, made, {"changed": made}, over=made == 0)


def _due(job: Job) -> str:
    text = ngettext(
        "{count} recipient is due again.",
        "{count} recipients are due again.",
        changed(job),
    )
    return text.format(count=locales.number(changed(job)))


kinds.add(
    JobKind(
        holds.DUE_JOB,
        _make_due,
        lambda job: holds.put_off(job.parameters["mailing"]).count(),
        JobWords(lambda job: _("Go on with {campaign}").format(campaign=name_of(job)), _due),
        permission=Permission.SEND,
        may_cancel=False,
        icon="player-play",
    )
)
