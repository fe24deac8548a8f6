"""Contacts: what we know about a person, and how it changes."""

import datetime as dt
import json
from collections.abc import Iterable
from typing import Any

from django.db import connection

FIELDS = ("first_name", "last_name", "full_name")


def merge_fields(workspace_id: int, contact_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """{contact id: {"email": ..., "first_name": ..., "city": ...}} for rendering, in one query.

    Attributes stand at top level by their key: text, number, bool, and date as datetime.date.
    Contacts that are gone are absent.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id, email, first_name, last_name, full_name, attributes::text,
                   (SELECT array_agg(key) FROM contacts_attribute
                    WHERE workspace_id = %s AND type = 'date')
            FROM contacts_contact
            WHERE workspace_id = %s AND id = ANY(%s)
            """,
            [workspace_id, workspace_id, list(contact_ids)],
        )
        return {row[0]: _merged(row) for row in cursor.fetchall()}


def _merged(row: tuple[Any, ...]) -> dict[str, Any]:
    _id, email, first_name, last_name, full_name, attributes, date_keys = row
    fields: dict[str, Any] = json.loads(attributes)
    for key in date_keys or ():
        if isinstance(value := fields.get(key), str):
            fields[key] = dt.date.fromisoformat(value)
    return fields | {
        "email": email,
        "first_name": first_name,
        "last_name": last_name,
        "full_name": full_name,
    }
