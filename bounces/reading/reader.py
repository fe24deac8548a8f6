"""A mail to a Report: its parts first, then what they mean. Pure."""

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from bounces.reading import notifications, parts
from bounces.reading.notice import cut, named
from bounces.reading.parts import Headers, Part
from bounces.reading.refusal import Judged, best_status, judge_refusal
from bounces.reading.report import Failure, Original, Report, ReportKind
from bounces.reading.status import ADDRESS, CODE, ENHANCED, Failed, address_of, recipients
from bounces.reading.verdict import judge

REPORTS = {"message/delivery-status", "message/global-delivery-status"}
RETURNED = {"message/rfc822", "message/global", "message/rfc822-headers"}
RETURNED_HEADERS = {"text/rfc822-headers", "message/global-headers", "message/rfc822-headers"}
# The worst first: what a report on several recipients comes to.
GRAVITY = (
    ReportKind.COMPLAINED,
    ReportKind.HARD_BOUNCED,
    ReportKind.BLOCKED,
    ReportKind.SOFT_BOUNCED,
    ReportKind.CHALLENGED,
    ReportKind.DELAYED,
    ReportKind.OTHER,
)
# RFC 5965: others report that a mail failed authentication, or that it is not spam after all.
COMPLAINTS = {"abuse", "fraud", "opt-out", "opt-out-list", "other", "virus", ""}
ANSWERED = re.compile(
    r"(?:re|fwd?|aw|wg|tr|rv|sv|vs|回复|答复|转发|回覆|轉寄)[ :：]", re.IGNORECASE
)
URL = re.compile(r"https?://[^\s<>,]{1,500}")
TO_FIELDS = (
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "x-envelope-to",
    "x-rcpt-to",
    "apparently-to",
    "to",
)
MOST_DIAGNOSTIC = 2000


@dataclass(slots=True)
class Seen:
    """What a mail holds, by what its parts are for."""

    headers: Headers
    notice: str = ""
    failed: list[Failed] = field(default_factory=list)
    feedback: Headers | None = None
    # Headers of the message that came back.
    returned: Headers = field(default_factory=Headers)
    subject: str = ""
    sender: str = ""


def parse(raw: bytes) -> Report:
    """What the mail says. Never raises, whatever the bytes are."""
    seen = _look(parts.read(raw))
    decision = _decide(seen)
    head = seen.headers
    return Report(
        kind=decision.kind,
        recipients=tuple(decision.people),
        status=decision.status,
        diagnostic=" ".join(decision.words.split())[:MOST_DIAGNOSTIC],
        why=decision.why,
        rule=decision.rule,
        failures=decision.failures,
        sender=address_of(head.first("from")) or seen.sender[:320],
        subject=seen.subject[:500],
        delivered_to=tuple(dict.fromkeys(_addresses(head.every(*TO_FIELDS)))),
        arrived=_date(head.first("date")),
        original=_original(seen),
    )


# What is there ------------------------------------------------------------------------------------


def _look(tree: Part) -> Seen:
    head = tree.headers
    seen = Seen(
        head,
        subject=" ".join(parts.words(head.first("subject")).split()),
        sender=" ".join(parts.words(head.first("from")).split()),
    )
    plain: list[str] = []
    markup: list[str] = []
    _collect(tree, seen, plain, markup)
    text = "\n".join(plain) if any(one.strip() for one in plain) else "\n".join(markup)
    seen.notice, quoted = cut(text)
    if quoted:
        block = re.sub(r"^[> \t]+(?=[\w-]+:)", "", quoted.lstrip()[:20_000], flags=re.MULTILINE)
        for name, values in parts.fields(block).items():
            seen.returned.setdefault(name, values)
    if not seen.failed and "-recipient:" in text.lower():
        seen.failed = recipients(text)
    if not seen.failed and (told := notifications.read(text)):
        seen.failed = told.recipients
        seen.returned.update(told.headers)
    return seen


def _collect(part: Part, seen: Seen, plain: list[str], markup: list[str]) -> None:
    if part.kind in REPORTS:
        seen.failed += recipients(part.text())
    elif part.kind == "message/feedback-report":
        seen.feedback = parts.fields(part.text())
    elif part.kind in RETURNED_HEADERS:
        seen.returned.update(parts.fields(part.text().lstrip("\n")))
    elif part.kind in RETURNED:
        for inner in part.parts:
            _returned(inner, seen, plain, markup)
    elif part.kind == "text/html":
        markup.append(part.text())
    elif part.parts:
        for inner in part.parts:
            _collect(inner, seen, plain, markup)
    elif part.kind.startswith(("text/", "multipart/")):
        plain.append(part.text())


