"""`manage.py read_bounces`: what mails that came back say, without a mailbox and a database."""

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError

from bounces.reading import Report, ReportKind, parse
from bounces.reading.parts import MOST_BYTES

# What is looked at in a directory; in a Maildir everything in "cur" and "new".
ENDINGS = {".eml", ".mbox", ".mbx"}
MAILDIR = {"cur", "new"}
# A line of a mailbox file at which a mail begins (RFC 4155), whatever stands behind the word; a
# field with a blank before its colon is none. The next line is a field: a sentence begins no mail.
BEGIN = re.compile(rb"From (?![ \t]*:)")
FIELD = re.compile(rb"[!-9;-~]+[ \t]*:|>?From ")
MOST_LINE = 64 * 1024
SUPPRESSING = {ReportKind.HARD_BOUNCED, ReportKind.COMPLAINED}
# Programs read this output, so its words stay as they are (docs/operators/replies.md).
WORDS = {
    ReportKind.HARD_BOUNCED: "hard",
    ReportKind.SOFT_BOUNCED: "soft",
    ReportKind.COMPLAINED: "complaint",
    ReportKind.AUTO_REPLIED: "auto-reply",
    ReportKind.CHALLENGED: "challenge",
}


@dataclass(frozen=True, slots=True)
class MailFile:
    name: str
    raw: bytes = b""
    # Why it can't be read; "" where it can.
    error: str = ""


class Command(BaseCommand):
    help = (
        "Read mails that came back: a file, a mailbox file (mbox), or a directory with .eml and "
        ".mbox files, at any depth. Says for each its kind, its recipients, and the rule that "
        "decided. Changes nothing and needs no database."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("path", type=Path)
        parser.add_argument("--json", action="store_true", help="a line of JSON for each mail")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["path"]
        if not path.exists():
            raise CommandError(f"There is no {path}.")
        found = False
        try:
            for mail in _mails(path):
                found = True
                facts = _facts(mail)
                if options["json"]:
                    self.stdout.write(json.dumps(facts, ensure_ascii=False))
                else:
                    self.stdout.write(_line(facts))
            self.stdout.flush()
        except BrokenPipeError:
            # The reader has had enough, as `head` does. Python would try once more at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not found:
            raise CommandError(f"There is no mail in {path}: no .eml or .mbox file, no Maildir.")


def _mails(path: Path) -> Iterator[MailFile]:
    if not path.is_dir():
        yield from _of_file(path, path.name)
        return
    found = (one for one in path.rglob("*") if _looked_at(one))
    for one in sorted(found, key=lambda file: file.relative_to(path).as_posix()):
        yield from _of_file(one, one.relative_to(path).as_posix())


def _looked_at(file: Path) -> bool:
    wanted = file.suffix.lower() in ENDINGS or file.parent.name in MAILDIR
    return wanted and file.is_file()


def _of_file(file: Path, name: str) -> Iterator[MailFile]:
    """One mail, or the mails of a mailbox file, numbered where they are several."""
    name = name.encode("utf-8", "replace").decode()
    try:
        with file.open("rb") as opened:
            if not BEGIN.match(opened.read(80)):
                opened.seek(0)
                yield MailFile(name, opened.read(MOST_BYTES))
                return
            opened.seek(0)
            raws = list(_split(opened))
    except OSError as error:
        yield MailFile(name, error=f"can't be read: {error.strerror}")
        return
    for number, raw in enumerate(raws, 1):
        yield MailFile(name if len(raws) == 1 else f"{name}#{number}", raw)


def _split(opened: BinaryIO) -> Iterator[bytes]:
    """The first MOST_BYTES of each mail of a mailbox file."""
    lines: list[bytes] = []
    size, blank = 0, True
    line = opened.readline(MOST_LINE)
    while line:
        following = opened.readline(MOST_LINE)
        if blank and lines and BEGIN.match(line) and FIELD.match(following):
            yield b"".join(lines)
            lines, size = [], 0
        blank = line in {b"\n", b"\r\n"}
        if size < MOST_BYTES:
            lines.append(line)
            size += len(line)
        line = following
    yield b"".join(lines)


def _facts(mail: MailFile) -> dict[str, Any]:
    report = Report(ReportKind.OTHER, why=mail.error or "empty")
    if mail.raw.strip():
        try:
            report = parse(mail.raw)
        except Exception as error:  # noqa: BLE001 - it never raises; were it otherwise, go on
            report = Report(ReportKind.OTHER, why=f"can't be read: {type(error).__name__}")
    return {
        "file": mail.name,
        "kind": WORDS.get(report.kind, report.kind.value),
        "recipients": list(report.recipients),
        "status": report.status,
        "rule": report.rule,
        "why": report.why,
        "suppresses": report.kind in SUPPRESSING,
    }


def _line(facts: dict[str, Any]) -> str:
    people = ", ".join(facts["recipients"]) or "nobody"
    rule = f" [{facts['rule']}]" if facts["rule"] else ""
    return f"{facts['file']}: {facts['kind']}, {people}: {facts['why']}{rule}"
