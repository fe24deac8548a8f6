"""How many contacts patterns match, before they are saved."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from accounts.models import Workspace

# Contacts that are compared at most; one pass over an index.
MOST = 1_000_000
MATCHES = """
SELECT count(*), {counts}
  FROM (SELECT email FROM contacts_contact WHERE {owner} LIMIT %(most)s) c
"""


@dataclass(frozen=True, slots=True)
class PatternMatches:
    """`total`: how many contacts were compared; `each`: how many each pattern matches."""

    total: int
    each: tuple[int, ...]


def count(workspace: Workspace | None, likes: Sequence[str]) -> PatternMatches:
    """`likes`: patterns for LIKE. Without a workspace: of all contacts of the installation."""
    if not likes:
        return PatternMatches(0, ())
    counts = ", ".join(f"count(*) FILTER (WHERE email LIKE %(like{n})s)" for n in range(len(likes)))
    sql = MATCHES.format(
        counts=counts, owner="workspace_id = %(workspace)s" if workspace else "true"
    )
    known: dict[str, Any] = {f"like{number}": one for number, one in enumerate(likes)}
    known |= {"workspace": workspace.pk if workspace else None, "most": MOST}
    with connection.cursor() as cursor:
        cursor.execute(sql, known)
        total, *each = cursor.fetchone() or (0,)
    return PatternMatches(total, tuple(each))
