"""Which relays have mail to carry, and which are served."""

from django.db import connection

from sending.queries.blocks import of_live
from sending.queries.due import DUE, ROUTED, carries

# Relays that could work now: not waiting, with a mailing that has something due.
WORK = f"""
SELECT DISTINCT r.id
  FROM sending_mailing m JOIN relays_relay r ON {ROUTED.format(relay="r")}
 WHERE {carries("r")} AND {DUE}
"""  # noqa: S608 - only constants of ours

BUSY = """
SELECT relay_id, count(*) FROM relays_relayslot WHERE leased_until > now() GROUP BY 1
"""


def wanted() -> set[int]:
    """Ids of relays that could work now: a mailing that they can carry has something due."""
    with connection.cursor() as cursor:
        cursor.execute(of_live(WORK))
        return {row[0] for row in cursor.fetchall()}


def busy() -> dict[int, int]:
    """{relay id: how many processes serve it}"""
    with connection.cursor() as cursor:
        cursor.execute(BUSY)
        return dict(cursor.fetchall())
