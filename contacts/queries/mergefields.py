"""The merge fields of many contacts at once."""

import datetime as dt
import json
from collections.abc import Iterable
from typing import Any

from django.db import connection

from contacts import names

# Like json.loads without its checks of the argument, which take a third of a row's time.
DECODER = json.JSONDecoder()
FIELDS = """
SELECT id, email, first_name, last_name, full_name, attributes::text,
       (SELECT array_agg(key) FROM contacts_attribute WHERE workspace_id = %s AND type = 'date')
FROM contacts_contact
WHERE workspace_id = %s AND id = ANY(string_to_array(%s, ',')::bigint[])
"""


def merge_fields(workspace_id: int, contact_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """{contact id: {"email": ..., "first_name": ..., "city": ...}} for rendering, in one query.

    Attributes are at the top level under their key: text, number, bool, and date as datetime.date.
    Deleted contacts are absent.
    """
    # As one text: writing an array takes ten times as long.
    ids = ",".join(map(str, contact_ids))
    with connection.cursor() as cursor:
        cursor.execute(FIELDS, [workspace_id, workspace_id, ids])
        return {row[0]: _merged(row) for row in cursor.fetchall()}


def _merged(row: tuple[Any, ...]) -> dict[str, Any]:
    _id, email, first_name, last_name, full_name, attributes, date_keys = row
    fields: dict[str, Any] = DECODER.raw_decode(attributes)[0]
    for key in date_keys or ():
        if isinstance(value := fields.get(key), str):
            fields[key] = dt.date.fromisoformat(value)
    fields["email"] = email
    fields["first_name"] = first_name
    fields["last_name"] = last_name
    fields["full_name"] = full_name or names.full(first_name, last_name)
    return fields
