"""`manage.py explain_reply` and `manage.py read_bounces`: readings, checked from outside."""

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.bounces import returns

CASES = Path(__file__).parents[1] / "cases" / "bounces"
ANSWERS: dict[str, dict[str, Any]] = json.loads((CASES / "answers.json").read_text())
REPLIES: list[dict[str, Any]] = [
    *json.loads((CASES / "replies.json").read_text()),
    *json.loads((CASES / "wordings.json").read_text()),
]
KINDS = {"hard", "soft", "blocked", "complaint", "auto-reply", "challenge", "delayed", "other"}


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def explained(reply: str, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("explain_reply", reply, "--json", *arguments))
    return found


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run("read_bounces", str(path), "--json").splitlines()]


@pytest.mark.parametrize("case", REPLIES, ids=lambda case: case["reply"][:50])
def test_replies_that_were_misread(case: dict[str, Any]) -> None:
    assert explained(case["reply"], "--stage", case["stage"])["meaning"] in case["meanings"]


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_mails_that_were_misread(name: str) -> None:
    (found,) = read(CASES / name)
    answer = ANSWERS[name]
    assert found["kind"] in answer["kinds"], found
    if answer["recipients"] is not None:
        assert found["recipients"] == answer["recipients"]


def test_a_reply_as_json() -> None:
    assert explained("550 5.1.1 <x@y.example>: User unknown", "--stage", "rcpt") == {
        "reply": "550 5.1.1 <x@y.example>: User unknown",
        "stage": "rcpt",
        "meaning": "address",
        "fails": True,
        "suppresses": True,
        "status": "5.1.1",
        "rule": "address.code",
        "why": "The address does not exist (status 5.1.1)",
    }


def test_the_stage_is_read_from_a_log() -> None:
    line = "host x[192.0.2.1] said: 550 Sorry, unknown user (in reply to MAIL FROM command)"
    found = explained(line)
    assert (found["stage"], found["meaning"], found["suppresses"]) == ("mail", "sender", False)


@pytest.mark.slow
def test_they_start_without_settings_and_servers(tmp_path: Path) -> None:
    """As from a fresh checkout: nothing is set, and nothing runs."""
    root = Path(__file__).parents[2]
    environment = {"PATH": os.environ["PATH"], "YANSHU_VAR": str(tmp_path)}
    for arguments in (["explain_reply", "550 No such user"], ["read_bounces", str(CASES)]):
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments, "--json"],
            cwd=root,
            env=environment,
            capture_output=True,
            check=True,
        )
        assert json.loads(done.stdout.splitlines()[0])


def test_a_reader_that_stops_early(tmp_path: Path) -> None:
    for number in range(2_000):
        (tmp_path / f"{number:04}.eml").write_bytes(b"Subject: Hello\n\nHello")
    command = [sys.executable, "manage.py", "read_bounces", str(tmp_path), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as done:
        assert done.stdout is not None
        assert done.stderr is not None
        assert json.loads(done.stdout.readline())["file"] == "0000.eml"
        done.stdout.close()
        assert done.stderr.read() == b""
        assert done.wait(60) == 0


def test_replies_without_words_and_with_broken_ones() -> None:
    for reply in ("550", "550 ", "550-\n550"):
        found = explained(reply, "--stage", "rcpt")
        assert (found["meaning"], found["suppresses"]) == ("unclear", False)
    assert explained("450")["meaning"] == "transient"
    assert explained("550 5.1.1 \udcff User unknown")["reply"] == "550 5.1.1 \ufffd User unknown"


def test_a_reply_in_words() -> None:
    assert run("explain_reply", "550 Odd", "--stage", "rcpt") == (
        "unclear: Refused, and the reason is not understood (the code)\n"
        "The message fails; the address is not suppressed.\n"
        "Rule: unclear   Stage: rcpt   Status: -\n"
    )
    with pytest.raises(CommandError, match="No reply code is in it"):
        run("explain_reply", "Odd")


def test_a_directory_in_its_order(tmp_path: Path) -> None:
    mail = returns.dsn("gone@x.example")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "one.eml").write_bytes(mail)
    (tmp_path / "a.eml").write_bytes(returns.LETTER)
    (tmp_path / "two.mbox").write_bytes(
        b"From MAILER-DAEMON Mon Nov  2 09:00:00 2026\n" + mail + b"\nFrom x y\n" + returns.LETTER
    )
    (tmp_path / "answers.json").write_text("{}")
    found = read(tmp_path)
    assert [(one["file"], one["kind"]) for one in found] == [
        ("a.eml", "other"),
        ("b/one.eml", "hard"),
        ("two.mbox#1", "hard"),
        ("two.mbox#2", "other"),
    ]
    assert found[1] == {
        "file": "b/one.eml",
        "kind": "hard",
        "recipients": ["gone@x.example"],
        "status": "5.1.1",
        "rule": "address.code",
        "why": "address: 5.1.1",
        "suppresses": True,
    }


@pytest.mark.parametrize(
    "begin", [b"From ", b"From - Mon Nov  2 09:00:00 2026", b'From "a b"@x.example Mon Nov  2']
)
def test_odd_lines_between_mails(tmp_path: Path, begin: bytes) -> None:
    mail = returns.dsn("gone@x.example")
    letter = returns.LETTER + b"\r\n\r\nFrom here on it is only text\r\nand no mail.\r\n\r\n"
    (tmp_path / "two.mbox").write_bytes(begin + b"\n" + letter + begin + b"\r\n" + mail)
    (tmp_path / "one.eml").write_bytes(b"From : MAILER-DAEMON@x.example\r\n" + mail)
    assert [(one["file"], one["kind"]) for one in read(tmp_path)] == [
        ("one.eml", "hard"),
        ("two.mbox#1", "other"),
        ("two.mbox#2", "hard"),
    ]


def test_whatever_the_file_holds_there_is_an_answer(tmp_path: Path) -> None:
    (tmp_path / "binary.eml").write_bytes(bytes(range(256)) * 400)
    (tmp_path / "empty.eml").write_bytes(b"")
    (tmp_path / "huge.eml").write_bytes(returns.LETTER + b"x" * 3_000_000)
    (tmp_path / "gone.eml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop.eml").mkdir()
    found = read(tmp_path)
    assert [one["file"] for one in found] == ["binary.eml", "empty.eml", "huge.eml"]
    assert {one["kind"] for one in found} == {"other"}
    assert all(one["why"] for one in found)
    with pytest.raises(CommandError, match="There is no"):
        run("read_bounces", str(tmp_path / "gone.eml"))


def test_a_directory_without_a_mail_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(CommandError, match="There is no mail in"):
        call_command("read_bounces", str(tmp_path), "--json")


def test_kinds_are_these_words(tmp_path: Path) -> None:
    samples = Path(__file__).parent / "samples"
    found = read(samples)
    assert {one["kind"] for one in found} == KINDS
    lines = run("read_bounces", str(samples)).splitlines()
    assert len(lines) == len(found)
    assert any(line.startswith("out-of-office.eml: auto-reply, nobody: ") for line in lines)
