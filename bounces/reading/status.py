"""Reads the machine-readable fields of a report (RFC 3464, RFC 5965), also malformed ones.
Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bounces.reading.parts import Headers, fields

# Characters of a local part and domain, also of IDN and EAI. Bounded, so that a search is linear.
LOCAL = r"[\w.!#$%&'*+/=?^`{|}~-]"
# For use after a sign that may be part of a local part: ";dda:smtp=user@...".
BARE_ADDRESS = (
    rf"(?:{LOCAL}{{1,128}}|\"[^\"\s@]{{1,64}}\")@(?:\[[\d.]{{7,15}}\]|#?[\w-][\w.-]{{0,250}}\w|\w)"
)
# Matches only whole local parts: in "user42@..." never "42@...".
ADDRESS = re.compile(rf"(?<!{LOCAL}){BARE_ADDRESS}")
ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
CODE = re.compile(r"(?<![\d.])([45]\d\d)(?=[\s\-#(:;,]|$)")
RECIPIENT_FIELDS = ("final-recipient", "original-recipient", "x-actual-recipient")
MOST_RECIPIENTS = 50


@dataclass(frozen=True, slots=True)
class Failed:
    """The fields of a report about one recipient."""

    address: str
    action: str = ""
    status: str = ""
    diagnostic: str = ""
    # The kind that the reporter gives, if any.
    kind: str = ""


def address_of(value: str) -> str:
    """The address in "rfc822; <user@example.com>"; "" for none."""
    text = value.partition(";")[2] or value
    found = ADDRESS.search(text)
    return found[0].strip(".'") if found else ""


def recipients(text: str) -> list[Failed]:
    """The recipients in lines of per-recipient fields. Groups are separated by empty lines, or, in
    malformed reports, only by the next recipient field."""
    found: list[Failed] = []
    common = Headers()
    for group in _groups(text):
        if not any(name in group for name in RECIPIENT_FIELDS):
            if not found or "diagnostic-code" not in group:
                common.update(group)
            continue
        found.append(_failed(group, common))
        if len(found) >= MOST_RECIPIENTS:
            break
    return found


def _groups(text: str) -> Iterator[Headers]:
    for block in re.split(r"\n[ \t]*\n", text):
        lines: list[str] = []
        for line in block.strip("\n").split("\n"):
            if line.lower().startswith("final-recipient") and any(
                one.lower().startswith("final-recipient") for one in lines
            ):
                yield fields("\n".join(lines))
                lines = []
            lines.append(line.lstrip() if not lines else line)
        if lines:
            yield fields("\n".join(lines))


def _failed(group: Headers, common: Headers) -> Failed:
    named = [address_of(value) for value in group.every(*RECIPIENT_FIELDS)]
    action = group.first("action") or common.first("action")
    words = " ".join(group.every("diagnostic-code")) or common.first("diagnostic-code")
    kind, sign, rest = words.partition(";")
    status = ENHANCED.search(group.first("status") or common.first("status"))
    return Failed(
        address=next(filter(None, named), ""),
        action=re.sub(r"[^a-z]", "", action.lower().partition("(")[0]),
        status=status[1] if status else "",
        diagnostic=(rest if sign and len(kind) < 30 else words).strip(),
    )
