"""The journal that outlives its worker."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django import Settings

from sending.host import journal, sentlog
from sending.host.journal import Journal
from sending.host.sentlog import About
from smtp import Stage

# A worker that is killed with two contents handed over, one of them answered.
WORKER = """
import django; django.setup()
import os, signal
from sending.host.journal import Journal
from smtp import Stage
journal = Journal()
journal.hand_over(1)
journal.reply(1, 250, Stage.CONTENT, "taken 收到")
journal.hand_over(2)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def var(settings: Settings, tmp_path: Path) -> Path:
    settings.VAR = tmp_path
    return tmp_path


def test_a_killed_worker_s_story_is_read_once(var: Path) -> None:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "YANSHU_VAR": str(var),
    }
    subprocess.run([sys.executable, "-c", WORKER], env=environment, check=False)
    ((path, story),) = list(journal.orphans())
    assert story.complete
    assert story.replies == {1: (250, "content", "taken 收到")}
    assert story.in_doubt == {2}
    assert not path.exists()
    assert list(journal.orphans()) == []


def test_a_living_worker_s_journal_is_left_alone() -> None:
    mine = Journal()
    mine.hand_over(1)
    assert list(journal.orphans()) == []
    mine.done()
    assert not mine.path.exists()


def test_a_batch_that_was_not_recorded_leaves_its_journal() -> None:
    mine = Journal()
    mine.hand_over(5)
    mine.reply(5, 250, Stage.CONTENT, "ok\nand more")
    mine.hand_over(6)
    mine.reply(6, 550, Stage.RCPT, "no")
    mine.abandon()
    ((path, story),) = list(journal.orphans())
    assert path == mine.path
    assert story.replies == {5: (250, "content", "ok and more"), 6: (550, "rcpt", "no")}
    assert story.in_doubt == set()


def test_a_file_that_is_being_made_is_no_orphan(var: Path) -> None:
    made = journal.directory() / "fresh.new"
    made.touch()
    assert list(journal.orphans()) == []
    assert made.exists()
    os.utime(made, (0, 0))
    assert list(journal.orphans()) == []
    assert not made.exists()


def test_a_restart_of_the_machine_makes_it_incomplete() -> None:
    path = journal.directory() / "old.journal"
    path.write_text("B 1000\nH 5\nR 5 250 content ok\nH 6\nR 6 2")
    story = journal.read(path)
    assert not story.complete
    assert (set(story.replies), story.in_doubt) == ({5}, {6})
    path.unlink()


def test_a_stage_that_is_none_makes_it_incomplete() -> None:
    path = journal.directory() / "odd.journal"
    path.write_text(f"B {journal.boot()}\nR 5 550 rcpt no\nR 6 550  no\nR 7 550 ehlo no\n")
    story = journal.read(path)
    assert not story.complete
    assert [reply.stage for reply in story.replies.values()] == [Stage.RCPT, Stage.UNKNOWN]
    path.unlink()


@pytest.mark.parametrize(
    "bad",
    ["H -5", "H 0", "H " + "7" * 20, "H x", "R -5 250 content ok", "X 5", "\0\0\0", "", "M a b c"],
)
def test_a_line_that_cannot_be_read(bad: str, caplog: pytest.LogCaptureFixture) -> None:
    """The sent log has how many there were, and the readable rest of the batch."""
    about = About("a" * 32, 7)
    path = journal.directory() / "odd.journal"
    lines = [f"B {journal.boot()}", f"M {about.text()}", "H 6", "R 6 250 content ok", bad, "H 8"]
    path.write_text("".join(f"{line}\n" for line in lines))
    ((_, story),) = list(journal.orphans())
    assert not story.complete
    assert (set(story.replies), story.in_doubt) == ({6}, {8})
    (record,) = [one for one in caplog.records if one.message == "journal could not be read wholly"]
    assert record.__dict__["fields"] == {"path": path, "lines": 1}
    log = sentlog.read(journal.sent_directory(), about.installation)
    assert log.unreadable == 1
    assert (log.mailings[7].accepted, log.mailings[7].in_doubt) == ([(6, 6)], [(8, 8)])


@pytest.mark.parametrize("content", ["", "H 5\n", "M - 0 - 0\n"])
def test_a_journal_that_lost_its_first_line_is_incomplete(content: str) -> None:
    """After a power cut a file may be empty."""
    path = journal.directory() / "empty.journal"
    path.write_text(content)
    ((_, story),) = list(journal.orphans())
    assert (story.complete, story.unread) == (False, 1)
    assert sentlog.read(journal.sent_directory(), "a" * 32).unreadable == 1


def test_the_batch_of_a_damaged_journal_is_in_doubt_as_a_whole() -> None:
    about = About("a" * 32, 7)
    path = journal.directory() / "odd.journal"
    path.write_text(f"B old\nM {about.text()}\nH 6\nR 6 250 content ok\n")
    for _, story in journal.orphans():
        story.doubt([5, 6, 7])
    log = sentlog.read(journal.sent_directory(), about.installation)
    assert log.unreadable == 0
    assert (log.mailings[7].accepted, log.mailings[7].in_doubt) == ([(6, 6)], [(5, 5), (7, 7)])
