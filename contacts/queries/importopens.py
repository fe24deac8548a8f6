"""The consents for counting opens in an import's batch, which contacts.queries.importing has
judged."""

from collections.abc import Collection
from typing import Any

from django.db import connection

from contacts.queries.importing import Target
from contacts.queries.importtags import TAKEN

# A file gives a consent to nobody who has answered here: somebody who refused stays so, whatever it
# says.
AGREE = f"""
SELECT j.email, j.contact_id FROM import_judged j
WHERE j.email = ANY(%(emails)s) AND {TAKEN}
  AND NOT EXISTS (SELECT FROM contacts_openconsent o WHERE o.contact_id = j.contact_id OFFSET 0)
"""  # noqa: S608 - a constant of ours
# A refusal counts in any line, also of a contact that the import leaves as it is.
REFUSE = """
SELECT j.email, j.contact_id FROM import_judged j
WHERE j.email = ANY(%(emails)s) AND (j.contact_id IS NOT NULL OR j.outcome = 'new')
  AND NOT EXISTS (SELECT FROM contacts_openconsent o
                  WHERE o.contact_id = j.contact_id AND NOT o.given OFFSET 0)
"""

# Addresses that a check has counted as refusing; in the database, because a file may have millions.
REFUSED = """
CREATE TEMPORARY TABLE IF NOT EXISTS import_refused (email text PRIMARY KEY) ON COMMIT DELETE ROWS
"""


def remember_refused(emails: Collection[str]) -> int:
    """Remember these addresses until the end of the check; how many are new."""
    if not emails:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(REFUSED)
        cursor.execute(
            "INSERT INTO import_refused SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING",
            [list(emails)],
        )
        return int(cursor.rowcount)


def forget_refused() -> None:
    with connection.cursor() as cursor:
        cursor.execute(REFUSED)
        cursor.execute("TRUNCATE import_refused")


def agreeing(target: Target, emails: Collection[str]) -> dict[str, int | None]:
    """{address: id of the contact, None for one that a check doesn't make}: whose consent is new,
    among these addresses."""
    return _found(AGREE, target, emails)


def refusing(target: Target, emails: Collection[str]) -> dict[str, int | None]:
    """The same for refusals."""
    return _found(REFUSE, target, emails)


def _found(statement: str, target: Target, emails: Collection[str]) -> dict[str, int | None]:
    if not emails:
        return {}
    parameters: dict[str, Any] = target.parameters(apply=False) | {"emails": list(emails)}
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return dict(cursor.fetchall())
