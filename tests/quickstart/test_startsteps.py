"""What a start says while it lasts, and ports that two installations don't share."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from environment import ports
from quickstart.startsteps import Steps

ROOT = Path(__file__).resolve().parent.parent.parent


def test_a_step_is_named_with_its_time_and_again_while_it_lasts() -> None:
    said: list[str] = []
    again = threading.Event()
    clock = iter(range(100))

    def say(line: str) -> None:
        said.append(line)
        if "Still" in line:
            again.set()

    steps = Steps(say, now=lambda: float(next(clock)), every=0.01)
    with steps("starting the database") as step:
        step.detail = "workers: none"
        assert again.wait(20)
    assert said[0].endswith(" s  Starting the database")
    assert "Still starting the database, " in said[1]
    assert "s so far: workers: none" in said[1]


def test_a_port_that_is_kept_is_not_given_twice(tmp_path: Path) -> None:
    """Nothing listens on it yet; both installations start at the same time."""
    first = ports.kept_port(tmp_path / "one", 18025)
    assert other(18025, tmp_path / "two") != first


def test_a_port_of_the_last_start_that_another_one_has_is_changed(tmp_path: Path) -> None:
    first = ports.kept_port(tmp_path / "one", 18125)
    (tmp_path / "two").write_text(str(first))
    second = other(18125, tmp_path / "two")
    assert second != first
    assert (tmp_path / "two").read_text() == str(second)


def other(wanted: int, path: Path) -> int:
    """What another process is given."""
    code = (
        "from pathlib import Path; from environment import ports; "
        f"print(ports.kept_port(Path({str(path)!r}), {wanted}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


@pytest.mark.parametrize(("command", "code"), [("true", 0), ("false", 1)])
def test_a_step_of_bootstrap_says_how_long_it_took(command: str, code: int) -> None:
    text = (ROOT / "quickstart/bootstrap").read_text()
    functions = text[text.index("say() {") : text.index("# On a terminal")]
    script = f"set -eu\n{functions}\nstep 'Doing something' {command}\n"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == code
    said = done.stderr.splitlines()
    assert said[0] == "Doing something"
    assert said[1].startswith("  failed after " if code else "  done in ")
