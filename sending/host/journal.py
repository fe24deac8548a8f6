"""A file with the mails that a worker handed over and the replies to them. It survives kill -9.

Each claimed batch has a file, made before the claim. Each step has a line, written before the next
byte leaves: `H <message>` just before a message's content goes to the server,
`R <message> <reply code> <stage> <words>` when its reply was read. `M` names installation, mailing
and source. Before the file is deleted, its content goes into a line of the sent log
(sending.host.sentlog).

The lines are in the page cache when write() returns, so that the death of the process loses none. A
crash of the machine may lose the last seconds; then the whole file is not trusted (`boot`).

The owner holds a lock on the file. A process that gets the lock knows that the owner is dead, and
recovers the batch: replies count, a mail handed over without a reply is in doubt, the others were
never handed over.
"""

import fcntl
import os
import secrets
import time
from collections.abc import Iterable, Iterator
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

# A ".new" file older than this, in seconds, belongs to a dead process.
UNFINISHED = 3600


class JournalReply(NamedTuple):
    code: int
    stage: Stage
    words: str


@dataclass
class Story:
    """A journal read back: message ids handed over, and replies by message id.

    `complete` is false after a restart of the machine, which may have lost the last lines: then a
    message that isn't in the file may have been handed over as well. `unread` counts the lines that
    can't be read, and one for lines that may be missing.
    """

    complete: bool = True
    unread: int = 0
    about: About = field(default_factory=About)

    handed_over: set[int] = field(default_factory=set)
    replies: dict[int, JournalReply] = field(default_factory=dict)

    @property
    def in_doubt(self) -> set[int]:
        return self.handed_over - self.replies.keys()

    def doubt(self, ids: Iterable[int]) -> None:
        """`ids`: the batch. Lines that can't be read may have named any of its messages, but no
        others."""
        if not self.complete:
            self.handed_over.update(ids)
            self.unread = 0

    def keep(self) -> None:
        """Writes it to the sent log. Raises OSError."""
        accepted = [number for number, reply in self.replies.items() if 200 <= reply.code < 300]
        if accepted or self.in_doubt or self.unread:
            about, unread = self.about, self.unread
            sentlog.append(sent_directory(), about, accepted, self.in_doubt, unread=unread)


class Journal:
    """An open journal; `holder` is its name in the row of its Batch."""

    def __init__(self, about: About | None = None) -> None:
        self._about = about or About()
        # Ids for the sent log. A message that is tried twice in a batch is listed twice.
        self._handed: list[int] = []
        self._accepted: list[int] = []
        self._refused: list[int] = []
        name = secrets.token_hex(8)
        self.path = directory() / f"{name}.journal"
        made = self.path.with_suffix(".new")
        self._file = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        sentlog.write_all(self._file, f"B {boot()}\nM {self._about.text()}\n".encode())
        # Renamed only when locked: recovery looks for files with this name.
        made.rename(self.path)
        self.holder = holder(self.path)
        self._replies: list[bytes] = []

    def hand_over(self, message_id: int) -> None:
        """Must be called before the content's first byte is sent. Raises OSError."""
        self._replies.append(b"H %d\n" % message_id)
        self.flush()
        self._handed.append(message_id)

    def reply(self, message_id: int, code: int, stage: Stage, words: str) -> None:
        """Kept in memory until the next `hand_over` or `flush`: a connection sends its next content
        right after it read a reply, and one write serves both."""
        (self._accepted if 200 <= code < 300 else self._refused).append(message_id)
        text = words.encode("utf-8", "replace").replace(b"\n", b" ")
        self._replies.append(b"R %d %d %b %b\n" % (message_id, code, stage.encode(), text))

    def flush(self) -> None:
        """Raises OSError, for example when the disk is full. The next call first writes the rest,
        so that no line is cut in the middle of the file."""
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
        """Ends the journal: its results are in the database, or nothing was claimed. If the sent
        log can't be written, the file stays, and the next recovery writes the log and deletes the
        file."""
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
        """The batch could not be recorded (the database is away): the file is left unlocked, and
        the next recovery settles its batch."""
        try:
            self.flush()
        finally:
            self._close()

    def _close(self) -> None:
        # Only once: the file descriptor may be reused.
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)


def directory() -> Path:
    path = Path(settings.VAR) / "journal"
    path.mkdir(parents=True, exist_ok=True)
    return path


def in_use() -> bool:
    """Whether a process of this host still writes a journal, or left one that is not recovered."""
    return any(directory().glob("*.journal"))


def sent_directory() -> Path:
    return directory() / "sent"


def host() -> str:
    """A name for this state directory: journals can be recovered only in the directory where they
    are."""
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
    """Identifies the current boot of the machine, independent of changes of its clock."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        # Other systems: the time of the boot by the clock.
        return str(int(psutil.boot_time()))


def holder(path: Path) -> str:
    return f"{host()}:{path.name}"


def orphans() -> Iterator[tuple[Path, Story]]:
    """Journals whose owner is dead. When the caller asks for the next one, the last one is written
    to the sent log and deleted."""
    _clean()
    for path in sorted(directory().glob("*.journal")):
        try:
            file = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # False: another worker recovered it between open and lock.
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
    """Deletes files of processes that died while they made them, before a claim."""
    for path in directory().glob("*.new"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > UNFINISHED:
                path.unlink()


def read(path: Path) -> Story:
    """A line that can't be read makes the story incomplete: it may have named any message. So does
    a missing first line: after a power cut a file may be empty."""
    story = Story(complete=False)
    bad = 0
    for line in path.read_bytes().split(b"\n")[:-1]:  # a last line without an end was cut
        try:
            _add(story, line.decode("utf-8", "replace"))
        except ValueError:
            bad += 1
    if bad:
        log.warning("journal could not be read wholly", path=path, lines=bad)
        story.complete = False
    if not story.complete:
        story.unread = max(bad, 1)
    return story


def _add(story: Story, line: str) -> None:
    """Raises ValueError."""
    kind, _, rest = line.partition(" ")
    match kind:
        case "B":
            story.complete = rest == boot()
        case "M":
            installation, mailing, source, number = rest.split(" ")
            story.about = About.parsed(installation, mailing, source, number)
        case "H":
            story.handed_over.add(sentlog.identifier(rest))
        case "R":
            number, code, stage, words = rest.split(" ", 3)
            reply = JournalReply(int(code), Stage(stage), words)
            story.replies[sentlog.identifier(number)] = reply
        case _:
            raise ValueError(line)
