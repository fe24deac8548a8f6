"""Where this database lies, the positions of its hosts, and messages that a host's log reports as
sent."""

from functools import cache
from typing import Any, NamedTuple

from django.db import connection

from sending import blocks
from sending.models import Installation
from sending.queries.states import sql

# A restored dump has a table with another oid, in whatever database or cluster. A copy of the whole
# cluster has the same stamp; hosts recognize that by their files.
PLACE = """
SELECT {cluster} || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())
       || '/' || 'sending_installation'::regclass::oid
"""
CLUSTER = "(SELECT system_identifier::text FROM pg_control_system())"

# Everything that `look` needs, in one statement.
LOOK = """
SELECT i.key, i.stamp, i.place, ({place}),
       coalesce((SELECT generation FROM sending_hostposition WHERE host = %(host)s), 0),
       f.id, f.id IS NOT NULL AND f.released_at IS NULL,
       EXISTS (SELECT 1 FROM sending_hostreport r WHERE r.fence_id = f.id AND r.host = %(host)s)
  FROM sending_installation i
  LEFT JOIN LATERAL (SELECT id, released_at FROM sending_fence ORDER BY id DESC LIMIT 1) f ON true
"""

# The commit does not wait for the disk. The claim's commit, which comes next, makes both durable,
# and only then the host writes the number into its file.
MOVE = """
INSERT INTO sending_hostposition (host, name, generation, moved_at)
VALUES (%(host)s, %(name)s, %(least)s + 1, now())
    ON CONFLICT (host) DO UPDATE
   SET generation = greatest(sending_hostposition.generation, %(least)s) + 1,
       name = excluded.name, moved_at = now()
RETURNING generation, set_config('synchronous_commit', 'off', true)
"""


class CopySigns(NamedTuple):
    """`generation`: this host's, in the database; `fence`: id of the latest one, if any."""

    key: str
    stamp: str
    place: str
    stamp_now: str
    generation: int
    fence: int | None
    fence_up: bool
    reported: bool


@cache
def _place() -> str:
    """The stamp's expression. Without the right to ask for the cluster's identifier, the stamp has
    only the other parts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_function_privilege('pg_control_system()', 'EXECUTE')")
        (may,) = cursor.fetchone() or (False,)
    return PLACE.format(cluster=CLUSTER if may else "''")


def data_directory() -> str:
    """Where the cluster's files are; "": this user may not know."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_has_role('pg_read_all_settings', 'USAGE')")
        (may,) = cursor.fetchone() or (False,)
        if not may:
            return ""
        cursor.execute("SELECT current_setting('data_directory')")
        return str((cursor.fetchone() or ("",))[0])


def stamp() -> str:
    with connection.cursor() as cursor:
        cursor.execute(_place())
        return str((cursor.fetchone() or ("",))[0])


def look(host: str) -> CopySigns | None:
    """None: there is no installation yet."""
    with connection.cursor() as cursor:
        cursor.execute(LOOK.replace("{place}", _place()), {"host": host})
        row = cursor.fetchone()
    return CopySigns(*row) if row else None


def move(host: str, name: str, least: int = 0) -> int:
    """Stores and returns the host's next generation, larger than `least`."""
    with connection.cursor() as cursor:
        cursor.execute(MOVE, {"host": host, "name": name, "least": least})
        return int((cursor.fetchone() or (0,))[0])


def differs(before: str, now: str) -> bool:
    """Whether two stamps differ. Parts that are empty in one of them are ignored."""
    pairs = zip(before.split("/"), now.split("/"), strict=False)
    return any(a != b for a, b in pairs if a and b)


# Waiting messages of a mailing that a host's log reports as sent. An answer in one log wins.
# "mailing_id + 0" and "state + 0": see queries.claim and queries.record.
_KNOWN = sql("""
SELECT m.id, bool_or(s.accepted) AS accepted
  FROM sending_sentrange s
  JOIN sending_message m ON m.id BETWEEN s.first_id AND s.last_id
 WHERE s.mailing_id = %(mailing)s AND m.mailing_id + 0 = %(mailing)s AND m.state + 0 = $WAITING
 GROUP BY m.id
""")