def _returned(inner: Part, seen: Seen, plain: list[str], markup: list[str]) -> None:
    if inner.kind == "multipart/report" and not seen.failed:  # a report that was passed on
        _collect(inner, seen, plain, markup)
    else:
        seen.returned.update(inner.headers)


# What it means ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Decision:
    kind: ReportKind
    why: str
    people: list[str] = field(default_factory=list)
    status: str = ""
    words: str = ""
    rule: str = ""
    failures: tuple[Failure, ...] = ()


def _decide(seen: Seen) -> Decision:
    if seen.feedback is not None:
        return _complaint(seen, seen.feedback)
    if seen.returned and judge("complaint", seen.subject):
        return _complaint(seen, Headers())
    if seen.failed:
        return _from_report(seen)
    if automatic := _automatic(seen):
        kind, why = automatic
        return Decision(kind, why, words=_first_words(seen.notice), rule="automatic")
    if _is_notice(seen):
        return _from_words(seen)
    return Decision(ReportKind.OTHER, "no sign of a bounce")


def _complaint(seen: Seen, feedback: Headers) -> Decision:
    given = feedback.first("feedback-type").lower().strip()
    kind = ReportKind.COMPLAINED if given in COMPLAINTS else ReportKind.OTHER
    people = [
        found
        for value in feedback.every("original-rcpt-to", "removal-recipient")
        if (found := address_of(value))
    ] or list(_addresses(seen.returned.every("x-original-to", "delivered-to", "to")))[:1]
    why, words = f"feedback-type: {given or '-'}", _first_words(seen.notice)
    return Decision(kind, why, _distinct(people), words=words, rule="complaint")


def _from_report(seen: Seen) -> Decision:
    failures = tuple(_failure(one, seen) for one in seen.failed)
    worst = min(failures, key=lambda one: GRAVITY.index(one.kind))
    people = _distinct(one.recipient for one in _undelivered(failures) if one.recipient)
    people = people or _people(seen)
    words = worst.diagnostic or _words_about(seen.notice, people)
    return Decision(
        worst.kind,
        worst.why,
        people,
        worst.status,
        words,
        worst.rule,
        failures if len(failures) > 1 else (),
    )


def _undelivered(failures: tuple[Failure, ...]) -> list[Failure]:
    """Those that a report is about: one that says of some that they failed is not about others,
    whose mail arrived or is still being tried."""
    for passing in ({ReportKind.OTHER, ReportKind.DELAYED}, {ReportKind.OTHER}):
        if found := [one for one in failures if one.kind not in passing]:
            return found
    return list(failures)


def _failure(failed: Failed, seen: Seen) -> Failure:
    judged = _judge_failed(failed, seen)
    status = best_status(failed.diagnostic, failed.status)
    return Failure(failed.address, judged.kind, status, failed.diagnostic, judged.why, judged.rule)


def _judge_failed(failed: Failed, seen: Seen) -> Judged:
    # RFC 3463, 2: 2.x.x is success, whatever the action is called.
    if failed.status.startswith("2"):
        return Judged(ReportKind.OTHER, f"status: {failed.status}", "status")
    if failed.action in {"delivered", "relayed", "expanded", "deliverable"}:
        return Judged(ReportKind.OTHER, f"action: {failed.action}", "action")
    if failed.action == "delayed":
        return Judged(ReportKind.DELAYED, "action: delayed", "action")
    if failed.kind in {ReportKind.COMPLAINED, ReportKind.OTHER}:
        return Judged(ReportKind(failed.kind), "notification", "notification")
    words = failed.diagnostic
    place = _words_about(seen.notice, [failed.address], [one.address for one in seen.failed])
    status = best_status(words, failed.status)
    judged = judge_refusal(words or place, status, seen.notice, place=place)
    return _moderated(judged, failed.kind)


def _moderated(judged: Judged, said: str) -> Judged:
    """Where the reporter tells lasting failures from passing ones, a passing one is never hard, and
    a lasting one is it where the words don't tell."""
    if said == ReportKind.SOFT_BOUNCED and judged.kind is ReportKind.HARD_BOUNCED:
        return Judged(ReportKind.SOFT_BOUNCED, "notification", "notification")
    if said in {ReportKind.HARD_BOUNCED, ReportKind.BLOCKED} and judged.rule in {
        "",
        "unclear",
        "transient",
    }:
        return Judged(ReportKind(said), "notification", "notification")
    return judged


