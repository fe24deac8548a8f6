"""Files of settings: what we read is what sh reads, or it is refused."""

import shlex
import subprocess
from pathlib import Path

import pytest

from environment import envfile
from environment.readers import SettingError

ROOT = Path(__file__).resolve().parent.parent.parent

TAKEN = [
    ("A=", ""),
    ("A=1", "1"),
    ("A=https://mail.example.com:8443/x?y=1", "https://mail.example.com:8443/x?y=1"),
    ("A=postgresql://me:p%40ss@/db?host=/run/postgresql", None),
    ("A='Yanshu <yanshu@example.com>'", "Yanshu <yanshu@example.com>"),
    ('A="Yanshu <yanshu@example.com>"', "Yanshu <yanshu@example.com>"),
    ("A='a b # c; $HOME `id` \\n \"x\"'", 'a b # c; $HOME `id` \\n "x"'),
    ("A='燕书 <a@example.com>'", "燕书 <a@example.com>"),
    ('A="it\'s"', "it's"),
    ("  A=1  ", "1"),
    ("# B=2\n\n\t# more\nA=1", "1"),
    ("A=''", ""),
    ("A={x,y}[z]*?", None),
]
REFUSED = [
    "A=Yanshu <yanshu@example.com>",
    "A = 1",
    "A =1",
    "export A=1",
    "A=a b",
    "A=a#b",
    "A=a;B=2",
    "A=a&b",
    "A=$HOME",
    'A="$HOME"',
    'A="a\\"b"',
    "A='a'b",
    "A='a' # why",
    "A='a",
    "A=\\",
    "A=a\\\nb",
    "# why \\\nA=1",
    "A=~/x",
    "A=x:~",
    "A=1\r\n",
    "A=1\nA=2",
    "1A=1",
    "just words",
    "A-B=1",
    "; A=1",
    "A='a\nb'",
]


def by_sh(path: Path) -> dict[str, str]:
    """What `set -a; . file` sets, as docs/operators has it."""
    script = f"set -a; . {shlex.quote(str(path))}; set +a; env -0"
    done = subprocess.run(
        ["sh", "-eu", "-c", script], env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=True
    )
    pairs = (item.split("=", 1) for item in done.stdout.decode().split("\0") if item)
    return {name: value for name, value in pairs if name not in {"PATH", "PWD", "_", "OLDPWD"}}


@pytest.mark.parametrize(("content", "value"), TAKEN)
def test_what_we_read_is_what_sh_reads(tmp_path: Path, content: str, value: str | None) -> None:
    path = tmp_path / "env"
    path.write_text(content + "\n")
    read = envfile.read(path)
    assert read == by_sh(path)
    assert value is None or read == {"A": value}


@pytest.mark.parametrize("content", REFUSED)
def test_what_sh_or_systemd_would_read_otherwise_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "env"
    path.write_bytes(content.encode())
    with pytest.raises(SettingError, match=r"env, line [12]"):
        envfile.read(path)


def test_a_refused_value_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "env"
    path.write_text("DATABASE_URL=postgresql://me:sec ret@h/d\n")
    with pytest.raises(SettingError) as caught:
        envfile.read(path)
    assert "DATABASE_URL" in str(caught.value)
    assert "sec" not in str(caught.value).replace("second", "")


@pytest.mark.parametrize("value", ["", "a", "a b", "it's", 'say "x"', "~/$x", "/var/a b/环境"])
def test_what_we_write_is_read_again(tmp_path: Path, value: str) -> None:
    path = tmp_path / "env"
    path.write_text(envfile.line("A", value))
    assert envfile.read(path) == by_sh(path) == {"A": value}


@pytest.mark.parametrize("value", ["a\nb", 'it\'s "$x"'])
def test_what_can_not_be_written_is_said(value: str) -> None:
    with pytest.raises(SettingError, match="A has characters"):
        envfile.line("A", value)


def test_no_file_sets_nothing(tmp_path: Path) -> None:
    assert envfile.read(tmp_path / "none") == {}


def test_our_example_is_valid_with_every_line_in_use(tmp_path: Path) -> None:
    """Each line that is commented out, as somebody would use it."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    used = [line[1:] for line in lines if line.startswith("#") and "=" in line.split(" ")[0]]
    assert len(used) > 15
    path = tmp_path / "env"
    for line in used:
        path.write_text(line + "\n")
        assert envfile.read(path) == by_sh(path), line
