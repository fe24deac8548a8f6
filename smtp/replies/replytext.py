"""The text of a reply, as an operator pastes it: with or without codes, on one line or many, out of
a log. Pure."""

import re
from dataclasses import dataclass

from smtp.replies.meanings import Stage

# Some servers give no words.
LINE = re.compile(r"\s{0,8}([2-5]\d\d)(?:[-  ](.{0,2000})|$)")
# "host mx.example[192.0.2.1] said: 550 5.1.1 ..." (Postfix), "smtp; 550 ..." (RFC 3464)
AMID = re.compile(r"(?:said: |: |; ?|'|\[|^)([45]\d\d)(?=[ \-])[ \-](.{0,2000})", re.DOTALL)
ENHANCED = re.compile(r"\W{0,2}([245])\.\d{1,3}\.\d{1,3}\b")
# How notices and logs name what was answered: Postfix ("in reply to"), Exim ("after"), DragonFly
# ("did not like our"), qmail.
NAMED = r"(?:in reply to (?:the )?|error from remote (?:mail )?server after |did not like our )"
STAGES = (
    (rf"{NAMED}(?:pipelined )?(?:ehlo|helo|starttls|initial connection)", Stage.CONNECT),
    (rf"{NAMED}(?:pipelined )?mail from|but sender was rejected", Stage.MAIL),
    (rf"{NAMED}(?:pipelined )?rcpt to|does not like recipient", Stage.RCPT),
    (rf"{NAMED}(?:pipelined )?end of data|failed after i sent the message", Stage.CONTENT),
    (rf"{NAMED}(?:pipelined )?data\b", Stage.DATA),
    (r"but (?:greeting failed|my name was rejected)", Stage.CONNECT),
)
PATTERNS = tuple((re.compile(sign, re.IGNORECASE), stage) for sign, stage in STAGES)
# The dialogue that sendmail and Courier quote: ">>> RCPT To:<...>", "<<< 550 ...".
REFUSED = re.compile(r"<<< ?[45]\d\d")
COMMANDS = {"mail": Stage.MAIL, "rcpt": Stage.RCPT, "data": Stage.DATA, ".": Stage.CONTENT}


@dataclass(frozen=True, slots=True)
class ReplyText:
    """`code` is 0 where none was found; `stage` is UNKNOWN where it doesn't say."""

    code: int
    words: str
    stage: Stage = Stage.UNKNOWN


def read(text: str) -> ReplyText:
    text = text.strip()[:10_000]
    stage = _stage(text)
    lines = [LINE.match(line) for line in text.splitlines() if line.strip()]
    first = lines[0] if lines else None
    if first and all(line and line[1] == first[1] for line in lines):
        return ReplyText(int(first[1]), "\n".join(line[2] or "" for line in lines if line), stage)
    if first:
        # A log that was wrapped: the rest belongs to the first line.
        return ReplyText(int(first[1]), text[first.end(1) + 1 :], stage)
    if found := AMID.search(text):
        return ReplyText(int(found[1]), found[2], stage)
    if enhanced := ENHANCED.match(text):
        return ReplyText(int(enhanced[1]) * 100 + 50, text, stage)
    return ReplyText(0, text, stage)


def _stage(text: str) -> Stage:
    """What is named first, and in a dialogue what was refused first."""
    found = [(m.start(), stage) for sign, stage in PATTERNS if (m := sign.search(text))]
    if found:
        return min(found)[1]
    for step in text.split(">>>")[1:50]:
        if REFUSED.search(step):
            command = step.lower().split(maxsplit=1)[0]
            return COMMANDS.get(command, Stage.UNKNOWN)
    return Stage.UNKNOWN
