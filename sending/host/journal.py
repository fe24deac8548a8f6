"""What a worker handed over and what it was told, in a file of its own that survives kill -9.

One file for each batch that is claimed, made before the claim. One line for each step, written
before the next byte leaves: `H <message>` just before a message's content goes to the server,
`R <message> <reply code> <stage> <words>` when its reply was read. `M` says whose messages they
are: before the file goes, a line of the sent log says what it knew (sending.host.sentlog).

The lines are in the page cache when write() returns, so the death of the process loses none. The
death of the machine may lose the last seconds of them; then the whole file is not trusted (`boot`).

The owner holds a lock on the file. Whoever gets the lock knows that the owner is dead and recovers:
replies that were read count, content without a reply is in doubt, the rest was never handed over.
"""

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

import psutil
from django.conf import settings

from environment import logs
from sending.host import sentlog
from sending.host.sentlog import About
from smtp import Stage

log = logs.get(__name__)

# A file that is made is locked and named within this time, in seconds.
UNFINISHED = 3600


class JournalReply(NamedTuple):
    code: int
    stage: Stage
    words: str


@dataclass
class Story:
    """A journal read back: message ids handed over, and replies by message id.

    `complete` is false after a restart of the machine, which may have lost the last lines: then a
    message that isn't named may have been handed over all the same.
    """

    complete: bool = True
    about: About = field(default_factory=About)

    handed_over: set[int] = field(default_factory=set)
    replies: dict[int, JournalReply] = field(default_factory=dict)

    @property
    def in_doubt(self) -> set[int]:
        return self.handed_over - self.replies.keys()

    def keep(self) -> None:
        """Into the sent log. Raises OSError."""
        accepted = [number for number, reply in self.replies.items() if 200 <= reply.code < 300]
        if accepted or self.in_doubt:
            sentlog.append(sent_directory(), self.about, accepted, self.in_doubt)


class Journal:
    """An open journal; `holder` names it in the Batch row that it tells of."""

    def __init__(self, about: About | None = None) -> None:
        self._about = about or About()
        # Ids for the sent log; one that is tried twice in a batch stands in both twice.
        self._handed: list[int] = []
        self._accepted: list[int] = []
        self._refused: list[int] = []
        name = secrets.token_hex(8)
        self.path = directory() / f"{name}.journal"
        made = self.path.with_suffix(".new")
        self._file = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        sentlog.write_all(self._file, f"B {boot()}\nM {self._about.text()}\n".encode())
        # Found by a recovery only now, when it is locked.
        made.rename(self.path)
        self.holder = holder(self.path)
        self._replies: list[bytes] = []

    def hand_over(self, message_id: int) -> None:
        """Before the content's first byte is written."""
        self._replies.append(b"H %d\n" % message_id)
        self.flush()
        self._handed.append(message_id)

    def reply(self, message_id: int, code: int, stage: Stage, words: str) -> None:
        """Kept until the next `hand_over` or `flush`: one write for both, as a connection writes
        its next content right after it read a reply."""
        (self._accepted if 200 <= code < 300 else self._refused).append(message_id)
        text = words.encode("utf-8", "replace").replace(b"\n", b" ")
        self._replies.append(b"R %d %d %b %b\n" % (message_id, code, stage.encode(), text))

    def flush(self) -> None:
        """Raises OSError, as when the disk is full; what was not written is written first by the
        next one, so that no line is ever cut in the middle of the file."""
        if not self._replies or self._file < 0:
            return
        data = b"".join(self._replies)
        written = 0
        try:
            while written < len(data):
                written += os.write(self._file, data[written:])
        finally:
            self._replies = [data[written:]] if written < len(data) else []

    def done(self) -> None:
        """All of it is in the database now, or nothing was claimed. Where the sent log can't be
        written the file stays, and the next recovery does both."""
        try:
            self._keep()
        except OSError as error:
            log.warning("sent log not written", error=error)
        else:
            self.path.unlink(missing_ok=True)
        self._close()

    def _keep(self) -> None:
        if not self._handed:
            return
        in_doubt: set[int] = set()
        if len(self._handed) != len(self._accepted):
            in_doubt = set(self._handed).difference(self._accepted, self._refused)
        sentlog.append(sent_directory(), self._about, self._accepted, in_doubt)

    def abandon(self) -> None:
        """The batch could not be recorded (the database is away): without its lock the file is an
        orphan, whose batch the next recovery settles."""
        try:
            self.flush()
        finally:
            self._close()

    def _close(self) -> None:
        # Once: the number may belong to another file by then.
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)


def directory() -> Path:
    path = Path(settings.VAR) / "journal"
    path.mkdir(parents=True, exist_ok=True)
    return path


def in_use() -> bool:
    """Whether a process of this host still writes one, or left one that is not recovered."""
    return any(directory().glob("*.journal"))


def sent_directory() -> Path:
    return directory() / "sent"


def host() -> str:
    """A name for this state directory: journals in it can be recovered only where it is."""
    path = directory() / "host"
    if not path.exists():
        made = path.with_suffix(f".{secrets.token_hex(4)}")
        made.write_text(secrets.token_hex(8))
        # The first one wins, also when two workers start at once.
        try:
            os.link(made, path)
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return path.read_text()


@cache
def boot() -> str:
    """Names the time since the machine was started; whatever its clock is set to meanwhile."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        # Other systems: when it was started, as far as the clock tells.
        return str(int(psutil.boot_time()))


def holder(path: Path) -> str:
    return f"{host()}:{path.name}"


def orphans() -> Iterator[tuple[Path, Story]]:
    """Journals whose owner is dead; each is deleted when the caller asks for the next one, and its
    story is in the sent log then."""
    _clean()
    for path in sorted(directory().glob("*.journal")):
        try:
            file = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Recovered by another worker between open and lock: it is gone.
            if path.exists():
                story = read(path)
                yield path, story
                story.keep()
                path.unlink(missing_ok=True)
        except BlockingIOError:
            continue
        finally:
            os.close(file)


def _clean() -> None:
    """Files of processes that died while they made them: nothing was claimed for those."""
    for path in directory().glob("*.new"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > UNFINISHED:
                path.unlink()


def read(path: Path) -> Story:
    """A line that can't be read makes the story incomplete: it may have named any message."""
    story = Story()
    for line in path.read_bytes().split(b"\n")[:-1]:  # a last line without an end was cut
        kind, _, rest = line.decode("utf-8", "replace").partition(" ")
        try:
            if kind == "B":
                story.complete = rest == boot()
            elif kind == "M":
                installation, mailing, source, number = rest.split(" ")
                story.about = About.parsed(installation, mailing, source, number)
            elif kind == "H":
                story.handed_over.add(int(rest))
            elif kind == "R":
                number, code, stage, words = rest.split(" ", 3)
                story.replies[int(number)] = JournalReply(int(code), Stage(stage), words)
        except ValueError:
            story.complete = False
    return story
