"""What a dead process had reserved of relays is free at once."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from django.db import Error
from pytest_django import Settings

from accounts.models import Workspace
from relays.models import Relay, RelaySlot
from relays.services import pace
from sending.host import journal, processlock
from sending.services import recovery

# A worker that is killed while it holds a share.
WORKER = """
import django; django.setup()
import os, signal
from sending.host.processlock import ProcessLock
print(ProcessLock().name, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def var(settings: Settings, tmp_path: Path) -> Path:
    settings.VAR = tmp_path
    return tmp_path


def killed(var: Path) -> str:
    """The name of a process that was killed."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "YANSHU_VAR": str(var),
    }
    worker = subprocess.run(
        [sys.executable, "-c", WORKER], env=environment, check=False, capture_output=True, text=True
    )
    return worker.stdout.strip()


def test_a_killed_process_is_missed_once(var: Path) -> None:
    name = killed(var)
    assert name.startswith(f"{journal.host()}:")
    assert list(processlock.dead_processes()) == [name]
    assert list(processlock.dead_processes()) == []


def test_who_lives_is_not_missed_nor_who_said_good_bye() -> None:
    with processlock.ProcessLock() as mine:
        assert list(processlock.dead_processes()) == []
    assert not mine.path.exists()
    assert list(processlock.dead_processes()) == []


def test_who_could_not_say_good_bye_is_missed() -> None:
    with suppress(Error), processlock.ProcessLock() as mine:
        raise Error("the database is away")
    assert list(processlock.dead_processes()) == [mine.name]


@pytest.mark.django_db
def test_a_killed_process_leaves_its_connections_to_others(var: Path, workspace: Workspace) -> None:
    relay = Relay.objects.create(
        workspace=workspace, name="Main", host="smtp.brand.example", connections=2
    )
    with processlock.ProcessLock() as living:
        assert pace.take_slot(relay, f"{killed(var)}:{relay.pk}")
        RelaySlot.objects.update(open=2)
        slot = pace.take_slot(relay, f"{living.name}:{relay.pk}")
        assert slot
        recovery.recover_journals()
        (mine,) = RelaySlot.objects.exclude(holder="")
        assert mine.holder == f"{living.name}:{relay.pk}"
        renewed = pace.renew_slot(slot, mine.holder, open=0)
        assert renewed
        assert renewed.connections == 2
