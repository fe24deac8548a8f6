"""The work that runs in the background. Apps register a contributor in their module `activity`.

    @activity.contributors.add
    def imports(request): return [activity.Task("import-7", "people.csv", url, done=10, total=200)]

A contributor returns the tasks that run now or ended within the last day, newest first. It needs
one quick query.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.utils.functional import Promise

from pages.registry import Registry


@dataclass(frozen=True, slots=True)
class Task:
    # Unique in the workspace and stable: "import-7". The browser remembers seen tasks by this key.
    key: str
    title: str | Promise
    url: str
    # A code of pages.statuses: running, sending, paused, done, failed, ...
    status: str = "running"
    done: int = 0
    total: int = 0
    detail: str | Promise = ""
    icon: str = "activity"
    ended_at: datetime | None = None

    @property
    def runs(self) -> bool:
        return self.ended_at is None

    @property
    def percent(self) -> int:
        return min(100, self.done * 100 // self.total) if self.total else 0


Contributor = Callable[[HttpRequest], Iterable[Task]]
contributors: Registry[Contributor] = Registry()


def tasks(request: HttpRequest) -> list[Task]:
    """All tasks of the request's workspace, running ones first."""
    found = [task for known in contributors for task in known(request)]
    return sorted(found, key=lambda task: not task.runs)
