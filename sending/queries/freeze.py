"""Freezes an audience, or a piece of it, into ledger rows: one statement, whatever its size."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils import timezone

from contacts.audience import Audience
from contacts.languages import ATTRIBUTE
from contacts.queries import audiencesql, openconsent
from relays import providers
from sending import blocks
from sending.models import Mailing, Message, Variant
from sending.queries import markets
from sending.variants import Share, bounds, shares

# One pass over the audience: a recipient becomes a message; everybody else becomes a row with the
# reason and since when it applies. No address comes twice, because two contacts of a workspace
# never share one. If a piece were frozen a second time, the unique indexes would refuse it.
#
# Rows are made in the order of their lanes, so that each lane of a mailing is one range of ids: two
# numbers say what is left, and a claim moves one of them.
#
# Within a lane the order is pseudo-random. Otherwise the dead addresses of an old file, or similar
# addresses, would follow each other and look like a relay that refuses everybody (sending.streaks).
# But a claim reads about a thousand contacts, and those are fast to read only if they are on few
# pages. So contacts are mixed in two steps, within groups of 65,536: 32 neighbours come into one of
# the group's windows together, and the contacts of a window are mixed one by one. A window has at
# least 1,024 contacts, of 32 or more places. One number is the whole key, because PostgreSQL sorts
# that faster than several columns: 15 bits for the lane, 20 for the group, 6 for the window, 22 for
# the contact. The number of windows is a subquery, which PostgreSQL computes once: a join it would
# compute for each row, where its statistics expect few.
FREEZE = """
WITH audience AS MATERIALIZED ({audience}),
mixing AS (
  SELECT least(greatest(count(*) / 1024 / %(groups)s, 1), 64) AS windows FROM audience
   WHERE reason IS NULL),
