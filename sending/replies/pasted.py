"""A reply as people paste it: with or without codes, on one line or many, out of a log. Pure."""

import re
from dataclasses import dataclass

from sending.replies.meanings import Stage

LINE = re.compile(r"\s{0,8}([2-5]\d\d)[-  ](.{0,2000})")
# "host mx.example[192.0.2.1] said: 550 5.1.1 ..." (Postfix), "smtp; 550 ..." (RFC 3464)
AMID = re.compile(r"(?:said: |: |; ?|'|\[|^)([45]\d\d)(?=[ \-])[ \-](.{0,2000})", re.DOTALL)
ENHANCED = re.compile(r"\W{0,2}([245])\.\d{1,3}\.\d{1,3}\b")
# What Postfix adds.
STAGES = (
    (re.compile(r"in reply to (the )?mail from", re.IGNORECASE), Stage.MAIL),
    (re.compile(r"in reply to (the )?rcpt to", re.IGNORECASE), Stage.RCPT),
    (re.compile(r"in reply to (the )?end of data", re.IGNORECASE), Stage.CONTENT),
    (re.compile(r"in reply to (the )?data", re.IGNORECASE), Stage.DATA),
)


@dataclass(frozen=True, slots=True)
class Pasted:
    """`code` is 0 where none was found; `stage` is "" where it doesn't say."""

    code: int
    words: str
    stage: str = ""


def read(text: str) -> Pasted:
    text = text.strip()[:10_000]
    stage = next((stage.value for sign, stage in STAGES if sign.search(text)), "")
    lines = [LINE.match(line) for line in text.splitlines() if line.strip()]
    first = lines[0] if lines else None
    if first and all(line and line[1] == first[1] for line in lines):
        return Pasted(int(first[1]), "\n".join(line[2] for line in lines if line), stage)
    if first:
        # A log that was wrapped: the rest belongs to the first line.
        return Pasted(int(first[1]), text[first.start(2) :], stage)
    if found := AMID.search(text):
        return Pasted(int(found[1]), found[2], stage)
    if enhanced := ENHANCED.match(text):
        return Pasted(int(enhanced[1]) * 100 + 50, text, stage)
    return Pasted(0, text, stage)
