"""What a host keeps of what it sent."""

import os
from pathlib import Path

import pytest

from contacts.provenance import UNKNOWN, Source
from sending.host import sentlog
from sending.host.sentlog import About

KEY = "a" * 32
SEVEN = Source("campaign", 7)


@pytest.mark.parametrize(
    ("ids", "text"),
    [
        ([], "-"),
        ([5], "5"),
        ([3, 1, 2], "1-3"),
        ([1, 2, 4, 5, 9, 9], "1-2,4-5,9"),
        ([7, 9, 8, 8, 20], "7-9,20"),
    ],
)
def test_ids_as_ranges(ids: list[int], text: str) -> None:
    assert sentlog.written(sentlog.ranges(ids)) == text
    expanded = [n for a, b in sentlog.parsed(text) for n in range(a, b + 1)]
    assert expanded == sorted(set(ids))


def test_read_back_by_mailing_and_installation(tmp_path: Path) -> None:
    sentlog.append(tmp_path, About(KEY, 1, SEVEN), [1, 2, 3], [9])
    sentlog.append(tmp_path, About(KEY, 1, SEVEN), [4, 11], [])
    sentlog.append(tmp_path, About(KEY, 2), [], [40])
    sentlog.append(tmp_path, About("b" * 32, 1, Source("campaign", 8)), [100], [])
    log = sentlog.read(tmp_path, KEY)
    found = log.mailings
    assert log.unreadable == 0
    assert found[1].accepted == [(1, 4), (11, 11)]
    assert found[1].in_doubt == [(9, 9)]
    assert found[1].source == SEVEN
    assert (found[2].in_doubt, found[2].source) == ([(40, 40)], UNKNOWN)
    assert found.keys() == {1, 2}


def test_a_line_that_a_full_disk_cut_harms_no_other(tmp_path: Path) -> None:
    sentlog.append(tmp_path, About(KEY, 1, SEVEN), [1], [])
    (path,) = tmp_path.glob("*")
    with path.open("a") as file:
        file.write("\n1790000000 " + KEY + " 1 campaign 7 A 5-")
    sentlog.append(tmp_path, About(KEY, 1, SEVEN), [2], [])
    log = sentlog.read(tmp_path, KEY)
    assert log.mailings[1].accepted == [(1, 2)]
    assert log.unreadable == 1


@pytest.mark.parametrize(
    "line",
    [
        "garbage",
        "\0" * 4096,
        f"1790000000 {KEY} 1 campaign 7 A 2,-5 D -",
        f"1790000000 {KEY} 1 campaign 7 A 0 D -",
        f"1790000000 {KEY} 1 campaign 7 A - D {'7' * 20}",
        f"1790000000 {KEY} 1 campaign 7 A - D {'7' * 5000}",
        f"1790000000 {KEY} 1 campaign 7 A 9-2 D -",
        f"1790000000 {KEY} 1 campaign 7 A 2-{sentlog.LARGEST} D -",
        f"1790000000 {KEY} 1 campaign 7 A 2- D -",
        f"1790000000 {KEY} 1 campaign 7 A 1_0 D -",
        f"1790000000 {KEY} -1 campaign 7 A 2 D -",
        f"1790000000 {KEY} 1 campaign x A 2 D -",
        f"1790000000 {KEY} 1 campaign 7 D 2 A -",
        f"1790000000 {KEY} 1 campaign 7 A 2 D - U x",
        f"{'1' * 15} {KEY} 1 campaign 7 A 2 D -",
        "1790000000 - 0 - 0 A 2 D -",
    ],
)
def test_lines_that_cannot_be_read_are_counted(
    tmp_path: Path, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    sentlog.append(tmp_path, About(KEY, 1, SEVEN), [1], [])
    (path,) = tmp_path.glob("*")
    with path.open("a") as file:
        file.write(f"\n{line}\n")
    sentlog.append(tmp_path, About(KEY, 1, SEVEN), [], [3])
    log = sentlog.read(tmp_path, KEY)
    assert log.unreadable == 1
    assert (log.mailings[1].accepted, log.mailings[1].in_doubt) == ([(1, 1)], [(3, 3)])


def test_lines_missing_in_a_journal_are_counted_for_its_installation(tmp_path: Path) -> None:
    sentlog.append(tmp_path, About(KEY, 1, SEVEN), [1], [], unread=3)
    sentlog.append(tmp_path, About("b" * 32, 1, SEVEN), [1], [], unread=4)
    assert sentlog.read(tmp_path, KEY).unreadable == 3


def test_what_no_backup_is_as_old_as_is_forgotten(tmp_path: Path) -> None:
    sentlog.append(tmp_path, About(KEY, 1, SEVEN), [1], [])
    (path,) = tmp_path.glob("*")
    sentlog.forget_old(tmp_path)
    assert path.exists()
    old = path.stat().st_mtime - (sentlog.KEPT + 1) * sentlog.DAY
    os.utime(path, (old, old))
    sentlog.forget_old(tmp_path)
    assert not path.exists()
