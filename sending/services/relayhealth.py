"""A relay's state as its own answers teach it: ready, waiting until a time, or stopped."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils import timezone

from sending import reasons
from sending.exchange import ConnectError, End, Outcome
from sending.models import Relay
from sending.replies import Meaning, meaning

# Seconds without the relay after so many failures one after the other.
BACK_OFF = (5, 10, 20, 60, 120, 300)
# Reasons that only a person can mend.
STOPPING = {"login", "certificate"}


def ready(relay: Relay) -> bool:
    return relay.state == Relay.State.ACTIVE and (
        relay.wait_until is None or relay.wait_until <= timezone.now()
    )


def stop(relay: Relay, why: str) -> None:
    Relay.objects.filter(pk=relay.pk, state=Relay.State.ACTIVE).update(
        state=Relay.State.STOPPED, state_reason=why[:2000], state_since=timezone.now()
    )


def wait(relay: Relay, reason: str, until: datetime, words: str = "") -> None:
    Relay.objects.filter(pk=relay.pk).update(
        wait_until=until, wait_reason=reason, state_reason=words[:2000]
    )


def learn(relay: Relay, outcomes: Iterable[Outcome], error: ConnectError | None) -> None:
    """Takes what a batch showed: trouble makes the relay wait or stops it, success clears that."""
    seen = list(outcomes)
    if error is not None and error.reason in STOPPING:
        stop(relay, f"{reasons.text(error.reason)}: {error.words}")
        return
    refusals = {
        meaning(one.code, one.words): one
        for one in seen
        if one.end is End.REFUSED and one.code >= 200
    }
    for why, one in refusals.items():
        if why.stops_relay:
            stop(relay, f"{reasons.text(why.value)}: {one.code} {one.words}")
            return
    if error is not None:
        _back_off(relay, error.reason, error.words)
    elif Meaning.RATE in refusals:
        _back_off(relay, "rate", refusals[Meaning.RATE].words)
    elif any(one.end in {End.TAKEN, End.REFUSED} for one in seen):
        Relay.objects.filter(pk=relay.pk, failures__gt=0).update(
            failures=0, wait_until=None, wait_reason="", state_reason=""
        )
    elif seen:
        _back_off(relay, "connection", next(iter(seen)).words)


def _back_off(relay: Relay, reason: str, words: str) -> None:
    relay.refresh_from_db()
    pause = BACK_OFF[min(relay.failures, len(BACK_OFF) - 1)]
    relay.failures += 1
    relay.save(update_fields=["failures"])
    wait(relay, reason, timezone.now() + timedelta(seconds=pause), words)
