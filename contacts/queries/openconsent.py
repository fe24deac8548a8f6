"""Consents for counting opens: read and written in sets."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.opencounting import OpenCounting
from contacts.provenance import Source

# SQL: whether the contact {contact} has agreed, or refused. One look-up by the primary key.
_ANSWERED = "EXISTS (SELECT FROM contacts_openconsent o WHERE o.contact_id = {contact} AND {what})"
# {way of counting: SQL of whether the mail to the contact {contact} has a pixel of its own}
_ALLOWED = {
    OpenCounting.EVERYBODY: f"NOT {_ANSWERED.replace('{what}', 'NOT o.given')}",
    OpenCounting.CONSENT: _ANSWERED.replace("{what}", "o.given"),
}


def allowed(counting: str, contact: str) -> str:
    """SQL: whether opens of the contact, an expression, are counted for a mailing that counts this
    way (accounts.opencounting). A person without an answer has not agreed and not refused."""
    return _ALLOWED.get(OpenCounting(counting), "false").replace("{contact}", contact)


def allowed_by(column: str, contact: str) -> str:
    """The same, where the way of counting is in a column."""
    cases = " ".join(f"WHEN '{way}' THEN {allowed(way, contact)}" for way in _ALLOWED)
    return f"CASE {column} {cases} ELSE false END"


# Contacts that exist and whose answer changes. Locked in the order of their ids: two people who
# answer for the same contacts at once don't deadlock.
LOCK = """
SELECT c.id FROM contacts_contact c
 WHERE c.id = ANY(%(contacts)s)
   AND NOT EXISTS (SELECT FROM contacts_openconsent o
                    WHERE o.contact_id = c.id AND o.given = %(given)s)
 ORDER BY c.id FOR NO KEY UPDATE OF c
"""
# A second process that waited for the lock finds the answer written and changes nothing.
ANSWER = """
WITH changed AS (
  INSERT INTO contacts_openconsent (contact_id, given, at)
  SELECT unnest(%(contacts)s::bigint[]), %(given)s, %(at)s
  ON CONFLICT (contact_id) DO UPDATE SET given = excluded.given, at = excluded.at
   WHERE contacts_openconsent.given <> excluded.given
  RETURNING contact_id)
INSERT INTO contacts_openconsentanswer
       (contact_id, given, at, text, ip, by_id, source_kind, source_id)
SELECT contact_id, %(given)s, %(at)s, %(text)s, %(ip)s::inet, %(by)s, %(source_kind)s, %(source_id)s
  FROM changed
RETURNING contact_id
"""
# A recipient may answer again and again by the link of a mail.
TRIM = """
DELETE FROM contacts_openconsentanswer
 WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY contact_id
                                                            ORDER BY id DESC) AS place
                                FROM contacts_openconsentanswer
                               WHERE contact_id = ANY(%(contacts)s)) a
               WHERE place > %(most)s)
"""
# Answers that are kept of a contact, the newest.
MOST = 50


@dataclass(frozen=True, slots=True)
class Answer:
    """`given`: agreed, or else refused. `text`: what the person read. `ip`: a valid address. `by`:
    the id of the colleague who records it."""

    given: bool
    source: Source
    text: str = ""
    ip: str | None = None
    by: int | None = None


def write(contact_ids: Collection[int], answer: Answer) -> list[int]:
    """Writes the answer of these contacts. Returns those whose answer it changed. Needs a
    transaction."""
    known: dict[str, Any] = {
        "contacts": list(contact_ids),
        "given": answer.given,
        "at": timezone.now(),
        "text": answer.text,
        "ip": answer.ip,
        "by": answer.by,
        **answer.source.columns,
    }
    with connection.cursor() as cursor:
        cursor.execute(LOCK, known)
        known["contacts"] = [row[0] for row in cursor.fetchall()]
        if not known["contacts"]:
            return []
        cursor.execute(ANSWER, known)
        changed = [row[0] for row in cursor.fetchall()]
        cursor.execute(TRIM, {"contacts": changed, "most": MOST})
    return changed
