"""A host's own trouble: it takes no work and says so; no relay and no message is blamed."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from operations import health, heartbeats
from relays.models import Relay
from sending.host import journal, trouble
from sending.models import Mailing, SendHost, Tally
from sending.services import sendhosts, waits
from sending.tasks import deliver
from smtp import ConnectError
from tests.mailservers.sink import Sink
from tests.otherconnections import address
from tests.sending.engine.conftest import assert_closes, design, open_to, relay

__all__ = ["design", "open_to", "relay"]

pytestmark = pytest.mark.django_db(transaction=True)
Open = Callable[..., Mailing]
ADDRESSES = [f"person{number}@x.example" for number in range(60)]


@pytest.fixture
def small(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """A state directory on a file system of 64 kB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting needs root")
    settings.VAR = place
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(place: Path) -> Path:
    """So that nothing but what fits the pages in use can be written."""
    path = place / "full"
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 1024)
    return path


def unblamed(relay: Relay) -> None:
    relay.refresh_from_db()
    assert (relay.failures, relay.wait_until, relay.state) == (0, None, "active")


def later() -> None:
    """After the time for which a host with trouble takes nothing."""
    moment = timezone.now() - sendhosts.PAUSE - timedelta(seconds=1)
    SendHost.objects.update(trouble_at=moment)


@pytest.mark.slow
def test_a_full_disk(open_to: Open, relay: Relay, sink: Sink, small: Path) -> None:
    mailing = open_to(ADDRESSES)
    heartbeats.attend()
    full = fill(small)
    deliver()
    assert sink.accepted == {}
    unblamed(relay)
    row = SendHost.objects.get()
    assert row.trouble == "host_disk_full"
    assert "No space left" in row.words
    # No other host: the campaign says why.
    waits.tend()
    mailing.refresh_from_db()
    assert mailing.wait_reason == "host_disk_full"
    (line,) = waits.lines(mailing)
    assert "disk is full" in line.text
    assert health.check_hosts() == health.HealthPart(
        ok=False, detail="1 can't send: disk full; 0 able to send"
    )
    # Another one that is able: nothing is said of it.
    SendHost.objects.create(name="other", seen_at=timezone.now())
    waits.tend()
    mailing.refresh_from_db()
    assert mailing.wait_reason == ""
    full.unlink()
    later()
    heartbeats.attend()
    assert SendHost.objects.get(name=sendhosts.name()).trouble == ""
    deliver()
    assert sink.accepted == dict.fromkeys(ADDRESSES, 1)
    assert assert_closes(mailing).accepted == len(ADDRESSES)


@pytest.mark.slow
def test_a_disk_that_fills_up_while_mails_go_out(
    open_to: Open, relay: Relay, sink: Sink, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was handed over is recorded, the others are given back; nobody gets it twice."""
    addresses = [f"person{number}@x.example" for number in range(150)]
    mailing = open_to(addresses)
    journal.directory()
    hand_over = journal.Journal.hand_over
    full: list[Path] = []

    def filling(self: journal.Journal, message_id: int) -> None:
        if len(sink.accepted) >= 20 and not full:
            # Some lines still fit: the one that doesn't is cut in its middle.
            full.append(fill(small))
        hand_over(self, message_id)

    monkeypatch.setattr(journal.Journal, "hand_over", filling)
    deliver()
    assert full
    sent = len(sink.accepted)
    assert 20 <= sent < 150
    unblamed(relay)
    assert SendHost.objects.get().trouble == "host_disk_full"
    tally = assert_closes(mailing)
    assert (tally.accepted, tally.waiting, tally.unknown) == (sent, 150 - sent, 0)
    full[0].unlink()
    later()
    heartbeats.attend()
    deliver()
    assert sink.accepted == dict.fromkeys(addresses, 1)
    assert assert_closes(mailing).accepted == 150


def test_heartbeats_tell_it_once(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    settings.VAR = Path(__file__)
    for _heartbeat in range(3):
        heartbeats.attend()
    (said,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert said.getMessage() == "host unable to send"
    assert said.exc_info is None


@pytest.mark.parametrize("place", [__file__, "/proc/1/no-such-directory"])
def test_a_state_directory_that_cannot_be_used(
    open_to: Open, relay: Relay, sink: Sink, settings: Settings, place: str
) -> None:
    mailing = open_to(ADDRESSES)
    settings.VAR = Path(place)
    heartbeats.attend()
    deliver()
    assert sink.accepted == {}
    unblamed(relay)
    assert SendHost.objects.get().trouble == "host_files"
    waits.tend()
    mailing.refresh_from_db()
    assert mailing.wait_reason == "host_files"
    assert Tally.objects.get().waiting == len(ADDRESSES)


# In a process of its own: who has no file left can't say so to the other tests.
WITHOUT_FILES = """
import resource
from pathlib import Path

import django

django.setup()
from relays.models import Relay
from sending.tasks import deliver
from tests.sending.host.test_trouble import later, unblamed

soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
relay = Relay.objects.get()
used = max(int(name.name) for name in Path("/proc/self/fd").iterdir())
for room in range(2, 32, 2):
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + room, hard))
    try:
        deliver()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    unblamed(relay)
    later()
