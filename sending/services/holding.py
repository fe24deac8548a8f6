"""Makes rows of models.Hold: a run of refusals holds a lane, a relay or a mailing. Holds that are
parts of one run are merged into one row, so that no message is counted, or asked about, twice."""

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
    """Why something is held: `refused` of `decided` messages since the run began; 0 where one
    refusal was enough."""

    reason: str
    words: str
    since: datetime
    refused: int = 0
    decided: int = 0


def hold(mailing: Mailing, relay: Relay, kind: str, why: HoldCause, *, lane: str = "") -> bool:
    """False: it was held already, by a worker that recorded at the same time."""
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
    # People are told once about each run.
    told = [one.told_at for one in earlier if one.told_at and one.reason == made.reason]
    made.told_at = max(told, default=None)
    heldpeople.count(made)
    # If two workers hold it at once, the constraint hold_once keeps one row.
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
    """Earlier holds of the same lane, relay or mailing that were released (the relay was started,
    the day of waiting is over) without a decision about their messages. Now that it is held again,
    all of them are one run, so that no message is counted, or asked about, twice."""
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
    """Merges holds of lanes into the hold of the relay or mailing: the lanes were held one after
    the other before it was known that the whole relay or mailing is refused. It is one run, with
    one decision. The first `keep` lanes stay separate."""
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
