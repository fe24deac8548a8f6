"""A run of refusals holds a lane, a relay or a mailing: rows of models.Hold are made here. Of
several that are parts of one run one row is left: nobody is counted and asked about twice."""

from dataclasses import dataclass
from datetime import datetime

from environment import logs
from relays import providers
from relays.models import Relay
from sending.models import Hold, Mailing
from sending.services import heldpeople
from sending.services.holds import Kind, active, due_again

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class HoldCause:
    """Why something is held. `refused` of `decided` since the run began; 0 where one was enough."""

    reason: str
    words: str
    since: datetime
    refused: int = 0
    decided: int = 0


def hold(mailing: Mailing, relay: Relay, kind: str, why: HoldCause, *, lane: str = "") -> bool:
    """False: it was held already, by whoever recorded at the same time."""
    if active(mailing=mailing, relay=relay, kind=kind, lane=lane).exists():
        return False
    made = Hold(
        mailing=mailing,
        relay=relay,
        kind=kind,
        lane=lane,
        lane_number=providers.lane_number(lane) if lane else 0,
        reason=why.reason,
        words=why.words[:2000],
        since=why.since,
        refused=why.refused,
        decided=why.decided,
    )
    earlier = _let_go_undecided(made)
    made.since = min([made.since, *(one.since for one in earlier)])
    made.refused += sum(one.refused for one in earlier)
    made.decided += sum(one.decided for one in earlier)
    # People were told of it: once is enough for one run.
    told = [one.told_at for one in earlier if one.told_at and one.reason == made.reason]
    made.told_at = max(told, default=None)
    heldpeople.count(made)
    # By hold_once, where two workers come to it at once.
    Hold.objects.bulk_create([made], ignore_conflicts=True)
    Hold.objects.filter(pk__in=[one.pk for one in earlier]).delete()
    log.committed.warning(
        "run of refusals held",
        workspace=mailing.workspace_id,
        mailing=mailing.pk,
        relay=relay.pk,
        kind=str(kind),
        lane=lane or None,
        reason=why.reason,
        refused=why.refused,
        decided=why.decided,
        words=why.words,
    )
    return True


def _let_go_undecided(made: Hold) -> list[Hold]:
    """Runs of the same that were let go (the relay was started again, the day of waiting is over)
    before anybody decided about those who were refused. Refused again, all of it is one run, so
    that nobody is counted and asked about twice."""
    rows = Hold.objects.filter(
        mailing=made.mailing_id,
        kind=made.kind,
        lane=made.lane,
        decision="",
        released_at__isnull=False,
    )
    if made.kind != Kind.MAILING:
        rows = rows.filter(relay=made.relay_id)
    return list(rows)


def absorb(mailing: Mailing, relay: Relay, kind: str, *, keep: int = 0) -> None:
    """Lanes that were held, one after the other, before it was seen that the relay or the mailing
    is refused: all of it is one run, and one decision. The first `keep` stay by themselves."""
    lanes = active(mailing=mailing, kind=Kind.LANE, decision="")
    if kind == Kind.RELAY:
        lanes = lanes.filter(relay=relay)
    rows = list(lanes)[keep:]
    if not rows:
        return
    for one in active(mailing=mailing, relay=relay, kind=kind):
        one.since = min([one.since, *(lane.since for lane in rows)])
        one.refused += sum(lane.refused for lane in rows) if kind == Kind.RELAY else 0
        one.decided += sum(lane.decided for lane in rows) if kind == Kind.RELAY else 0
        one.save(update_fields=["since", "refused", "decided"])
    Hold.objects.filter(pk__in=[lane.pk for lane in rows]).delete()
    due_again([mailing.pk])