def _automatic(seen: Seen) -> tuple[ReportKind, str] | None:
    """An automatic reply or a challenge; bounces call themselves auto-replied too."""
    head = seen.headers
    if _is_notice(seen):
        return None
    told = judge("automatic", f"{seen.subject} {_first_words(seen.notice)}")
    marks = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-response-suppress")
    marked = head.first("auto-submitted").lower().startswith("auto-") or any(
        head.first(name) for name in marks
    )
    marked = marked or head.first("precedence").lower() in {"auto_reply", "auto-reply"}
    if told and (marked or judge("automatic", seen.subject)):
        return told
    return (ReportKind.AUTO_REPLIED, "Auto-Submitted") if marked else None


def _is_notice(seen: Seen) -> bool:
    if seen.headers.first("x-failed-recipients"):
        return True
    by_sender = judge("notice_sender", seen.sender) is not None
    # Somebody who answers or passes on a notice is no server.
    answered = ANSWERED.match(seen.subject) is not None
    by_subject = not answered and judge("notice_subject", seen.subject) is not None
    by_body = judge("notice_body", seen.notice) is not None
    by_return = bool(seen.returned.get("message-id"))
    return by_sender + by_subject + by_body + by_return >= 2


def _from_words(seen: Seen) -> Decision:
    people = _people(seen)
    words = _words_about(seen.notice, people)
    if late := judge("delay", f"{seen.subject} {seen.notice}"):
        return Decision(*late, people, best_status(words, ""), words, "delay")
    failures = tuple(_failure_in_words(person, people, seen) for person in people or [""])
    worst = min(failures, key=lambda one: GRAVITY.index(one.kind))
    return Decision(
        worst.kind,
        worst.why,
        people,
        worst.status,
        worst.diagnostic,
        worst.rule,
        failures if len(failures) > 1 else (),
    )


def _failure_in_words(person: str, people: list[str], seen: Seen) -> Failure:
    words = _words_about(seen.notice, [person] if person else [], people)
    status = best_status(words, "")
    judged = judge_refusal(words, status, seen.notice if len(people) < 2 else "", place=words)
    return Failure(person, judged.kind, status, words, judged.why, judged.rule)


def _people(seen: Seen) -> list[str]:
    failed = list(_addresses(seen.headers.every("x-failed-recipients")))
    if failed:
        return _distinct(failed)
    head = seen.headers
    own = list(_addresses(head.every("from", "reply-to", *TO_FIELDS)))
    own += _addresses(seen.returned.every("from", "return-path", "sender", "reply-to"))
    sent = list(_addresses(seen.returned.every("to", "cc", "x-original-to")))
    return named(seen.notice, sent, own) or _distinct(sent[:1])


def _words_about(notice: str, people: list[str], others: Iterable[str] = ()) -> str:
    """The server's words: what follows the address up to the next one's, else the first line with
    a code."""
    lower = notice.lower()
    for person in people[:1]:
        start = lower.find(person.lower()) if person else -1
        if start >= 0:
            ends = (lower.find(one.lower(), start + 1) for one in others if one and one != person)
            end = min((found for found in ends if found > start), default=len(notice))
            return notice[start : min(end, start + MOST_DIAGNOSTIC)]
    found = CODE.search(notice) or ENHANCED.search(notice)
    start = found.start() if found else 0
    return notice[start : start + MOST_DIAGNOSTIC]


def _first_words(notice: str) -> str:
    return " ".join(notice[:2000].split())[:500]


# What it came back from ---------------------------------------------------------------------------


def _original(seen: Seen) -> Original:
    returned = seen.returned
    ids = [*returned.every("message-id"), *seen.headers.every("in-reply-to", "references")]
    senders = [*returned.every("return-path", "x-envelope-from", "envelope-from")]
    if seen.feedback is not None:
        senders += seen.feedback.every("original-mail-from")
    return Original(
        message_ids=tuple(_distinct(m[0] for m in ADDRESS.finditer(" ".join(ids)[:8000]))),
        tokens=tuple(value.strip() for value in returned.every("x-yanshu-message")),
        unsubscribe_urls=tuple(URL.findall(" ".join(returned.every("list-unsubscribe"))[:4000])),
        senders=tuple(_addresses(senders)),
    )


def _addresses(values: Iterable[str]) -> Iterable[str]:
    for value in values:
        for found in ADDRESS.finditer(value[:4000]):
            yield found[0].strip(".'")


def _distinct(addresses: Iterable[str]) -> list[str]:
    return list({address.lower(): address for address in addresses}.values())


def _date(value: str) -> datetime | None:
    with contextlib.suppress(ValueError, TypeError, IndexError, OverflowError):
        when = parsedate_to_datetime(value)
        return when if when.tzinfo else when.replace(tzinfo=UTC)
    return None
