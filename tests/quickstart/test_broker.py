import os
import signal
from pathlib import Path

import redis

from quickstart.broker import EmbeddedBroker


def test_keeps_what_was_queued_over_a_kill(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path / "broker")
    broker.start()
    assert broker.process
    with redis.Redis(unix_socket_path=str(broker.socket)) as client:
        client.rpush("queue", "task")
        client.execute_command("WAITAOF", "1", "0", "2000")
    os.kill(broker.process.pid, signal.SIGKILL)
    broker.process.wait(10)

    again = EmbeddedBroker(tmp_path / "broker")
    again.start()
    try:
        with redis.Redis(unix_socket_path=str(again.socket)) as client:
            assert client.lrange("queue", 0, -1) == [b"task"]
    finally:
        again.stop()
