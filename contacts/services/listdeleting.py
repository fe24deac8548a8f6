"""Deletes lists: at once, or a large one by a job. What uses a list may refuse it."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from contacts.exceptions import ContactsError
from contacts.models import Import, Job, List, Subscription
from contacts.queries import listdeleting as query
from contacts.services import jobs, segments
from pages.registry import Registry

# The kind of job.
DELETE_JOB = "delete_list"


class ListUsedError(ContactsError):
    """Something needs the list; the text says what."""


@dataclass(frozen=True, slots=True)
class ListUse:
    """`words`, URL name and number of what uses a list. `refuses`: the list can't be deleted as
    long as it does."""

    words: str
    url: str
    pk: int
    refuses: bool

    @property
    def named(self) -> tuple[str, str, int]:
        """For parts/used_by.html."""
        return self.words, self.url, self.pk


# Find what uses a list. Apps to the right register theirs.
users: Registry[Callable[[List], list[ListUse]]] = Registry()


def used_by(one: List) -> list[ListUse]:
    return [use for find in users for use in find(one)]


@users.add
def _segments(one: List) -> list[ListUse]:
    found = [
        use
        for kind in ("list", "consent")
        for use in segments.naming(one.workspace_id, kind, one.pk)
    ]
    return [ListUse(*use, refuses=True) for use in dict.fromkeys(found)]


@users.add
def _imports(one: List) -> list[ListUse]:
    states = (Import.State.QUEUED, Import.State.RUNNING)
    found = Import.objects.filter(workspace=one.workspace_id, list=one, state__in=states)
    text = _("Import “{name}”, which is running")
    return [ListUse(text.format(name=row.title), "import", row.pk, True) for row in found]


@users.add
def _jobs(one: List) -> list[ListUse]:
    found = Job.objects.filter(
        workspace=one.workspace_id, state__in=jobs.ACTIVE, parameters__list=one.pk
    ).exclude(kind=DELETE_JOB)
    return [ListUse(_("A job, which is running"), "job", row.pk, True) for row in found]


@transaction.atomic
def delete(one: List, *, by: User | None) -> Job | None:
    """Raises ListUsedError. Returns the job of a large list, which is archived meanwhile."""
    locked = List.objects.select_for_update().get(pk=one.pk)
    refusing = [use.words for use in used_by(locked) if use.refuses]
    if refusing:
        text = _("{name} can't be deleted: it is used by {users}.")
        raise ListUsedError(text.format(name=locked.name, users=", ".join(refusing[:5])))
    if jobs.is_large(Subscription.objects.filter(list=locked)):
        List.objects.filter(pk=locked.pk, archived_at=None).update(archived_at=timezone.now())
        given = {"list": locked.pk, "name": locked.name}
        return jobs.start(locked.workspace, DELETE_JOB, given, by=by)
    while query.take(locked.pk, jobs.BATCH):
        pass
    locked.delete()
    return None


def take(list_id: int, limit: int) -> list[int]:
    """The next piece of a job: ids of contacts whose subscriptions were deleted. With the last
    piece the list goes, unless something has begun to use it; then it stays, archived and empty."""
    taken = query.take(list_id, limit)
    if len(taken) < limit:
        one = List.objects.select_for_update().filter(pk=list_id).first()
        if one is not None and not any(use.refuses for use in used_by(one)):
            one.delete()
    return taken
