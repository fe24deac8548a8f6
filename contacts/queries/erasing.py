"""Lines of imports' files that name an erased person."""

from typing import Any

from django.db import connection

from contacts import addresses
from contacts.erasures import ErasedPerson

# A cell may have the address among other text. The line and its reason stay, without its text.
NAMES = """
    r.import_id IN (SELECT id FROM contacts_import WHERE workspace_id = %(workspace)s)
    AND EXISTS (SELECT FROM unnest(%(addresses)s::text[]) address
                 WHERE strpos(lower(r.value), address) > 0
                    OR strpos(lower(r.cells::text), address) > 0)
"""
COUNT = f"SELECT count(*) FROM contacts_importreject r WHERE {NAMES}"  # noqa: S608 - only ours
FORGET = (
    f"UPDATE contacts_importreject r SET value = '', cells = '[]' WHERE {NAMES}",  # noqa: S608
    """
DELETE FROM contacts_importduplicate
 WHERE email = ANY(%(addresses)s)
   AND import_id IN (SELECT id FROM contacts_import WHERE workspace_id = %(workspace)s)
""",
)


def _given(person: ErasedPerson) -> dict[str, Any]:
    # Files may have the domain in Unicode.
    written = {*person.addresses, *map(addresses.display, person.addresses)}
    return {"workspace": person.workspace_id, "addresses": sorted(written)}


def count_lines(person: ErasedPerson) -> int:
    with connection.cursor() as cursor:
        cursor.execute(COUNT, _given(person))
        return int((cursor.fetchone() or (0,))[0])


def forget_lines(person: ErasedPerson) -> None:
    with connection.cursor() as cursor:
        for statement in FORGET:
            cursor.execute(statement, _given(person))
