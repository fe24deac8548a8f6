"""Released migrations never change: the list, and the command that adds to it."""

import subprocess
from pathlib import Path

import pytest

from tools import released


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two migrations, the first of them released."""
    for name in ("0001_initial", "0002_more"):
        file = tmp_path / "contacts" / "migrations" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# {name}\n")
    second = tmp_path / "contacts" / "migrations" / "0002_more.py"
    words = second.read_text()
    second.unlink()
    listed(tmp_path).touch()
    assert released.release(tmp_path, listed(tmp_path)) == ["contacts/migrations/0001_initial.py"]
    second.write_text(words)
    return tmp_path


def listed(project: Path) -> Path:
    return project / "released.txt"


def test_no_released_migration_has_changed() -> None:
    assert not released.wrong(released.ROOT, released.LIST)


def test_what_is_not_released_yet_may_change(project: Path) -> None:
    (project / "contacts/migrations/0002_more.py").write_text("# other\n")
    assert not released.wrong(project, listed(project))


def test_one_byte_of_a_released_migration_is_a_change(project: Path) -> None:
    first = project / "contacts/migrations/0001_initial.py"
    first.write_text(first.read_text() + "\n")
    (sentence,) = released.wrong(project, listed(project))
    assert "contacts/migrations/0001_initial.py was released and has changed" in sentence


def test_a_released_migration_that_is_gone_is_named(project: Path) -> None:
    (project / "contacts/migrations/0001_initial.py").unlink()
    (sentence,) = released.wrong(project, listed(project))
    assert "is gone" in sentence


def test_a_release_adds_what_is_new_and_keeps_the_rest(project: Path) -> None:
    before = listed(project).read_text()
    first = project / "contacts/migrations/0001_initial.py"
    first.write_text("# changed\n")
    assert released.release(project, listed(project)) == ["contacts/migrations/0002_more.py"]
    assert listed(project).read_text().startswith(before)
    assert released.release(project, listed(project)) == []
    # The change is still found.
    assert len(released.wrong(project, listed(project))) == 1


def test_the_list_is_as_sha256sum_writes_it(project: Path) -> None:
    command = ("sha256sum", "--check", "--strict", "--quiet", listed(project).name)
    done = subprocess.run(command, cwd=project, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
