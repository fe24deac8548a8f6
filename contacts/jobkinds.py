"""The kinds of jobs (contacts.services.jobs). Each app registers its own in its module `jobs`:

    jobkinds.kinds.add(JobKind("subscribe", step=..., count=..., words=...))

A step works on one batch. It runs in a transaction that also moves the job, so it needs no marks of
its own: rows up to `job.cursor` are done, the others are not.
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
    """The result of one batch. `cursor`: where the next one begins; `seen`: number of rows;
    `counts`: added to the job's; `over`: nothing is left."""

    cursor: int
    seen: int
    counts: Mapping[str, int] = field(default_factory=dict)
    over: bool = False


@dataclass(frozen=True, slots=True)
class JobWords:
    """Texts for people: the title ("Add to Newsletter"), and the result."""

    title: Callable[[Job], str]
    result: Callable[[Job], str]


@dataclass(frozen=True, slots=True)
class JobKind:
    code: str
    # (job, most rows) -> the batch's result
    step: Callable[[Job, int], BatchStep]
    # How many rows the job covers; called by the worker that begins it.
    count: Callable[[Job], int]
    words: JobWords
    # Starts the job that undoes this one; None: it can't be undone.
    undo: Callable[[Job, User | None], Job] | None = None
    # Who may stop, undo or continue it.
    permission: Permission = Permission.EDIT_CONTACTS
    # Whether a person may stop it half-way.
    may_cancel: bool = True
    # Whether it may go on after a person stopped it.
    resumes: bool = False
    icon: str = "activity"
    # (words, URL) of the page about what the job worked on; None: there is none.
    about: Callable[[Job], tuple[str, str] | None] | None = None


kinds: Registry[JobKind] = Registry(key=attrgetter("code"))


def of(job: Job) -> JobKind:
    """Raises KeyError for a kind that this version does not know."""
    return kinds[job.kind]