frozen AS (
  INSERT INTO sending_message
         (mailing_id, contact_id, address, lane, variant, markets, repeats, counts_opens, attempts,
          reply, state, reason, settled_at)
  SELECT %(mailing)s, contact_id, address, coalesce(p.number, 0), {variant}, {markets}, false,
         {counts_opens}, 0, '',
         %(state)s, %(reason)s, %(settled_at)s
    FROM audience
    LEFT JOIN unnest(%(domains)s::text[], %(numbers)s::smallint[]) AS p (domain, number)
           ON p.domain = split_part(address, '@', 2)
{answers}   WHERE reason IS NULL
   ORDER BY (coalesce(p.number, 0)::bigint << 48) | ((contact_id >> 16 & 1048575) << 28)
            | (((hashint8extended(contact_id >> 5, %(mailing)s) & 4194303)
                %% (SELECT windows FROM mixing)) << 22)
            | (hashint8extended(contact_id, %(mailing)s) & 4194303)
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


# Sorts audiences up to about four million people in memory; larger ones on disk.
ROOM = "SET LOCAL work_mem = '256MB'"


# A pseudo-random number below variants.WHOLE for each person.
CHANCE = "(hashint8extended(contact_id, %(mailing)s) & 1048575)::int"
# The share that it falls into; 0: held out.
SHARE = f"width_bucket({CHANCE}, %(bounds)s::int[])"
# The variant for the language {tag} and the chance {chance} (variants.shares), by RFC 4647, section
# 3.4: the variant of the tag itself, or else of its longest prefix. "OFFSET 0": the tag is computed
# once, not for each variant.
OF_LANGUAGE = """
(SELECT v.number
   FROM (SELECT coalesce(lower(replace(btrim({tag}), '_', '-')), '') || '-' AS tag OFFSET 0) spoken
   JOIN unnest(%(prefixes)s::text[], %(begins)s::int[], %(variants)s::smallint[])
          AS v (prefix, begin, number)
     ON starts_with(spoken.tag, v.prefix) AND v.begin <= {chance}
  ORDER BY length(v.prefix) DESC, v.begin DESC, v.number DESC LIMIT 1)
"""
# Read only if the mailing has variants for languages.
SPOKEN = f"(SELECT c.attributes ->> '{ATTRIBUTE}' FROM contacts_contact c WHERE c.id = contact_id)"  # noqa: S608
HELD_OUT = """
SELECT contact_id, address,
       CASE WHEN reason IS NULL AND {share} = 0 THEN 'held_out' ELSE reason END AS reason,
       suppression_id{country}
  FROM ({audience}) a
"""
# While an audience is frozen, somebody may give an address of an earlier piece to a contact of this
# one. The address has its mail, or its reason, already.
MOVED = """
SELECT contact_id, address,
       CASE WHEN reason IS NULL AND EXISTS (
                   SELECT 1 FROM sending_message d
                    WHERE d.mailing_id = %(mailing)s AND d.address = a.address
                      AND NOT d.repeats)
            THEN 'address_moved' ELSE reason END AS reason,
       suppression_id{country}
  FROM ({audience}) a
 WHERE NOT EXISTS (SELECT 1 FROM sending_leftout o
                    WHERE o.mailing_id = %(mailing)s AND o.address = a.address)
"""


@dataclass(frozen=True, slots=True)
class FreezePiece:
    """A range of contact ids. `in_doubt`: whether these contacts got a mail is unknown, so they get
    none (Freezing.in_doubt). `moved`: an address may be in an earlier piece (MOVED)."""

    first: int
    last: int
    in_doubt: bool = False
    moved: bool = False


def freeze(
    mailing: Mailing,
    audience: Audience,
    piece: FreezePiece,
    *,
    variants: Sequence[Variant] = (),
    holdout: float = 0.0,
) -> tuple[int, dict[str, int]]:
    """(number of messages, {reason: number of people left out}). Needs a transaction, and sets its
    `work_mem`. `variants`: in the order of their numbers; without any, all recipients get variant
    0. `holdout`: percent of the recipients who get nothing."""
    weights, tags = [one.weight for one in variants] or [1], [one.language for one in variants]
    numbers = providers.numbers()
    state = Message.State.UNKNOWN if piece.in_doubt else Message.State.WAITING
    ruled = markets.of_mailing(mailing)
    asked = audiencesql.of(audience, piece=True, columns=ruled.columns)
    known: dict[str, Any] = asked.parameters | {
        "mailing": mailing.pk,
        "first": piece.first,
        "last": piece.last,
        "groups": (piece.last >> 16) - (piece.first >> 16) + 1,
        "state": state,
        "reason": "in_doubt" if piece.in_doubt else "",
        "settled_at": timezone.now() if piece.in_doubt else None,
        "bounds": bounds(weights, holdout),
        "domains": list(numbers),
        "numbers": list(numbers.values()),
        **ruled.parameters,
    }
    with connection.cursor() as cursor:
        cursor.execute(ROOM)
        people = asked.statement
        if holdout:
            people = HELD_OUT.replace("{share}", SHARE).replace("{audience}", people)
            people = people.replace("{country}", ruled.country)
        if piece.moved:
            people = blocks.named(MOVED, mailing.pk).replace("{audience}", people)
            people = people.replace("{country}", ruled.country)
        # Only FREEZE is bound to this block: the audience may read recipients of mailings in other
        # blocks.
        sql = blocks.named(FREEZE, mailing.pk).replace("{details}", asked.details)
        sql = sql.replace("{audience}", people)
        variant = f"{SHARE} - 1" if len(weights) > 1 else "0"
        if any(tags):
            variant = OF_LANGUAGE.format(tag=SPOKEN, chance=CHANCE)
            known |= columns(shares(weights, tags, holdout))
        sql = sql.replace("{variant}", variant)
        sql = sql.replace("{markets}", ruled.bits)
        answers, counts_opens = openconsent.joined(mailing.open_counting, "contact_id")
        sql = sql.replace("{answers}", answers).replace("{counts_opens}", counts_opens)
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
