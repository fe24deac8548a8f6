"""Looks for due work and says why a mailing waits. The broker is only told: run this relay."""

from django.db import connection

from relays import pace
from relays.models import Relay
from sending.queries.due import DUE, ROUTED, carries
from sending.services import holddecisions, streams, verdicts, waits
from sending.services.mailings import finish_all, tend_cancelled

# Relays that could work now: not waiting, with a mailing that has something due.
WORK = f"""
SELECT DISTINCT r.id
  FROM sending_mailing m JOIN relays_relay r ON {ROUTED.format(relay="r")}
 WHERE {carries("r")} AND {DUE}
"""  # noqa: S608 - only constants of ours

BUSY = """
SELECT relay_id, count(*) FROM relays_relayslot WHERE leased_until > now() GROUP BY 1
"""

# Nudges of one tick: more processes than this begin with the next.
MOST_TURNS = 16


def relays_to_run() -> dict[int, int]:
    """{relay id: number of processes that could still begin to carry over it}"""
    with connection.cursor() as cursor:
        cursor.execute(WORK)
        wanted = [row[0] for row in cursor.fetchall()]
        cursor.execute(BUSY)
        busy = dict(cursor.fetchall())
    relays = Relay.objects.in_bulk(wanted)
    free = {
        pk: min(pace.connections(relay), pace.MOST_SLOTS) - busy.get(pk, 0)
        for pk, relay in relays.items()
    }
    return {pk: number for pk, number in free.items() if number > 0}


def uncarried() -> bool:
    """Whether mail is due that no process carries."""
    with connection.cursor() as cursor:
        cursor.execute(WORK)
        wanted = {row[0] for row in cursor.fetchall()}
        cursor.execute(BUSY)
        return not wanted <= {row[0] for row in cursor.fetchall()}


def turns_wanted() -> int:
    return min(sum(relays_to_run().values()), MOST_TURNS)


def tend_mailings() -> None:
    """Finishes mailings whose ledger closes, and keeps the reason why the others wait."""
    holddecisions.release_due()
    finish_all()
    streams.rest()
    verdicts.judge_due()
    waits.tend()
    tend_cancelled()
