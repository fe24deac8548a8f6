"""Brings back what dead workers held, so that the ledger closes whatever was killed."""

import logging
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from sending import journal, pace
from sending.exchange import End, Outcome
from sending.models import Batch, Message
from sending.outcomes import settle
from sending.queries.claim import Claimed
from sending.queries.record import Result, record

log = logging.getLogger(__name__)

# How long a host whose lease ended may stay away before its messages count as unknown: until then
# it can come back and tell from its journal what really happened.
AWAY = timedelta(minutes=10)


def recover_journals() -> int:
    """Settles the batches of dead workers of this host from their journals; returns how many."""
    number = 0
    for path, story in journal.orphans():
        holder = journal.holder(path)
        for batch in Batch.objects.filter(holder=holder).select_related(
            "mailing__workspace", "relay"
        ):
            _settle(batch, story)
            number += 1
        pace.free_slots(holder)
    return number


def _settle(batch: Batch, story: journal.Story) -> None:
    claimed = [
        Claimed(*row)
        for row in Message.objects.filter(
            batch_id=batch.pk, state=Message.State.IN_FLIGHT
        ).values_list("id", "contact_id", "address", "attempts")
    ]
    outcomes = {}
    for message in claimed:
        if reply := story.replies.get(message.id):
            end = End.TAKEN if 200 <= reply[0] < 300 else End.REFUSED
            outcomes[message.id] = Outcome(end, *reply)
        elif message.id in story.in_doubt or not story.complete:
            outcomes[message.id] = Outcome(End.IN_DOUBT, words="the worker was killed")
    log.warning(
        "batch %s of mailing %s: its worker died; %s of %s messages had an outcome",
        batch.pk,
        batch.mailing_id,
        len(outcomes),
        len(claimed),
    )
    settle(batch, batch.mailing, batch.relay, claimed, outcomes)


def sweep() -> int:
    """Ends batches whose lease ran out and whose journal can't be had: all that was not recorded is
    unknown. Returns how many messages that were."""
    recover_journals()
    number = 0
    now = timezone.now()
    here = f"{journal.host()}:"
    for batch in Batch.objects.filter(leased_until__lt=now).select_related("mailing"):
        if batch.holder.startswith(here):
            path = journal.directory() / batch.holder.removeprefix(here)
            # Its owner lives, only slowly: it will record. Without a journal nobody can tell.
            if path.exists():
                continue
        elif batch.leased_until > now - AWAY:
            continue
        number += _give_up(batch)
    return number


@transaction.atomic
def _give_up(batch: Batch) -> int:
    ids = Message.objects.filter(batch_id=batch.pk, state=Message.State.IN_FLIGHT)
    lost = [
        Result(number, Message.State.UNKNOWN, "worker_lost")
        for number in ids.values_list("id", flat=True)
    ]
    return len(record(batch, lost))
