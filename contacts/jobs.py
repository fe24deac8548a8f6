"""The jobs of contacts: bulk actions on people and suppressions, and undoing them."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from contacts import (
    attributejobs,  # noqa: F401 - registers those of attributes
    exportjobs,  # noqa: F401 - registers that of exports
    listjobs,  # noqa: F401 - registers that of lists
    segmentjobs,  # noqa: F401 - registers that of segments
)
from contacts.jobkinds import BatchStep, JobKind, JobWords, kinds, of
from contacts.models import (
    Contact,
    ContactTag,
    ImportedContact,
    Job,
    List,
    Subscription,
    Suppression,
    Tag,
)
from contacts.provenance import JOB, Source
from contacts.queries import importing, importundo, suppressed
from contacts.queries import people as people_query
from contacts.queries.overwritten import Restored
from contacts.services import (
    contacts,
    jobs,
    lists,
    suppressions,
    tags,
    tagwords,
    undowords,
)
from pages import locales

M = TypeVar("M", bound=Model)


def source(job: Job) -> Source:
    """The source of the job's rows, by which it is undone."""
    return Source(JOB, job.pk)


def _taken_back(job: Job) -> Source:
    """The source of the rows that this job undoes."""
    return Source.from_json(job.parameters["source"])


def _walk(
    rows: Callable[[Job], QuerySet[M]], act: Callable[[Job, QuerySet[M]], int], *, by: str = "pk"
) -> Callable[[Job, int], BatchStep]:
    """A step that acts on the next rows in the order of ids (`by`)."""

    def step(job: Job, size: int) -> BatchStep:
        # One batch of a job or import at a time in a workspace, so that they don't wait for each
        # other's rows.
        importing.wait_for_turn(job.workspace_id)
        begin = {f"{by}__gt": job.cursor, f"{by}__lte": job.last}
        ids = list(rows(job).filter(**begin).order_by(by).values_list(by, flat=True)[:size])
        if not ids:
            return BatchStep(job.last, 0, over=True)
        changed = act(job, rows(job).filter(**{f"{by}__in": ids}))
        return BatchStep(ids[-1], len(ids), {"changed": changed}, over=len(ids) < size)

    return step


def _counted(rows: Callable[[Job], QuerySet[Any]]) -> Callable[[Job], int]:
    return lambda job: rows(job).order_by().count()


def _changed(job: Job) -> int:
    return int(job.counts.get("changed", 0))


# People ------------------------------------------------------------------------------------------


def _people(job: Job) -> QuerySet[Contact]:
    query = QueryDict(job.parameters["query"])
    return people_query.filtered(job.workspace, query, at=job.created_at).filter(pk__lte=job.last)


def _list(job: Job) -> List:
    return List.objects.get(workspace=job.workspace_id, pk=job.parameters["list"])


def _added(job: Job) -> str:
    text = ngettext(
        "{count} contact added to {list}.", "{count} contacts added to {list}.", _changed(job)
    )
    return text.format(count=locales.number(_changed(job)), list=job.parameters["name"])


def _removed(job: Job) -> str:
    text = ngettext(
        "{count} contact removed from {list}.",
        "{count} contacts removed from {list}.",
        _changed(job),
    )
    return text.format(count=locales.number(_changed(job)), list=job.parameters["name"])


def _suppressed(job: Job) -> str:
    text = ngettext(
        "{count} person gets no more mail.", "{count} people get no more mail.", _changed(job)
    )
    return text.format(count=locales.number(_changed(job)))


def _deleted(job: Job) -> str:
    text = ngettext("{count} contact deleted.", "{count} contacts deleted.", _changed(job))
    return text.format(count=locales.number(_changed(job)))


def _undone(job: Job) -> str:
    text = ngettext("Undone for {count} person.", "Undone for {count} people.", _changed(job))
    return text.format(count=locales.number(_changed(job)))


def _undo_subscribe(job: Job, by: User | None) -> Job:
    given = {"list": job.parameters["list"], "source": source(job).as_json(), **_named(job)}
    return jobs.start(job.workspace, "undo_subscribe", given, by=by, last=job.last)


def _undo_suppress(job: Job, by: User | None) -> Job:
    last = jobs.highest(Suppression.objects.filter(workspace=job.workspace_id))
    given = {"source": source(job).as_json(), **_named(job)}
    return jobs.start(job.workspace, "undo_suppress", given, by=by, last=last)


def _named(job: Job) -> dict[str, str]:
    """Parameters for the title of its undo, which is written in the reader's language."""
    return {"of": job.kind, "name": job.parameters.get("name", "")}


def _undo_title(job: Job) -> str:
    what = job.parameters["name"]
    if undone := job.parameters.get("of"):
        of_undone = Job(kind=undone, parameters={"name": what})
        what = of(of_undone).words.title(of_undone)
    return _("Undo: {what}").format(what=what)


