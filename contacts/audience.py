"""Who gets a mailing, and why the others of its lists don't: one statement for the live count and
for the freeze, so that both always agree."""

from collections.abc import Sequence
from typing import Any

from django.db import connection

# One row a person on the lists in. `reason` (a code of sending.reasons) is null for who gets it.
# Somebody who left one of the lists but is on another still wants mail. Being suppressed says more
# than being on a list that is left out, and a list that was left says more than either: the first
# that applies is the reason. A suppressed domain means that domain, not its subdomains.
AUDIENCE = """
SELECT c.id AS contact_id, c.email AS address,
       CASE WHEN NOT p.wants THEN 'unsubscribed'
            WHEN by_address.reason IS NOT NULL THEN 'suppressed_' || by_address.reason
            WHEN by_domain.reason IS NOT NULL THEN 'suppressed_domain'
            WHEN out.contact_id IS NOT NULL THEN 'excluded'
       END AS reason
  FROM ({people}) p
  JOIN contacts_contact c ON c.id = p.contact_id AND c.workspace_id = %(workspace)s
  LEFT JOIN contacts_suppression by_address
         ON by_address.workspace_id = %(workspace)s AND by_address.kind = 'address'
        AND by_address.value = c.email AND by_address.lifted_at IS NULL
  LEFT JOIN contacts_suppression by_domain
         ON by_domain.workspace_id = %(workspace)s AND by_domain.kind = 'domain'
        AND by_domain.value = split_part(c.email, '@', 2) AND by_domain.lifted_at IS NULL
  LEFT JOIN (SELECT DISTINCT contact_id FROM contacts_subscription
              WHERE list_id = ANY(%(lists_out)s) AND status = 'subscribed') out
         ON out.contact_id = c.id
"""
SEVERAL_LISTS = """
SELECT contact_id, bool_or(status = 'subscribed') AS wants
  FROM contacts_subscription
 WHERE list_id = ANY(%(lists_in)s) GROUP BY contact_id
"""
# Nobody is twice on one list. Without the grouping PostgreSQL counts on several cores: a million
# people take their backend a third of its time.
ONE_LIST = """
SELECT contact_id, status = 'subscribed' AS wants
  FROM contacts_subscription
 WHERE list_id = ANY(%(lists_in)s)
"""


def statement(lists_in: Sequence[int]) -> str:
    """The audience's query, for `parameters` of the same lists."""
    several = len(set(lists_in)) > 1
    return AUDIENCE.replace("{people}", SEVERAL_LISTS if several else ONE_LIST)


def parameters(
    workspace_id: int, lists_in: Sequence[int], lists_out: Sequence[int]
) -> dict[str, Any]:
    return {
        "workspace": workspace_id,
        "lists_in": list(lists_in),
        "lists_out": list(lists_out),
    }


def count(workspace_id: int, lists_in: Sequence[int], lists_out: Sequence[int]) -> dict[str, Any]:
    """{"recipients": n, "excluded": {reason: n}}"""
    sql = f"SELECT reason, count(*) FROM ({statement(lists_in)}) a GROUP BY 1 ORDER BY 2 DESC"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters(workspace_id, lists_in, lists_out))
        counts = dict(cursor.fetchall())
    return {"recipients": counts.pop(None, 0), "excluded": counts}


def missing_fields(
    workspace_id: int, lists_in: Sequence[int], lists_out: Sequence[int], fields: Sequence[str]
) -> dict[str, int]:
    """For how many recipients each merge field is empty: one pass over the audience."""
    known = ("first_name", "last_name", "full_name", "email")
    given: dict[str, Any] = {}
    columns = []
    for number, name in enumerate(fields):
        given[f"field{number}"] = name
        value = f"c.{name}" if name in known else f"c.attributes ->> %(field{number})s"
        columns.append(f"count(*) FILTER (WHERE coalesce({value}, '') = '')")
    if not columns:
        return {}
    sql = f"""
        SELECT {", ".join(columns)} FROM ({statement(lists_in)}) a
          JOIN contacts_contact c ON c.id = a.contact_id WHERE a.reason IS NULL
    """  # noqa: S608 - names are ours or parameters
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters(workspace_id, lists_in, lists_out) | given)
        return dict(zip(fields, cursor.fetchone() or (), strict=False))
