"""The states of a mailing and what leads from one to another: the one table."""

from sending.models import Mailing

State = Mailing.State

# verb: (from any of these, to)
TRANSITIONS: dict[str, tuple[frozenset[str], str]] = {
    "pause": (frozenset({State.SENDING}), State.PAUSED),
    "resume": (frozenset({State.PAUSED}), State.SENDING),
    "cancel": (frozenset({State.SENDING, State.PAUSED}), State.CANCELLED),
    "finish": (frozenset({State.SENDING}), State.FINISHED),
    # Unknown or failed messages that are sent again open the mailing again.
    "reopen": (frozenset({State.FINISHED}), State.SENDING),
}


def allowed(verb: str, state: str) -> bool:
    return state in TRANSITIONS[verb][0]
