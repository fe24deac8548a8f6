"""Measures each step of sending alone: the product's own functions on a mailing, in one process,
one step after the other.

    python -m benchmarks.send.stages MESSAGES SINK-PORT

The last line is JSON: {stage: {"python": us, "postgres": us}}, microseconds of CPU for each
message. The steps are those of a delivery agent (sending.engine.deliveryagent). "claim" includes
reading merge fields; "fields" is that part alone.
"""

import gc
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.embedded import database
from contacts.provenance import Source

if TYPE_CHECKING:
    from relays.models import Relay
    from sending.engine.claimedbatch import ClaimedBatch
    from sending.models import Mailing
    from smtp import MailObject

CONNECTIONS = 10
BATCH = 1000


class Costs:
    """Sums the CPU time of stages: of this process, and of its database backend."""

    def __init__(self, messages: int) -> None:
        from django.db import connection  # noqa: PLC0415

        connection.ensure_connection()
        # Linux's count in nanoseconds; /proc/<pid>/stat has only hundredths of a second.
        self.backend = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
        self.messages = messages
        self.seconds: dict[str, list[float]] = {}

    @contextmanager
    def of(self, stage: str) -> Iterator[None]:
        python, postgres = time.process_time(), self._backend()
        yield
        spent = self.seconds.setdefault(stage, [0.0, 0.0])
        spent[0] += time.process_time() - python
        spent[1] += self._backend() - postgres

    def microseconds(self) -> dict[str, dict[str, float]]:
        return {
            stage: {
                "python": round(python / self.messages * 1e6, 1),
                "postgres": round(postgres / self.messages * 1e6, 1),
            }
            for stage, (python, postgres) in self.seconds.items()
        }

    def _backend(self) -> float:
        return int(self.backend.read_text().split()[0]) / 1e9


def measure(messages: int, port: int) -> dict[str, dict[str, float]]:
    from benchmarks.send import people  # noqa: PLC0415 - Django is set up by now
    from benchmarks.send.wire import Wire  # noqa: PLC0415
    from sending.engine.ledger import Ledger  # noqa: PLC0415
    from sending.engine.shift import COLLECT  # noqa: PLC0415

    gc.set_threshold(*COLLECT)
    made = people.make([messages])
    relay = people.relay_to(made.workspace, port, connections=CONNECTIONS)
    costs = Costs(messages)
    with costs.of("freeze"):
        mailing = _open(made, relay, messages)
    ledger = Ledger(relay)
    with Wire(relay, CONNECTIONS) as wire:
        while True:
            with costs.of("claim"):
                batch = ledger.claim(BATCH)
            if batch is None:
                return costs.microseconds()
            with costs.of("fields"):
                _fields(mailing, batch)
            with costs.of("compose"):
                mails = _composed(batch)
            with costs.of("journal"):
                _journal(batch)
            with costs.of("wire"):
                accepted = wire.send(mails)
            with costs.of("record"):
                ledger.record(batch, {}, accepted, seconds=1.0, ends=True)


def _open(made: Any, relay: "Relay", messages: int) -> "Mailing":
    from benchmarks.send import design  # noqa: PLC0415
    from contacts.audience import Audience  # noqa: PLC0415
    from designs import services as designs  # noqa: PLC0415
    from sending.services import freezing, mailings  # noqa: PLC0415

    content = designs.freeze(made.design, subject=design.SUBJECT, preheader=design.PREHEADER)
    mailing = mailings.open_mailing(
        workspace=made.workspace,
        source=Source("campaign", 1),
        content=content,
        from_name="Brand",
        from_email=design.FROM,
        audience=Audience.of_lists(made.workspace.pk, [made.lists[messages].pk]),
        relay=relay,
        open_counting="everybody",
    )
    freezing.go_on(seconds=3600)
    mailing.tally.refresh_from_db()
    return mailing


def _fields(mailing: "Mailing", batch: "ClaimedBatch") -> None:
    from contacts.queries.mergefields import merge_fields  # noqa: PLC0415

    merge_fields(mailing.workspace_id, [one.contact_id or 0 for one in batch.claim.messages])


def _composed(batch: "ClaimedBatch") -> list["MailObject"]:
    from smtp import MailObject  # noqa: PLC0415

    mails = []
    for message in batch.claim.messages:
        mail = batch.composer.compose(message, batch.fields_of(message))
        assert isinstance(mail, MailObject)
        mails.append(mail)
    return mails


def _journal(batch: "ClaimedBatch") -> None:
    """Writes the journal as with one connection: a reply and the next begin in one write."""
    from smtp import Stage  # noqa: PLC0415

    for message in batch.claim.messages:
        batch.journal.hand_over(message.id)
        batch.journal.reply(message.id, 250, Stage.CONTENT, "2.0.0 Ok: queued as 12345")
    batch.journal.flush()


def main() -> None:
    messages, port = map(int, sys.argv[1:])
    with database():
        print(json.dumps(measure(messages, port)))


if __name__ == "__main__":
    main()
