"""Mails in bounce mailboxes about an erased person: their sources and texts go, the rows stay, so
that no mail is read twice (queries.seen)."""

from typing import Any

from django.db import connection

from contacts.erasures import ErasedPerson
from sending.queries import erasing

OF_PERSON = """
    b.mailbox_id IN (SELECT id FROM bounces_bouncemailbox WHERE workspace_id = %(workspace)s)
    AND (b.message_id = ANY(%(messages)s) OR b.recipient = ANY(%(addresses)s)
         OR b.sender = ANY(%(addresses)s))
"""
COUNT = f"SELECT count(*) FROM bounces_bouncemail b WHERE {OF_PERSON}"  # noqa: S608 - only ours
FORGET = f"""
UPDATE bounces_bouncemail b
   SET digest = coalesce(digest, sha256(raw)), raw = NULL, sender = '', subject = '',
       recipient = '', detail = coalesce(substring(detail from %(codes)s), '')
 WHERE {OF_PERSON}
"""  # noqa: S608 - only ours


def _given(person: ErasedPerson) -> dict[str, Any]:
    return {
        "workspace": person.workspace_id,
        "messages": erasing.messages_of(person),
        "addresses": list(person.addresses),
        "codes": erasing.CODES,
    }


def count(person: ErasedPerson) -> int:
    with connection.cursor() as cursor:
        cursor.execute(COUNT, _given(person))
        return int((cursor.fetchone() or (0,))[0])


def forget(person: ErasedPerson) -> None:
    with connection.cursor() as cursor:
        cursor.execute(FORGET, _given(person))
