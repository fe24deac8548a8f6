"""Further worker hosts beside an installation: a state directory of their own, nothing shared but
the database and the broker. And what the test does inside the installation (see scene)."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from django.db import transaction

from config.programs import commands
from environment import envfile
from relays.models import Relay
from tests.stack import scene
from tests.stack.installation import ROOT, Installation, kill_all, wait_for


class Host:
    """One that runs nothing but a send worker."""

    def __init__(self, installation: Installation, var: Path) -> None:
        self.var = var
        given = envfile.read(installation.var / "environment")
        command = commands(host="", port=0, sandbox=False)["worker-send"]
        self.output = var.parent / "output"
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                (*command, "-n", "send@other"),
                cwd=ROOT,
                env=installation.env | given | {"YANSHU_VAR": str(var)},
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        # The first thing that a worker does once it listens: it looks for journals.
        wait_for(lambda: (var / "journal").exists() or self._ended(), 30, self.output.read_text)

    def _ended(self) -> bool:
        assert self.process.poll() is None, self.output.read_text()
        return False

    @property
    def name(self) -> str:
        """As holders of batches begin with it."""
        return (self.var / "journal" / "host").read_text()

    def lose(self) -> None:
        """The machine burns down: its processes end at once, and its disk is gone."""
        if self.process.poll() is None:
            host = psutil.Process(self.process.pid)
            kill_all([host, *host.children(recursive=True)])
            self.process.wait(10)
        shutil.rmtree(self.var)


@contextmanager
def another(installation: Installation) -> Iterator[Host]:
    base = Path(tempfile.mkdtemp(prefix="yanshu-host-"))
    (base / "var").mkdir()
    host = Host(installation, base / "var")
    try:
        yield host
    finally:
        if host.var.exists():
            host.lose()
        shutil.rmtree(base)


@transaction.atomic
def open_limited(people: int, port: int, connections: int, per_second: int) -> int:
    """As scene.open_mailing, by a relay that takes so many messages a second."""
    mailing = scene.open_mailing(people, port, connections)
    Relay.objects.update(per_second=per_second)
    return mailing


def serve() -> None:
    scene.serve(scene.CALLS | {"open_limited": open_limited})
