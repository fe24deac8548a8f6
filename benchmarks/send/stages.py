"""What each step of sending costs a message, alone in one process: the product's own functions on
a mailing, one step after the other.

    python -m benchmarks.send.stages MESSAGES SINK-PORT

The last line is JSON: {stage: {"python": us, "postgres": us}}, microseconds of CPU a message.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.embedded import database

if TYPE_CHECKING:
    from sending.compose import Composer, Ready
    from sending.exchange import Outcome
    from sending.models import Batch, Mailing, Relay
    from sending.queries.claim import Claimed

CONNECTIONS = 10
BATCH = 1000


class Costs:
    """Sums the CPU time of stages: this process's, and that of the database behind it."""

    def __init__(self, messages: int) -> None:
        from django.db import connection  # noqa: PLC0415

        connection.ensure_connection()
        # Of Linux, in nanoseconds; /proc/<pid>/stat counts hundredths of a second.
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

    made = people.make([messages])
    relay = people.relay_to(made.workspace, port, connections=CONNECTIONS)
    costs = Costs(messages)
    with costs.of("freeze"):
        mailing = _open(made, relay, messages)
    while True:
        with costs.of("claim"):
            batch, claimed = _claim(mailing, relay)
        if batch is None:
            return costs.microseconds()
        with costs.of("fields"):
            composer = _composer(mailing, relay, claimed)
        with costs.of("compose"):
            ready = [_composed(composer, message) for message in claimed]
        with costs.of("wire"):
            outcomes = _sent(relay, claimed, ready)
        with costs.of("record"):
            _record(batch, mailing, relay, claimed, outcomes)


def _open(made: Any, relay: "Relay", messages: int) -> "Mailing":
    from benchmarks.send import design  # noqa: PLC0415
    from designs import services as designs  # noqa: PLC0415
    from sending.services import mailings  # noqa: PLC0415

    content = designs.freeze(made.design, subject=design.SUBJECT, preheader=design.PREHEADER)
    return mailings.open_mailing(
        workspace=made.workspace,
        origin="benchmark",
        content=content,
        from_name="Brand",
        from_email=design.FROM,
        lists_in=[made.lists[messages].pk],
        relay=relay,
    )


def _claim(mailing: "Mailing", relay: "Relay") -> tuple["Batch | None", list["Claimed"]]:
    from sending.queries.claim import claim  # noqa: PLC0415

    return claim(mailing, relay, holder="benchmark", limit=BATCH)


def _composer(mailing: "Mailing", relay: "Relay", claimed: list["Claimed"]) -> "Composer":
    from sending.compose import Composer  # noqa: PLC0415

    return Composer(mailing, relay, claimed)


def _composed(composer: "Composer", message: "Claimed") -> "Ready":
    from sending.compose import Ready  # noqa: PLC0415

    made = composer.compose(message)
    assert isinstance(made, Ready)
    return made


def _sent(relay: "Relay", claimed: list["Claimed"], ready: list["Ready"]) -> dict[int, "Outcome"]:
    """Opening the connections is among it."""
    import uvloop  # noqa: PLC0415

    from sending.exchange import Connection  # noqa: PLC0415
    from sending.services.relays import server_of  # noqa: PLC0415

    outcomes: dict[int, Outcome] = {}
    work = iter(zip(claimed, ready, strict=True))

    async def lane() -> None:
        connection = Connection(server_of(relay))
        await connection.open()
        for message, mail in work:
            outcomes[message.id] = await connection.send(
                mail.sender, mail.recipient, mail.content, handing_over=_nothing
            )
        await connection.quit()

    async def lanes() -> None:
        await asyncio.gather(*(lane() for _ in range(CONNECTIONS)))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(lanes())
    return outcomes


def _nothing() -> None: ...


def _record(
    batch: "Batch",
    mailing: "Mailing",
    relay: "Relay",
    claimed: list["Claimed"],
    outcomes: dict[int, "Outcome"],
) -> None:
    from sending.outcomes import settle  # noqa: PLC0415

    settle(batch, mailing, relay, claimed, outcomes)


def main() -> None:
    messages, port = map(int, sys.argv[1:])
    with database():
        print(json.dumps(measure(messages, port)))


if __name__ == "__main__":
    main()
