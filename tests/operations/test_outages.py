"""The broker goes away and comes back, under a real worker and a real beat: a line for each."""

import logging
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config.programs import ROOT, commands
from operations import outages
from quickstart.broker import EmbeddedBroker
from tests.config.test_serve import database
from tests.stack.installation import wait_for

# As `manage.py up` and docs/operators run them: gossip, which they go without, has a connection of
# its own, and Celery does not say when that one is back.
PROGRAMS = commands(host="", port=0, sandbox=False)
# Tries of both together that must fail in the outage; beat alone sends ten ticks a second.
TRIES = 40
OUTAGES = 2


class Refusing:
    """In the broker's place: hangs up on everybody, and counts them."""

    def __init__(self, path: Path) -> None:
        self.tries = 0
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        self.socket.listen(128)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        self.path = path

    def _serve(self) -> None:
        while True:
            try:
                self.socket.accept()[0].close()
            except OSError:
                return
            self.tries += 1

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(10)
        self.path.unlink()


@contextmanager
def program(command: tuple[str, ...], log: Path, env: dict[str, str]) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out)
    try:
        yield
        assert process.poll() is None, log.read_text()
    finally:
        process.terminate()
        process.wait(60)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_line_at_the_begin_and_one_at_the_end(open_path: Path) -> None:
    broker = EmbeddedBroker(open_path / "broker")
    broker.start()
    worker, beat = open_path / "worker.log", open_path / "beat.log"
    with database(migrated=True) as url:
        env = os.environ | {"DATABASE_URL": url, "CELERY_BROKER_URL": broker.url}
        with (
            program(PROGRAMS["worker-control"], worker, env),
            program(PROGRAMS["beat"], beat, env),
        ):
            wait_for(lambda: "ready." in worker.read_text(), 200, worker.read_text)
            wait_for(lambda: _ticks(url), 200, beat.read_text)
            before = {log: len(log.read_text().splitlines()) for log in (worker, beat)}
            for _ in range(OUTAGES):
                _outage(broker, (worker, beat))
    broker.stop()
    for log in (worker, beat):
        words = log.read_text()
        said = words.splitlines()[before[log] :]
        assert sum("broker can't be reached" in line for line in said) == OUTAGES, words
        assert sum("broker is back" in line for line in said) == OUTAGES, words
        assert "Traceback" not in words
        # Besides, Celery says that it is connected and found its queue again.
        assert len(said) <= OUTAGES * 6, words


def _ticks(url: str) -> bool:
    import psycopg  # noqa: PLC0415

    with psycopg.connect(url) as one:
        row = one.execute("SELECT 1 FROM operations_heartbeat WHERE name = 'beat'").fetchone()
    return row is not None


def _outage(broker: EmbeddedBroker, logs: tuple[Path, ...]) -> None:
    said = [log.read_text().count("broker is back") for log in logs]
    broker.stop()
    broker.socket.unlink(missing_ok=True)
    away = Refusing(broker.socket)
    wait_for(lambda: away.tries >= TRIES, 200)
    away.close()
    broker.start()
    wait_for(
        lambda: [log.read_text().count("broker is back") - 1 for log in logs] == said,
        200,
        lambda: "\n".join(log.read_text() for log in logs),
    )


def test_parts_of_a_worker_that_are_taken_down_without_a_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With a broker that goes away at once again, Celery logs it for each, with a traceback."""
    outage = outages.Outage("worker")
    logger = logging.getLogger("tests.steps")
    logger.addFilter(outages.StepsFilter(outage))
    logger.error("Error on restarting Gossip: AttributeError()")
    outage.begins("gone")
    logger.error("Error on restarting Gossip: AttributeError()")
    logger.error("something else")
    outage.ends()
    logger.error("Error on stopping Gossip: AttributeError()")
    said = [record.getMessage() for record in caplog.records if record.name == "tests.steps"]
    assert [words.partition(":")[0] for words in said] == [
        "Error on restarting Gossip",
        "something else",
        "Error on stopping Gossip",
    ]