kinds.add(
    JobKind(
        "subscribe",
        _walk(_people, lambda job, some: lists.subscribe(_list(job), some, source=source(job))),
        _counted(_people),
        JobWords(lambda job: _("Add to {list}").format(list=job.parameters["name"]), _added),
        undo=_undo_subscribe,
        icon="playlist-add",
    )
)
kinds.add(
    JobKind(
        "remove",
        _walk(_people, lambda job, some: lists.remove(_list(job), some)),
        _counted(_people),
        JobWords(lambda job: _("Remove from {list}").format(list=job.parameters["name"]), _removed),
        icon="playlist-x",
    )
)
kinds.add(
    JobKind(
        "suppress",
        _walk(
            _people,
            lambda job, some: suppressions.suppress_people(
                job.workspace,
                some,
                reason=Suppression.Reason.MANUAL,
                source=source(job),
                by=job.created_by,
            ),
        ),
        _counted(_people),
        JobWords(lambda _job: _("Suppress people"), _suppressed),
        undo=_undo_suppress,
        icon="ban",
    )
)
kinds.add(
    JobKind(
        "delete",
        _walk(_people, lambda _job, some: contacts.delete(some)),
        _counted(_people),
        JobWords(lambda _job: _("Delete people"), _deleted),
        icon="trash",
    )
)


# Taking back -------------------------------------------------------------------------------------


def _subscribed(job: Job) -> QuerySet[Subscription]:
    return Subscription.objects.filter(
        list=job.parameters["list"],
        status=Subscription.Status.SUBSCRIBED,
        **_taken_back(job).columns,
    )


def _by_hand(job: Job) -> QuerySet[Suppression]:
    return Suppression.objects.filter(
        workspace=job.workspace_id, lifted_at=None, **_taken_back(job).columns
    )


def _remove_rows(job: Job, some: QuerySet[Any]) -> int:
    removed, _models = some.delete()
    return removed


kinds.add(
    JobKind(
        "undo_subscribe",
        _walk(_subscribed, _remove_rows, by="contact_id"),
        _counted(_subscribed),
        JobWords(_undo_title, _undone),
        may_cancel=False,
        icon="arrow-back-up",
    )
)
kinds.add(
    JobKind(
        "undo_suppress",
        _walk(_by_hand, _remove_rows),
        _counted(_by_hand),
        JobWords(_undo_title, _undone),
        may_cancel=False,
        icon="arrow-back-up",
    )
)


# Tags --------------------------------------------------------------------------------------------


def _tag(job: Job) -> Tag | None:
    """The job's tag; None if it was deleted since, and nothing is left to do."""
    return Tag.objects.filter(workspace=job.workspace_id, pk=job.parameters["tag"]).first()


def _add_tag(job: Job, some: QuerySet[Contact]) -> int:
    tag = _tag(job)
    return tags.add(tag, some, source=source(job)) if tag else 0


def _remove_tag(job: Job, some: QuerySet[Contact]) -> int:
    tag = _tag(job)
    return tags.remove(tag, some) if tag else 0


def _undo_tag(job: Job, by: User | None) -> Job:
    given = {"tag": job.parameters["tag"], "source": source(job).as_json(), **_named(job)}
    return jobs.start(job.workspace, "undo_tag", given, by=by, last=job.last)


def _tagged(job: Job) -> QuerySet[ContactTag]:
    return ContactTag.objects.filter(tag=job.parameters["tag"], **_taken_back(job).columns)


def _with_tag(job: Job) -> QuerySet[ContactTag]:
    return ContactTag.objects.filter(tag=job.parameters["tag"])


def _take_tag(job: Job, size: int) -> BatchStep:
    """The next contacts lose the tag, or get the one it is merged into; then it is deleted."""
    importing.wait_for_turn(job.workspace_id)
    tag, into = job.parameters["tag"], job.parameters.get("into")
    taken = tags.take(tag, into=into, after=job.cursor, limit=size, by=job.created_by)
    counts, over = {"changed": taken.contacts}, taken.contacts < size
    return BatchStep(taken.last or job.cursor, taken.contacts, counts, over=over)


