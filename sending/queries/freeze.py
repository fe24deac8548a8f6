"""Freezes an audience, or a piece of it, into ledger rows: one statement, whatever its size."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils import timezone

from contacts.audience import Audience
from contacts.languages import ATTRIBUTE
from contacts.queries.audience import details, parameters, statement
from relays import providers
from sending import blocks
from sending.models import Mailing, Message, Variant
from sending.variants import Share, bounds, shares

# One pass over the audience: a recipient becomes a message, everybody else a row that says why they
# are left out and since when. No address comes twice, since two contacts never share one within a
# workspace; should a piece ever be frozen a second time, the indexes refuse it.
#
# Rows are made in the order of their lanes, so that each lane of a mailing is one range of ids:
# what of it is left is two numbers, and a claim moves one of them. Within a lane they are mixed,
# whatever plan is chosen: dead addresses of an old file, or that begin alike, would come one after
# the other and look like a relay that refuses everybody (sending.streaks). They are mixed within
# 65,536 contacts, so that what is read together still stands together.
FREEZE = """
WITH audience AS MATERIALIZED ({audience}),
frozen AS (
  INSERT INTO sending_message
         (mailing_id, contact_id, address, lane, variant, repeats, attempts, reply,
          state, reason, settled_at)
  SELECT %(mailing)s, contact_id, address, coalesce(p.number, 0), {variant}, false, 0, '',
         %(state)s, %(reason)s, %(settled_at)s
    FROM audience
    LEFT JOIN unnest(%(domains)s::text[], %(numbers)s::smallint[]) AS p (domain, number)
           ON p.domain = split_part(address, '@', 2)
   WHERE reason IS NULL
   ORDER BY coalesce(p.number, 0), contact_id >> 16, hashint8extended(contact_id, %(mailing)s)
  RETURNING id, lane),
laned AS (
  INSERT INTO sending_mailinglane (mailing_id, lane, first_id, next_id, last_id, targeted)
  SELECT %(mailing)s, lane, min(id),
         CASE WHEN %(state)s = 0 THEN min(id) ELSE max(id) + 1 END, max(id), count(*)
    FROM frozen GROUP BY lane
  RETURNING targeted),
left_out AS (
  INSERT INTO sending_leftout (mailing_id, contact_id, address, reason, since, cause_id)
  SELECT %(mailing)s, contact_id, address, reason, since, cause_id FROM ({details}) d
   WHERE reason IS NOT NULL)
SELECT reason, count(*) FROM audience GROUP BY reason
"""


# The audience and its order in memory up to about four million people; beyond, on disk.
ROOM = "SET LOCAL work_mem = '256MB'"


# A number below variants.WHOLE for each person.
CHANCE = "(hashint8extended(contact_id, %(mailing)s) & 1048575)::int"
# Which share that falls into; 0: held out.
SHARE = f"width_bucket({CHANCE}, %(bounds)s::int[])"
# The variant for the language {tag} and the chance {chance} (variants.shares), by RFC 4647, section
# 3.4: that of the tag itself, else of the longest part of its beginning. "OFFSET 0": the tag is
# worked out once, not for each of the variants.
OF_LANGUAGE = """
(SELECT v.number
   FROM (SELECT coalesce(lower(replace(btrim({tag}), '_', '-')), '') || '-' AS tag OFFSET 0) spoken
   JOIN unnest(%(prefixes)s::text[], %(begins)s::int[], %(variants)s::smallint[])
          AS v (prefix, begin, number)
     ON starts_with(spoken.tag, v.prefix) AND v.begin <= {chance}
  ORDER BY length(v.prefix) DESC, v.begin DESC, v.number DESC LIMIT 1)
"""
# The contact's row is asked for it only where a mailing has languages.
SPOKEN = f"(SELECT c.attributes ->> '{ATTRIBUTE}' FROM contacts_contact c WHERE c.id = contact_id)"  # noqa: S608
HELD_OUT = """
SELECT contact_id, address,
       CASE WHEN reason IS NULL AND {share} = 0 THEN 'held_out' ELSE reason END AS reason,
       suppression_id
  FROM ({audience}) a
"""


@dataclass(frozen=True, slots=True)
class FreezePiece:
    """Contacts of an audience by their ids. `in_doubt`: whether they got a mail is not known, so
    that they get none (Freezing.in_doubt)."""

    first: int
    last: int
    in_doubt: bool = False


def freeze(
    mailing: Mailing,
    audience: Audience,
    piece: FreezePiece,
    *,
    variants: Sequence[Variant] = (),
    holdout: float = 0.0,
) -> tuple[int, dict[str, int]]:
    """(number of messages, {reason: number of people left out}). Inside of a transaction, whose
    `work_mem` it sets. `variants`: in the order of their numbers; without any, all get the first.
    `holdout`: percent of the recipients who get nothing."""
    weights, tags = [one.weight for one in variants] or [1], [one.language for one in variants]
    numbers = providers.numbers()
    state = Message.State.UNKNOWN if piece.in_doubt else Message.State.WAITING
    known: dict[str, Any] = parameters(audience) | {
        "mailing": mailing.pk,
        "first": piece.first,
        "last": piece.last,
        "state": state,
        "reason": "in_doubt" if piece.in_doubt else "",
        "settled_at": timezone.now() if piece.in_doubt else None,
        "bounds": bounds(weights, holdout),
        "domains": list(numbers),
        "numbers": list(numbers.values()),
    }
    with connection.cursor() as cursor:
        cursor.execute(ROOM)
        people = statement(audience, piece=True)
        if holdout:
            people = HELD_OUT.replace("{share}", SHARE).replace("{audience}", people)
        # The audience may ask for recipients of other mailings, of other blocks.
        sql = blocks.named(FREEZE, mailing.pk).replace("{details}", details(audience))
        sql = sql.replace("{audience}", people)
        variant = f"{SHARE} - 1" if len(weights) > 1 else "0"
        if any(tags):
            variant = OF_LANGUAGE.format(tag=SPOKEN, chance=CHANCE)
            known |= columns(shares(weights, tags, holdout))
        sql = sql.replace("{variant}", variant)
        cursor.execute(sql, known)
        counts = dict(cursor.fetchall())
    return counts.pop(None, 0), counts


def columns(of: Sequence[Share]) -> dict[str, Any]:
    """Parameters of OF_LANGUAGE."""
    return {
        "prefixes": [one.prefix for one in of],
        "begins": [one.begin for one in of],
        "variants": [one.number for one in of],
    }
