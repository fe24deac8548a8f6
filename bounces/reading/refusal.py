"""What a server's refusal means, read by the same rules as a reply on the wire (smtp.replies).
Pure."""

import re
from dataclasses import dataclass

from bounces.reading.report import ReportKind
from bounces.reading.status import CODE, ENHANCED
from bounces.reading.verdict import without_boilerplate
from smtp.replies import Meaning, Verdict, classify, read

KINDS = {
    Meaning.ADDRESS: ReportKind.HARD_BOUNCED,
    # When a mail comes back, its server has tried for days.
    Meaning.DOMAIN: ReportKind.HARD_BOUNCED,
    Meaning.POLICY: ReportKind.BLOCKED,
    Meaning.RATE: ReportKind.BLOCKED,
    Meaning.LOGIN: ReportKind.BLOCKED,
    Meaning.SENDER: ReportKind.BLOCKED,
    Meaning.ACCEPTED: ReportKind.OTHER,
}
# The reason stands close behind the address; what follows is advice.
FIRST_WORDS = 300
BEGINS_ENHANCED = re.compile(r"\W{0,2}[245]\.\d{1,3}\.\d{1,3}(?![.\d])")


@dataclass(frozen=True, slots=True)
class Judged:
    kind: ReportKind
    why: str
    # The name of the rule; "" where none decided.
    rule: str = ""


def judge_refusal(words: str, status: str, notice: str = "", *, place: str = "") -> Judged:
    """By the words that belong to the recipient, then by what the notice says besides.

    `status`: the enhanced code that is known; `place`: text in which the stage is named.
    """
    paragraphs = without_boilerplate(words)
    line = " ".join(paragraphs.split())
    code, behind = _reply(line, status)
    stage = read(" ".join(words.split())).stage or read(" ".join(place.split())).stage
    near = _near(paragraphs.split("\n\n")[:2])
    texts = [_reply(one, status)[1] for one in near]
    if not any(CODE.search(one) for one in near):
        # No reply stands where one is expected: the rest may hold the reason.
        texts += [behind[:FIRST_WORDS], behind, line, *_pieces(place), *_pieces(notice)]
    best: Verdict | None = None
    for text in dict.fromkeys(filter(None, texts)):
        verdict = classify(code, _with_status(text, status), stage)
        best = best or verdict
        if not _weak(verdict):
            return _judged(verdict)
    return _judged(best or classify(code, status, stage))


def _near(paragraphs: list[str]) -> list[str]:
    """Up to the one with a reply: behind it the returned message may be quoted."""
    ends = (number for number, one in enumerate(paragraphs, 1) if CODE.search(one))
    return paragraphs[: next(ends, len(paragraphs))]


def _reply(line: str, status: str) -> tuple[int, str]:
    """The code, and the words behind it."""
    reply = read(line)
    if reply.code:
        return reply.code, reply.words
    if found := CODE.search(line):
        return int(found[1]), line[found.end() :].strip()
    return int(f"{_digit(status)}50"), line


def _digit(status: str) -> str:
    """What came back without a code failed for good, unless its status says otherwise."""
    return status[0] if status[:1] in {"2", "4", "5"} else "5"


def _with_status(text: str, status: str) -> str:
    """The status where a server puts it, unless the words begin with one that says more."""
    given = BEGINS_ENHANCED.match(text)
    if not status or (given and not given[0].endswith(".0.0")):
        return text
    return f"{status} {text[given.end() :].lstrip() if given else text}"


def _pieces(notice: str) -> list[str]:
    """The notice without the sentences that every notice of its server holds."""
    text = without_boilerplate(notice)[:1000]
    return [text] if text.strip() else []


def _weak(verdict: Verdict) -> bool:
    """Only the first digit or the code decided."""
    rule = verdict.rule
    return rule is not None and not (rule.text or rule.enhanced)


def _judged(verdict: Verdict) -> Judged:
    rule = verdict.rule
    if rule is None:
        return Judged(ReportKind.OTHER, "2xx")
    kind = (
        ReportKind(rule.kind) if rule.kind else KINDS.get(verdict.meaning, ReportKind.SOFT_BOUNCED)
    )
    return Judged(kind, f"{verdict.meaning.value}: {verdict.words or verdict.enhanced}", rule.name)


def best_status(words: str, given: str) -> str:
    """The enhanced status code that says most: servers put 5.0.0 into the field."""
    found = ENHANCED.search(words)
    if found and (not given or given.endswith(".0.0") or not found[1].endswith(".0.0")):
        return found[1]
    return given
