"""The evidence of suppressions: the bounce or complaint that made one.

A suppression knows the message that was bounced (Suppression.message_id). The apps that know about
its bounces register in their module `hooks`:

    @evidence.contributors.add
    def bounces(workspace, message_ids): return {message_id: [Evidence(...)]}
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise

from accounts.models import Workspace
from contacts.suppressionmodels import Suppression
from pages.registry import Registry


@dataclass(frozen=True, slots=True)
class Evidence:
    """`words`: of the server or the report. `url`: the page about it, "" if there is none."""

    at: datetime
    title: str | Promise
    words: str = ""
    url: str = ""


Contributor = Callable[[Workspace, Collection[int]], Mapping[int, Iterable[Evidence]]]
contributors: Registry[Contributor] = Registry()


def of(one: Suppression) -> list[Evidence]:
    """The oldest first. None for messages whose details were dropped."""
    if one.message_id is None or one.workspace is None:
        return []
    found: list[Evidence] = []
    for known in contributors:
        found += known(one.workspace, [one.message_id]).get(one.message_id, ())
    return sorted(found, key=lambda each: each.at)
