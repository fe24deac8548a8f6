"""Settles batches of dead workers, so that no message stays claimed forever."""

from datetime import UTC, timedelta

from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_noop

from environment import logs
from relays.services import pace
from sending.host import journal, processlock
from sending.models import Batch, Message
from sending.queries.blocks import of_messages
from sending.queries.claim import Claim, Claimed
from sending.queries.record import Result, record
from sending.services.outcomes import settle
from smtp import End, Outcome, recalled
from smtp.accepted import Accepted

log = logs.get(__name__)

# How long after the end of its lease a batch of another host waits before its messages count as
# unknown: the host may come back, and its journal says what really happened.
AWAY = timedelta(minutes=10)
KILLED = gettext_noop("The worker was killed.")


def recover_journals() -> int:
    """Settles the batches of dead workers of this host from their journals. Returns how many. Also
    frees their slots at relays, because their connections are closed."""
    for name in processlock.dead_processes():
        pace.free_slots_of(name)
    number = 0
    for path, story in journal.orphans():
        for batch in Batch.objects.filter(holder=journal.holder(path)).select_related(
            "mailing__workspace", "relay"
        ):
            _settle(batch, story)
            number += 1
    return number


def _settle(batch: Batch, story: journal.Story) -> None:
    claim = _claim(batch)
    story.doubt(batch.ids)
    outcomes, accepted = _answered(claim, story)
    for message in claim.messages:
        if message.id in story.replies:
            continue
        if message.id in story.in_doubt:
            outcomes[message.id] = Outcome(End.IN_DOUBT, words=KILLED)
    log.warning(
        "batch of a dead worker settled",
        workspace=batch.mailing.workspace_id,
        mailing=batch.mailing_id,
        relay=batch.relay_id,
        batch=batch.pk,
        messages=len(claim.messages),
        outcomes=len(outcomes) + len(accepted),
    )
    # A claimed batch always has a relay.
    if batch.relay is not None:
        settle(claim, batch.mailing, batch.relay, outcomes, accepted)
        unused = len(claim.messages) - len(outcomes) - len(accepted)
        pace.count_back(batch.relay, batch.claimed_at.astimezone(UTC), unused)


def _answered(claim: Claim, story: journal.Story) -> tuple[dict[int, Outcome], Accepted]:
    """The outcomes of replies, in their order, so that runs of refusals are found."""
    outcomes, accepted = {}, Accepted()
    messages = {message.id: message for message in claim.messages}
    for number, reply in story.replies.items():
        if (message := messages.get(number)) is None:
            continue
        if 200 <= reply.code < 300:
            accepted.add(number, message.lane, f"{reply.code} {reply.words}", 0.0)
        else:
            accepted.refuse(number)
            outcomes[number] = recalled(reply.code, reply.words, reply.stage)
    return outcomes, accepted


def _claim(batch: Batch) -> Claim:
    rows = Message.objects.filter(
        of_messages(batch.ids), pk__in=batch.ids, state=Message.State.WAITING
    )
    messages = rows.order_by("pk").values_list(
        "id", "contact_id", "address", "attempts", "lane", "variant"
    )
    return Claim(batch.pk, batch.epoch, batch.holder, tuple(Claimed(*row) for row in messages))


def sweep() -> int:
    """Ends batches whose lease ran out and whose journal can't be read here: messages without a
    recorded result become unknown. Returns how many."""
    recover_journals()
    number = 0
    here = f"{journal.host()}:"
    # By the database's clock, which the leases were written with; a host's clock may be wrong.
    ended = Batch.objects.filter(leased_until__lt=Now()).exclude(holder="")
    for batch in ended.annotate(away=Q(leased_until__lt=Now() - AWAY)):
        if batch.holder.startswith(here):
            path = journal.directory() / batch.holder.removeprefix(here)
            # The journal exists: its owner lives but is slow, and will record. Without a journal
            # the results are lost.
            if path.exists():
                continue
        elif not batch.away:
            continue
        number += _give_up(batch)
    return number


def _give_up(batch: Batch) -> int:
    lost = [Result(number, Message.State.UNKNOWN, "worker_lost") for number in batch.ids]
    number = len(record(Claim(batch.pk, batch.epoch, batch.holder, ()), lost))
    log.warning(
        "batch of a lost host given up",
        mailing=batch.mailing_id,
        relay=batch.relay_id,
        batch=batch.pk,
        unknown=number,
    )
    return number
