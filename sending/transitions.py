"""The states of a mailing and the transitions between them, in one table."""

from sending.models import Mailing

State = Mailing.State

# verb: (from any of these, to)
TRANSITIONS: dict[str, tuple[frozenset[str], str]] = {
    "pause": (frozenset({State.SENDING}), State.PAUSED),
    "resume": (frozenset({State.PAUSED}), State.SENDING),
    "cancel": (frozenset({State.SENDING, State.PAUSED}), State.CANCELLED),
    "finish": (frozenset({State.SENDING}), State.FINISHED),
    # Sending unknown or failed messages again reopens the mailing.
    "reopen": (frozenset({State.FINISHED}), State.SENDING),
}


def allowed(verb: str, state: str) -> bool:
    return state in TRANSITIONS[verb][0]