kinds.add(
    JobKind(
        "tag",
        _walk(_people, _add_tag),
        _counted(_people),
        JobWords(
            lambda job: _("Add the tag “{tag}”").format(tag=job.parameters["name"]),
            lambda job: tagwords.added(_changed(job), job.parameters["name"]),
        ),
        undo=_undo_tag,
        icon="tag",
    )
)
kinds.add(
    JobKind(
        "untag",
        _walk(_people, _remove_tag),
        _counted(_people),
        JobWords(
            lambda job: _("Remove the tag “{tag}”").format(tag=job.parameters["name"]),
            lambda job: tagwords.removed(_changed(job), job.parameters["name"]),
        ),
        icon="tag",
    )
)
kinds.add(
    JobKind(
        "undo_tag",
        _walk(_tagged, _remove_rows, by="contact_id"),
        _counted(_tagged),
        JobWords(_undo_title, _undone),
        may_cancel=False,
        icon="arrow-back-up",
    )
)
kinds.add(
    JobKind(
        tags.MERGE,
        _take_tag,
        _counted(_with_tag),
        JobWords(
            lambda job: _("Merge the tag “{tag}” into “{other}”").format(
                tag=job.parameters["name"], other=job.parameters["into_name"]
            ),
            lambda job: tagwords.merged(
                _changed(job), job.parameters["name"], job.parameters["into_name"]
            ),
        ),
        icon="tags",
    )
)
kinds.add(
    JobKind(
        tags.DELETE,
        _take_tag,
        _counted(_with_tag),
        JobWords(
            lambda job: _("Delete the tag “{tag}”").format(tag=job.parameters["name"]),
            lambda job: tagwords.deleted(_changed(job), job.parameters["name"]),
        ),
        icon="trash",
    )
)


# Suppressions ------------------------------------------------------------------------------------


def _in_force(job: Job) -> QuerySet[Suppression]:
    query = QueryDict(job.parameters["query"])
    return suppressed.filtered(job.workspace, query).filter(lifted_at=None, pk__lte=job.last)


def _lifted(job: Job) -> str:
    text = ngettext("{count} suppression lifted.", "{count} suppressions lifted.", _changed(job))
    return text.format(count=locales.number(_changed(job)))


def _in_force_again(job: Job) -> str:
    text = ngettext(
        "{count} suppression in force again.", "{count} suppressions in force again.", _changed(job)
    )
    return text.format(count=locales.number(_changed(job)))


def _lifted_by(job: Job) -> QuerySet[Suppression]:
    """Suppressions lifted by the job to be undone: `lifted_at` is the time of its start."""
    return Suppression.objects.filter(
        workspace=job.workspace_id, lifted_at=job.parameters["moment"]
    )


def _undo_lift(job: Job, by: User | None) -> Job:
    given = {"moment": job.created_at.isoformat(), **_named(job)}
    return jobs.start(job.workspace, "undo_lift", given, by=by, last=job.last)


kinds.add(
    JobKind(
        "lift",
        _walk(
            _in_force,
            lambda job, some: suppressions.lift_many(some, job.created_by, job.created_at),
        ),
        _counted(_in_force),
        JobWords(lambda _job: _("Lift suppressions"), _lifted),
        undo=_undo_lift,
        icon="arrow-back-up",
    )
)
kinds.add(
    JobKind(
        "undo_lift",
        _walk(
            _lifted_by,
            lambda job, some: suppressions.in_force_again(job.workspace, some),
        ),
        _counted(_lifted_by),
        JobWords(_undo_title, _in_force_again),
        may_cancel=False,
        icon="ban",
    )
)


# Imports -----------------------------------------------------------------------------------------


def _imported(job: Job) -> QuerySet[ImportedContact]:
    return ImportedContact.objects.filter(of_import_id=job.parameters["import"])


def _take_back_import(job: Job, size: int) -> BatchStep:
    importing.wait_for_turn(job.workspace_id)
    undone = importundo.undo(job.parameters["import"], after=job.cursor, limit=size)
    counts = {
        "changed": undone.contacts,
        "subscriptions": undone.subscriptions,
        "kept": undone.kept,
        "mailed": undone.mailed,
        "restored": undone.restored.people,
        "stayed": undone.restored.stayed,
        "subscribed": undone.restored.subscribed,
    }
    return BatchStep(undone.last or job.cursor, undone.seen, counts, over=undone.seen < size)


def _import_undone(job: Job) -> str:
    kept, mailed = (job.counts.get(name, 0) for name in ("kept", "mailed"))
    people, stayed, subscribed = (
        job.counts.get(name, 0) for name in ("restored", "stayed", "subscribed")
    )
    restored = Restored(people, stayed, subscribed)
    return undowords.afterwards(_changed(job), kept=kept, mailed=mailed, restored=restored)


def _page_of_import(job: Job) -> tuple[str, str]:
    url = reverse("import", args=[job.workspace.slug, job.parameters["import"]])
    return _("Open the import"), url


kinds.add(
    JobKind(
        "undo_import",
        _take_back_import,
        _counted(_imported),
        JobWords(_undo_title, _import_undone),
        may_cancel=False,
        about=_page_of_import,
        icon="arrow-back-up",
    )
)
