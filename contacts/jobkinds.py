"""The kinds of jobs (contacts.services.jobs). Each app registers its own in its module `jobs`:

    jobkinds.kinds.add(JobKind("subscribe", step=..., count=..., words=...))

A step works on one batch. It runs in a transaction that also moves the job, so it needs no marks of
its own: what is behind `job.cursor` is done, what is before it is not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter

from accounts.models import User
from accounts.permissions import Permission
from contacts.models import Job
from pages.registry import Registry


@dataclass(frozen=True, slots=True)
class BatchStep:
    """What one batch did. `cursor`: where the next one begins; `seen`: rows that it looked at;
    `counts`: added to the job's; `over`: nothing is left."""

    cursor: int
    seen: int
    counts: Mapping[str, int] = field(default_factory=dict)
    over: bool = False


@dataclass(frozen=True, slots=True)
class JobWords:
    """What people read: the title ("Add to Newsletter"), and what came of it."""

    title: Callable[[Job], str]
    result: Callable[[Job], str]


@dataclass(frozen=True, slots=True)
class JobKind:
    code: str
    # (job, rows at most) -> what the batch did
    step: Callable[[Job, int], BatchStep]
    # How many rows the job is about; asked by the worker that begins it.
    count: Callable[[Job], int]
    words: JobWords
    # Starts the job that takes this one back; None: it cannot be taken back.
    undo: Callable[[Job, User | None], Job] | None = None
    # Who may stop it, take it back, or have it go on.
    permission: Permission = Permission.EDIT_CONTACTS
    # Whether a person may stop it half-way.
    may_cancel: bool = True
    icon: str = "activity"


kinds: Registry[JobKind] = Registry(key=attrgetter("code"))


def of(job: Job) -> JobKind:
    """Raises KeyError for a kind that this version does not know."""
    return kinds[job.kind]
