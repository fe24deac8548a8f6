"""The bits of finished mailings (sending.models.answers): made by a tick when a mailing is over,
and from then on changed by the transactions that change messages.

A writer changes messages, locks the tally, and then changes the bits. `begin` locks the tally, too:
so a change was either committed before and is read by `read`, or its writer sees the index. Bits
only come while the messages are read; of contacts whose bits may go, a list is kept (`again`).
"""

from collections.abc import Collection, Iterable
from enum import IntEnum
from typing import Any

from django.db import connection

from sending import blocks
from sending.models import AnswerBits, AnswerIndex, Message
from sending.queries.states import sql

SHIFT, SIZE = AnswerBits.SHIFT, AnswerBits.SIZE


class Kind(IntEnum):
    SENT = 1
    OPENED = 2
    # By a machine, too (sending.machines).
    OPENED_TOO = 3
    CLICKED = 4
    CLICKED_TOO = 5
    # Nobody knows whether the mail was opened.
    UNKNOWN = 6


# {kind: SQL about the message `m`}
MEANS = {
    Kind.SENT: sql("m.state = $ACCEPTED"),
    Kind.OPENED: "m.opened_at IS NOT NULL",
    Kind.OPENED_TOO: f"(m.opened_at IS NOT NULL OR m.machines & {Message.MACHINE_OPENED} > 0)",
    Kind.CLICKED: "m.clicked_at IS NOT NULL",
    Kind.CLICKED_TOO: f"(m.clicked_at IS NOT NULL OR m.machines & {Message.MACHINE_CLICKED} > 0)",
    Kind.UNKNOWN: sql(
        f"m.state = $ACCEPTED AND (NOT m.counts_opens OR m.machines & {Message.HIDDEN} > 0)"
    ),
}
# {(kind of the event, whether a machine did it): what it says of its recipient}
SAYS = {
    ("opened", False): (Kind.OPENED, Kind.OPENED_TOO),
    ("opened", True): (Kind.OPENED_TOO,),
    ("clicked", False): (Kind.CLICKED, Kind.CLICKED_TOO),
    ("clicked", True): (Kind.CLICKED_TOO,),
}
# Smaller mailings are read from their messages, which is as fast and takes no space.
LEAST = 2000

NONE = f"0::bit({SIZE})"


def one(contact: str) -> str:
    """SQL of the bits of one contact. `contact`: SQL of its id."""
    return f"set_bit({NONE}, ({contact} & {SIZE - 1})::int, 1)"


def of_messages(kinds: Iterable[Kind]) -> str:
    """SQL: (mailing_id, kind, span, bits) of the messages of {}, an array of mailings."""
    columns, pairs = [], []
    for kind in kinds:
        bits = f"bit_or({one('m.contact_id')}) FILTER (WHERE {MEANS[kind]})"
        columns.append(f"{bits} AS bits_{kind:d}")
        pairs.append(f"({kind:d}, bits_{kind:d})")
    # Contact 0 is nobody (queries.erasing).
    return f"""
SELECT mailing_id, kind, span, bits
  FROM (SELECT m.mailing_id, m.contact_id >> {SHIFT} AS span, {", ".join(columns)}
          FROM sending_message m WHERE m.mailing_id = ANY({{}}) AND m.contact_id > 0
         GROUP BY 1, 2) counted
 CROSS JOIN LATERAL (VALUES {", ".join(pairs)}) AS pairs (kind, bits)
 WHERE bits IS NOT NULL
"""  # noqa: S608 - only constants of ours


# Making the bits of a mailing --------------------------------------------------------------------

