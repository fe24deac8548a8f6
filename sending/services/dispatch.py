"""Looks for due work and says why a mailing waits. The broker is only told: run this relay."""

from relays.models import Relay
from relays.services import pace
from sending.queries import work
from sending.services import holddecisions, streams, verdicts, waits
from sending.services.mailings import finish_all, tend_cancelled

# Nudges of one tick: more processes than this begin with the next.
MOST_SHIFTS = 16


def relays_to_run() -> dict[int, int]:
    """{relay id: number of processes that could still begin to serve it}"""
    wanted, busy = work.wanted(), work.busy()
    relays = Relay.objects.in_bulk(wanted)
    free = {
        pk: min(pace.connections(relay), pace.MOST_SLOTS) - busy.get(pk, 0)
        for pk, relay in relays.items()
    }
    return {pk: number for pk, number in free.items() if number > 0}


def unserved() -> bool:
    """Whether mail is due for a relay that no process serves."""
    return not work.wanted() <= work.busy().keys()


def shifts_wanted() -> int:
    return min(sum(relays_to_run().values()), MOST_SHIFTS)


def tend_mailings() -> None:
    """Finishes mailings whose ledger closes, and keeps the reason why the others wait."""
    holddecisions.release_due()
    finish_all()
    streams.rest()
    verdicts.judge_due()
    waits.tend()
    tend_cancelled()
