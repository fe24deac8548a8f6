"""Events of messages for the table of recipients and its CSV: one query for many messages."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sending.models import Event
from sending.queries.blocks import of_messages

Kind = Event.Kind
# Opens and clicks are left out: one message may have hundreds, and it has columns for the first.
KINDS = tuple(kind for kind in Kind if kind not in {Kind.OPENED, Kind.CLICKED})


@dataclass(frozen=True, slots=True)
class CameBack:
    """The first event of its kind of a message. `words`: what the server or the notice says."""

    kind: str
    at: datetime
    words: str


def after(messages: Collection[int]) -> dict[int, list[CameBack]]:
    """What came back after these messages, by their ids: the first event of each kind, oldest
    first. Reads by the index of events on the message, in the blocks of these messages only."""
    found = (
        Event.objects.filter(of_messages(messages), message__in=messages, kind__in=KINDS)
        .order_by("message_id", "kind", "at", "pk")
        .distinct("message_id", "kind")
    )
    answers: dict[int, list[CameBack]] = defaultdict(list)
    for message, kind, at, words in found.values_list("message_id", "kind", "at", "detail"):
        # The detail of an unsubscription is nobody's answer.
        answers[message].append(CameBack(kind, at, "" if kind == Kind.UNSUBSCRIBED else words))
    for events in answers.values():
        events.sort(key=lambda event: event.at)
    return answers