# Mailings that are over, the latest first, whose bits are missing or out of date. Only of blocks
# that still have messages.
DUE = """
SELECT m.id
  FROM sending_mailing m JOIN sending_tally t ON t.mailing_id = m.id
  LEFT JOIN sending_answerindex i ON i.mailing_id = m.id
 WHERE m.id >= %(first)s AND m.kind = 'one_off' AND m.state IN ('finished', 'cancelled')
   AND m.details_dropped_at IS NULL AND t.accepted >= %(least)s
   AND (i.mailing_id IS NULL OR NOT i.ready OR i.accepted <> t.accepted)
 ORDER BY m.id DESC LIMIT %(most)s
"""
LOCK = """
SELECT accepted FROM sending_tally WHERE mailing_id = ANY(%(mailings)s)
 ORDER BY mailing_id FOR UPDATE
"""
BEGIN = """
INSERT INTO sending_answerindex (mailing_id, accepted, ready, again)
VALUES (%(mailing)s, %(accepted)s, false, '{}')
ON CONFLICT (mailing_id) DO UPDATE SET accepted = excluded.accepted, ready = false, again = '{}'
"""
EMPTY = "DELETE FROM sending_answerbits WHERE mailing_id = %(mailing)s"
READ = f"""
INSERT INTO sending_answerbits AS b (mailing_id, kind, span, bits)
SELECT mailing_id, kind, span, bits
  FROM ({of_messages(Kind).format("ARRAY[%(mailing)s]")}) found
 ORDER BY mailing_id, kind, span
ON CONFLICT (mailing_id, kind, span) DO UPDATE SET bits = b.bits | excluded.bits
"""  # noqa: S608 - only constants of ours


def due(first: int, most: int) -> list[int]:
    """Mailings from the id `first` on whose bits are to be made."""
    with connection.cursor() as cursor:
        cursor.execute(DUE, {"first": first, "least": LEAST, "most": most})
        return [row[0] for row in cursor.fetchall()]


def begin(mailing_id: int) -> None:
    """From now on writers keep the bits, which are empty. Needs a transaction."""
    known: dict[str, Any] = {"mailing": mailing_id, "mailings": [mailing_id]}
    with connection.cursor() as cursor:
        cursor.execute(LOCK, known)
        (accepted,) = cursor.fetchone() or (0,)
        cursor.execute(EMPTY, known)
        cursor.execute(BEGIN, known | {"accepted": accepted})


def read(mailing_id: int) -> None:
    """Reads all messages. After `begin` was committed."""
    with connection.cursor() as cursor:
        cursor.execute(blocks.named(READ, mailing_id), {"mailing": mailing_id})


def end(mailing_id: int) -> None:
    """The bits may be used. Needs a transaction, after `read` was committed."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, {"mailings": [mailing_id]})
        index = AnswerIndex.objects.filter(pk=mailing_id).first()
        if index is None:  # the mailing goes on (`forget`)
            return
        _again(cursor, [(mailing_id, contact) for contact in set(index.again)])
        AnswerIndex.objects.filter(pk=mailing_id).update(ready=True, again=[])


# Changes -----------------------------------------------------------------------------------------

# What became true, for WITH, as parallel arrays. Mailings without an index are passed over. An
# earlier statement must have locked the tallies.
ADDED = f"""
added AS (
  INSERT INTO sending_answerbits AS b (mailing_id, kind, span, bits)
  SELECT g.mailing_id, g.kind, g.contact_id >> {SHIFT}, bit_or({one("g.contact_id")})
    FROM unnest(%(bits_mailings)s::bigint[], %(bits_contacts)s::bigint[],
                %(bits_kinds)s::smallint[]) AS g (mailing_id, contact_id, kind)
    JOIN sending_answerindex i ON i.mailing_id = g.mailing_id
   WHERE g.contact_id > 0
   GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
  ON CONFLICT (mailing_id, kind, span) DO UPDATE SET bits = b.bits | excluded.bits)"""  # noqa: S608 - only constants of ours
NAMES = ("mailings", "contacts", "kinds")
# Also of mailings without an index: one may begin at this moment.
LOCK_THEIRS = """
SELECT FROM sending_tally
 WHERE mailing_id IN (SELECT m.mailing_id FROM sending_message m
                       WHERE m.id = ANY(%(messages)s) AND {m})
 ORDER BY mailing_id FOR UPDATE
"""
# (mailing, contact) of messages of indexed mailings.
PAIRS = """
SELECT DISTINCT m.mailing_id, m.contact_id
  FROM sending_message m JOIN sending_answerindex i ON i.mailing_id = m.mailing_id
 WHERE m.id = ANY(%(messages)s) AND {m} AND m.contact_id > 0
"""
ASK_AGAIN = """
UPDATE sending_answerindex i SET again = i.again || p.contacts
  FROM (SELECT mailing_id, array_agg(contact_id) AS contacts
          FROM unnest(%(mailings)s::bigint[], %(contacts)s::bigint[]) AS p (mailing_id, contact_id)
         GROUP BY 1 ORDER BY 1) p
 WHERE i.mailing_id = p.mailing_id AND NOT i.ready
