"""Consents for counting opens: read and written in sets."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.opencounting import OpenCounting
from contacts.openconsentmodels import OpenConsent
from contacts.provenance import IMPORT, Source
from pages.registry import Registry

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


# The same for all contacts of a range, as a join and an expression: a freeze then reads the answers
# once, instead of looking each one up.
_JOIN = """
    LEFT JOIN (SELECT contact_id AS answered, given FROM contacts_openconsent
                WHERE contact_id BETWEEN %(first)s AND %(last)s) answers
           ON answers.answered = {contact}
"""
_JOINED = {
    OpenCounting.EVERYBODY: "coalesce(answers.given, true)",
    OpenCounting.CONSENT: "coalesce(answers.given, false)",
}


def joined(counting: str, contact: str) -> tuple[str, str]:
    """(SQL of a join, "" if none is needed; SQL of what `allowed` says about each row)"""
    if (way := OpenCounting(counting)) not in _JOINED:
        return "", "false"
    return _JOIN.replace("{contact}", contact), _JOINED[way]


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
# The answers of an import that is undone: those of contacts that gave no other one since.
TAKE_BACK = """
WITH newest AS (
  SELECT DISTINCT ON (a.contact_id) a.contact_id, a.source_kind, a.source_id
    FROM contacts_openconsentanswer a
    JOIN contacts_importedcontact i ON i.contact_id = a.contact_id
   WHERE i.import_id = %(import_id)s AND i.contact_id > %(after)s AND i.contact_id <= %(last)s
   ORDER BY a.contact_id, a.id DESC),
gone AS (
  DELETE FROM contacts_openconsentanswer a USING newest n
   WHERE a.contact_id = n.contact_id
     AND (n.source_kind, n.source_id) = (%(source_kind)s, %(source_id)s)
     AND (a.source_kind, a.source_id) = (%(source_kind)s, %(source_id)s)
  RETURNING a.contact_id)
SELECT DISTINCT contact_id FROM gone ORDER BY 1
"""
# The answer before, if there was one.
RESTORE = """
WITH before AS (
  SELECT DISTINCT ON (contact_id) contact_id, given, at FROM contacts_openconsentanswer
   WHERE contact_id = ANY(%(contacts)s) ORDER BY contact_id, id DESC),
none AS (
  DELETE FROM contacts_openconsent
   WHERE contact_id = ANY(%(contacts)s) AND contact_id NOT IN (SELECT contact_id FROM before))
UPDATE contacts_openconsent o SET given = before.given, at = before.at
  FROM before WHERE o.contact_id = before.contact_id
RETURNING CASE WHEN o.given THEN o.contact_id END
"""
# Called with the ids of contacts that withdrew their consent, in the transaction that stores it.
# Apps to the right register what they have to forget.
on_withdrawn: Registry[Callable[[Collection[int]], object]] = Registry()


@dataclass(frozen=True, slots=True)
class OpenAnswer:
    """`given`: agreed, or else refused. `text`: what the person read. `ip`: a valid address. `by`:
    the id of the colleague who records it."""

    given: bool
    source: Source
    text: str = ""
    ip: str | None = None
    by: int | None = None


def agreed(workspace_id: int) -> int:
    """How many contacts have agreed."""
    found = OpenConsent.objects.filter(given=True, contact__workspace_id=workspace_id)
    return found.count()


def write(contact_ids: Collection[int], answer: OpenAnswer) -> list[int]:
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


def take_back(import_id: int, *, after: int, last: int) -> None:
    """Takes the answers back that an import gave for its contacts with ids from `after` (not
    included) to `last`. Those who have agreed no longer count as if they had withdrawn."""
    known: dict[str, Any] = {"import_id": import_id, "after": after, "last": last}
    known |= Source(IMPORT, import_id).columns
    with connection.cursor() as cursor:
        cursor.execute(TAKE_BACK, known)
        contacts = [row[0] for row in cursor.fetchall()]
        if not contacts:
            return
        cursor.execute(RESTORE, {"contacts": contacts})
        agreed = {row[0] for row in cursor.fetchall()}
    withdrawn = [number for number in contacts if number not in agreed]
    for forget in on_withdrawn if withdrawn else ():
        forget(withdrawn)