"""


@pytest.mark.slow
def test_no_file_left_to_begin_with(
    open_to: Open, sink: Sink, settings: Settings, tmp_path: Path
) -> None:
    mailing = open_to(ADDRESSES)
    settings.VAR = tmp_path
    own = {"DATABASE_URL": address(), "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_FILES],
        env=os.environ | own | {"YANSHU_VAR": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert SendHost.objects.get().trouble == "host_open_files"
    sendhosts.tend()
    deliver()
    assert sink.accepted == dict.fromkeys(ADDRESSES, 1)
    assert assert_closes(mailing).accepted == len(ADDRESSES)


@pytest.mark.slow
def test_no_file_left_for_a_connection(
    open_to: Open, relay: Relay, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailing = open_to(ADDRESSES)

    async def none_left(host: str, port: int, *, trusted: bool) -> list[str]:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patch:
        patch.setattr("smtp.hosts._resolve", none_left)
        deliver()
    unblamed(relay)
    assert SendHost.objects.get().trouble == "host_open_files"
    later()
    sendhosts.tend()
    deliver()
    assert sink.accepted == dict.fromkeys(ADDRESSES, 1)
    assert assert_closes(mailing).accepted == len(ADDRESSES)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EMFILE, "host_open_files"),
        (errno.ENFILE, "host_open_files"),
        (errno.ENOMEM, "host_memory"),
        (errno.ENOSPC, "host_disk_full"),
        (errno.ECONNREFUSED, None),
        (errno.ENETUNREACH, None),
    ],
)
def test_what_of_a_connection_is_the_hosts(number: int, code: str | None) -> None:
    error = ConnectError("connection", "words")
    error.__cause__ = OSError(number, os.strerror(number))
    found = trouble.of_connection(error)
    assert (found.code if found else None) == code


def test_a_journal_is_written_on_where_it_was_cut(small: Path) -> None:
    writer = journal.Journal()
    writer.hand_over(1)
    full = fill(small)
    last = 2
    with suppress(OSError):
        for last in range(2, 3000):
            writer.hand_over(last)
    assert last < 2999
    full.unlink()
    writer.hand_over(5000)
    story = journal.read(writer.path)
    assert story.complete
    assert story.handed_over == {*range(1, last + 1), 5000}


def test_nobody_sends_any_more(open_to: Open, relay: Relay) -> None:
    mailing = open_to(ADDRESSES)
    SendHost.objects.create(name="one", seen_at=timezone.now() - timedelta(minutes=5))
    waits.tend()
    mailing.refresh_from_db()
    assert mailing.wait_reason == "no_host"
