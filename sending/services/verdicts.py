"""Judges whether a relay was right about the addresses that it refused.

A server may say that an address does not exist, but a relay that is out of order says so about
every address. So a refused address first fails as `address_pending`. Later it is judged together
with the refused and accepted mails around it (sending.streaks, queries.verdicts). It becomes
`address`, which counts as a bounce and suppresses the address, or `address_unproven`, which does
neither.

Pending addresses are rows: if a process dies, the next one judges them with the same result.
Addresses refused in a run that caused a hold (services.holds) wait for a person's decision.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from contacts.models import Suppression
from contacts.services.suppressions import suppress_addresses
from environment import logs
from relays.models import Relay
from relays.queries import clock
from sending.models import Event, Mailing, Message
from sending.queries import events, refusals, verdicts
from sending.streaks import OPEN_RUN

log = logs.get(__name__)

# Codes of pages.reasons.
PENDING, BELIEVED, UNPROVEN = "address_pending", "address", "address_unproven"
# While a mailing goes on, its latest refusals may be the beginning of a run, and are not judged
# yet.
TOO_NEW = timedelta(minutes=10)


def judge_due() -> int:
    """Judges all addresses that are due. Returns how many were suppressed."""
    due = verdicts.due()
    mailings = Mailing.objects.select_related("workspace").in_bulk([number for number, _ in due])
    return sum(_judge(mailings[number], over=over) for number, over in due if number in mailings)


def _judge(mailing: Mailing, *, over: bool) -> int:
    now = clock.now()
    until = now if over else now - TOO_NEW
    if mailing.state == Mailing.State.CANCELLED:
        verdicts.doubt_held(mailing)
    verdicts.doubt_runs(mailing, until)
    _doubt_strangers(mailing, until)
    suppressed = 0
    while number := _believe(mailing, until):
        suppressed += number
    with transaction.atomic():
        verdicts.done(mailing)
    log.info(
        "refused addresses judged",
        mailing=mailing.pk,
        workspace=mailing.workspace_id,
        suppressed=suppressed,
    )
    return suppressed


def _doubt_strangers(mailing: Mailing, until: datetime) -> None:
    """A relay that accepted nothing of the mailing is believed only about lanes of which it
    accepted a mail within a week, and only about a few addresses: more would be a run, also over
    several mailings."""
    places = verdicts.nothing_accepted(mailing, until)
    relays = Relay.objects.in_bulk({relay for relay, _, _ in places})
    for relay, lane, domain in places:
        if relay not in relays or not _trusted(mailing, relays[relay], lane, domain):
            verdicts.doubt_lane(mailing, until, (relay, lane, domain))


def _trusted(mailing: Mailing, relay: Relay, lane: int, domain: str) -> bool:
    numbers, domains = ([lane], []) if lane else ([], [domain])
    if not refusals.accepted_lanes(mailing, relay, numbers, domains, lately=True):
        return False
    return refusals.refused_since(mailing, relay, enough=OPEN_RUN) < OPEN_RUN


@transaction.atomic
def _believe(mailing: Mailing, until: datetime) -> int:
    """Suppresses believed addresses and records a hard bounce for each, in one transaction with the
    rows. Returns how many."""
    rows = verdicts.believe(mailing, until)
    if not rows:
        return 0
    suppress_addresses(
        mailing.workspace,
        [(address, reply) for _, address, reply, _ in rows],
        reason=Suppression.Reason.HARD_BOUNCED,
        source=mailing.source,
        messages={address: pk for pk, address, _, _ in rows},
    )
    hard = Event.Kind.HARD_BOUNCED
    events.record(events.EventRow(pk, hard, at, detail=reply) for pk, _, reply, at in rows)
    return len(rows)


def doubt(rows: QuerySet[Message]) -> None:
    """A person decided about these refusals: their pending addresses become unproven, and are not
    suppressed."""
    rows.filter(reason=PENDING).update(reason=UNPROVEN)