COUNT = f"""
SELECT count(*) FILTER (WHERE accepted), count(*) FILTER (WHERE NOT accepted)
  FROM ({_KNOWN}) known
"""  # noqa: S608 - only constants of ours

OF_BATCH = f"SELECT id, accepted FROM ({_KNOWN}) known WHERE id = ANY(%(ids)s)"  # noqa: S608

# Messages in a batch that a worker holds are settled with the batch.
SETTLE = sql(f"""
WITH claimed AS (
  SELECT unnest(ids) AS id FROM sending_batch WHERE mailing_id = %(mailing)s AND holder <> ''),
known AS MATERIALIZED (
  {_KNOWN.replace("GROUP BY", "AND m.id NOT IN (SELECT id FROM claimed) GROUP BY")}),
settled AS (
  UPDATE sending_message m
     SET state = CASE WHEN known.accepted THEN 2 ELSE 5 END,
         reason = CASE WHEN known.accepted THEN '' ELSE 'in_doubt' END,
         reply = %(reply)s, attempts = attempts + 1, settled_at = now(), retry_at = NULL
    FROM known WHERE m.id = known.id AND m.state + 0 = $WAITING
  RETURNING m.state, m.counts_opens),
counted AS (
  SELECT count(*) FILTER (WHERE state = $ACCEPTED) AS accepted,
         count(*) FILTER (WHERE state = $UNKNOWN) AS unknown,
         count(*) FILTER (WHERE state = $ACCEPTED AND counts_opens) AS with_pixel
    FROM settled)
UPDATE sending_tally t
   SET waiting = t.waiting - c.accepted - c.unknown,
       accepted = t.accepted + c.accepted, with_pixel = t.with_pixel + c.with_pixel,
       unknown = t.unknown + c.unknown
  FROM counted c WHERE t.mailing_id = %(mailing)s
RETURNING c.accepted, c.unknown
""")  # noqa: S608 - only constants of ours


# Ids of a later piece of the audience are larger than all ids in this database (models.Freezing).
SENT_MORE = """
SELECT EXISTS (SELECT 1 FROM sending_sentrange
                WHERE mailing_id = %(mailing)s
                  AND last_id > (SELECT coalesce(max(last_id), 0) FROM sending_mailinglane
                                  WHERE mailing_id = %(mailing)s))
"""


def sent_more(mailing_id: int) -> bool:
    """Whether hosts sent messages of the mailing that this database does not have."""
    with connection.cursor() as cursor:
        cursor.execute(SENT_MORE, {"mailing": mailing_id})
        return bool((cursor.fetchone() or (False,))[0])


def count(mailing_id: int) -> tuple[int, int]:
    """(accepted, in doubt): sent messages that this database still has as waiting."""
    return _pair(COUNT, {"mailing": mailing_id})


def known_of(mailing_id: int, ids: list[int]) -> dict[int, bool]:
    """{message id: whether it was accepted}"""
    with connection.cursor() as cursor:
        cursor.execute(blocks.named(OF_BATCH, mailing_id), {"mailing": mailing_id, "ids": ids})
        return dict(cursor.fetchall())


def settle(mailing_id: int, reply: str) -> tuple[int, int]:
    return _pair(SETTLE, {"mailing": mailing_id, "reply": reply})


def _pair(sql: str, known: dict[str, Any]) -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(blocks.named(sql, known["mailing"]), known)
        row = cursor.fetchone() or (0, 0)
    return int(row[0]), int(row[1])


def make_installation() -> None:
    """Makes the installation's row in a new database, once, even if two processes do it at once."""
    Installation.objects.bulk_create([Installation(stamp=stamp())], ignore_conflicts=True)
