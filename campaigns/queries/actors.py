"""Who opened and clicked mails, for the table of recipients and its CSV."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sending.machines import KINDS, WORDS, Actor, event_words
from sending.models import Event
from sending.queries.blocks import of_messages


@dataclass(frozen=True, slots=True)
class FirstAct:
    """The first open or click of a message by an actor."""

    kind: str
    at: datetime
    actor: Actor

    @property
    def words(self) -> str:
        return str(WORDS[self.actor])


def of(messages: Collection[int]) -> dict[int, list[FirstAct]]:
    """The first open and click of each actor, oldest first, by the messages' ids: at most twenty
    for each. Reads by the index of events on the message, in the blocks of these messages only."""
    found = (
        Event.objects.filter(of_messages(messages), message__in=messages, kind__in=KINDS)
        .order_by("message_id", "kind", "actor", "at")
        .distinct("message_id", "kind", "actor")
    )
    acts: dict[int, list[FirstAct]] = defaultdict(list)
    if not messages:
        return acts
    for message, kind, at, actor in found.values_list("message_id", "kind", "at", "actor"):
        acts[message].append(FirstAct(kind, at, Actor(actor)))
    for some in acts.values():
        some.sort(key=lambda act: act.at)
    return acts


def first(acts: Iterable[FirstAct], kind: str) -> Actor | None:
    """Who opened or clicked first, a person rather than a machine; None: nobody."""
    found = [act for act in acts if act.kind == kind]
    return min(found, key=lambda act: (act.actor.is_machine, act.at)).actor if found else None


def in_words() -> dict[tuple[str, Actor], str]:
    """{(kind, actor): "Opened (by a machine: ...)"}, in the present language."""
    return {
        (kind, actor): event_words(Event.Kind(kind).label, actor)
        for kind in KINDS
        for actor in Actor
    }