"""
# By the index of messages on the contact ("+ 0": not by one on the mailing, whatever the statistics
# say).
NOW = f"""
SELECT ARRAY[{", ".join(f"coalesce(bool_or({MEANS[kind]}), false)" for kind in sorted(Kind))}]
  FROM sending_message m
 WHERE m.contact_id = p.contact_id AND m.mailing_id + 0 = p.mailing_id AND {{m}}
"""  # noqa: S608 - only constants of ours
AGAIN = f"""
WITH found AS (
  SELECT p.mailing_id, p.contact_id, k.kind, k.yes
    FROM unnest(%(mailings)s::bigint[], %(contacts)s::bigint[]) AS p (mailing_id, contact_id)
   CROSS JOIN LATERAL unnest(({NOW})) WITH ORDINALITY AS k (yes, kind)),
changed AS (
  SELECT mailing_id, kind, contact_id >> {SHIFT} AS span,
         coalesce(bit_or({one("contact_id")}) FILTER (WHERE yes), {NONE}) AS come,
         coalesce(bit_or({one("contact_id")}) FILTER (WHERE NOT yes), {NONE}) AS gone
    FROM found GROUP BY 1, 2, 3)
INSERT INTO sending_answerbits AS b (mailing_id, kind, span, bits)
SELECT mailing_id, kind, span, come FROM changed ORDER BY 1, 2, 3
ON CONFLICT (mailing_id, kind, span) DO UPDATE
   SET bits = b.bits & ~(SELECT c.gone FROM changed c
                          WHERE c.mailing_id = b.mailing_id AND c.kind = b.kind
                            AND c.span = b.span) | excluded.bits
"""  # noqa: S608 - only constants of ours


def added(said: Iterable[tuple[int, int | None, int]]) -> dict[str, list[Any]]:
    """The parameters of ADDED for (mailing, contact, kind)."""
    columns = list(zip(*said, strict=True)) or [(), (), ()]
    return {f"bits_{name}": list(column) for name, column in zip(NAMES, columns, strict=True)}


def lock(mailings: Iterable[int]) -> None:
    """Locks the tallies, for ADDED."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, {"mailings": sorted(set(mailings))})


def look_again(messages: Iterable[int]) -> None:
    """Sets the bits of the recipients of messages that changed in any way. Needs a transaction."""
    messages = set(messages)
    among = {blocks.of_message(number) for number in messages}
    of_them = blocks.within(among, "m.mailing_id")
    with connection.cursor() as cursor:
        cursor.execute(LOCK_THEIRS.replace("{m}", of_them), {"messages": list(messages)})
        cursor.execute(PAIRS.replace("{m}", of_them), {"messages": list(messages)})
        if pairs := cursor.fetchall():
            _again(cursor, pairs)
            cursor.execute(ASK_AGAIN, _columns(pairs))


def _columns(pairs: Collection[tuple[int, int]]) -> dict[str, Any]:
    mailings, contacts = zip(*pairs, strict=True)
    return {"mailings": list(mailings), "contacts": list(contacts)}


def _again(cursor: Any, pairs: Collection[tuple[int, int]]) -> None:
    if pairs:
        among = {blocks.of_mailing(mailing) for mailing, _contact in pairs}
        statement = AGAIN.replace("{m}", blocks.within(among, "m.mailing_id"))
        cursor.execute(statement, _columns(pairs))


def drop(mailings: Iterable[int]) -> None:
    """Of mailings whose messages are dropped."""
    AnswerIndex.objects.filter(pk__in=mailings).delete()
    AnswerBits.objects.filter(mailing__in=mailings).delete()


# The mailing's bits are not read any more, until a tick makes them anew. A part of a statement
# about one mailing.
FORGOTTEN = """
forgotten AS (DELETE FROM sending_answerindex WHERE mailing_id = %(mailing)s)"""

# Readers -----------------------------------------------------------------------------------------

READY = """
SELECT i.mailing_id FROM sending_answerindex i JOIN sending_tally t USING (mailing_id)
 WHERE i.mailing_id = ANY(%(mailings)s) AND i.ready AND i.accepted = t.accepted
"""


def ready(mailings: Collection[int]) -> list[int]:
    """Those whose bits may be read."""
    with connection.cursor() as cursor:
        cursor.execute(READY, {"mailings": list(mailings)})
        return [row[0] for row in cursor.fetchall()]
