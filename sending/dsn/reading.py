"""A mail to a Report: its parts first, then what they mean. Pure."""

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from sending.dsn import notifications, parts
from sending.dsn.notice import cut, named
from sending.dsn.parts import Headers, Part
from sending.dsn.report import Kind, Original, Report
from sending.dsn.status import ADDRESS, CODE, ENHANCED, Failed, address_of, recipients
from sending.dsn.verdict import judge

REPORTS = {"message/delivery-status", "message/global-delivery-status"}
RETURNED = {"message/rfc822", "message/global", "message/rfc822-headers"}
RETURNED_HEADERS = {"text/rfc822-headers", "message/global-headers", "message/rfc822-headers"}
# The worst first: what a report on several recipients comes to.
GRAVITY = (Kind.HARD, Kind.BLOCKED, Kind.SOFT, Kind.CHALLENGE, Kind.DELAYED, Kind.OTHER)
# RFC 5965: others report that a mail failed authentication, or that it is not spam after all.
COMPLAINTS = {"abuse", "fraud", "opt-out", "opt-out-list", "other", "virus", ""}
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
# The reason stands close behind the address; what follows is advice.
FIRST_WORDS = 300


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
    kind, why, people, status, words = _decide(seen)
    head = seen.headers
    return Report(
        kind=kind,
        recipients=tuple(people),
        status=status,
        diagnostic=" ".join(words.split())[:MOST_DIAGNOSTIC],
        why=why,
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
    if not seen.failed and '"bouncedRecipients' in text.replace("\\", ""):
        seen.failed = notifications.recipients(text)
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

Decision = tuple[Kind, str, list[str], str, str]


def _decide(seen: Seen) -> Decision:
    if seen.feedback is not None:
        return _complaint(seen, seen.feedback)
    if seen.returned and judge("complaint", seen.subject):
        return _complaint(seen, Headers())
    if seen.failed:
        return _from_report(seen)
    automatic = _automatic(seen)
    if automatic is not None:
        return (*automatic, [], "", _first_words(seen.notice))
    if _is_notice(seen):
        return _from_words(seen)
    return Kind.OTHER, "no sign of a bounce", [], "", ""


def _complaint(seen: Seen, feedback: Headers) -> Decision:
    given = feedback.first("feedback-type").lower().strip()
    kind = Kind.COMPLAINT if given in COMPLAINTS else Kind.OTHER
    people = [
        found
        for value in feedback.every("original-rcpt-to", "removal-recipient")
        if (found := address_of(value))
    ] or list(_addresses(seen.returned.every("x-original-to", "delivered-to", "to")))[:1]
    return kind, f"feedback-type: {given or '-'}", _distinct(people), "", _first_words(seen.notice)


def _from_report(seen: Seen) -> Decision:
    judged = [(_judge_failed(one, seen), one) for one in seen.failed]
    (kind, why), worst = min(judged, key=lambda pair: GRAVITY.index(pair[0][0]))
    people = _distinct(one.address for _, one in judged if one.address)
    if not people:
        people = _people(seen)
    words = worst.diagnostic or _words_about(seen.notice, people)
    return kind, why, people, _status(worst.diagnostic, worst.status), words


def _judge_failed(failed: Failed, seen: Seen) -> tuple[Kind, str]:
    if failed.action in {"delivered", "relayed", "expanded"}:
        return Kind.OTHER, f"action: {failed.action}"
    if failed.action == "delayed":
        return Kind.DELAYED, "action: delayed"
    return _judge(failed.diagnostic, seen.notice, failed.status)


def _judge(words: str, notice: str, status: str) -> tuple[Kind, str]:
    """By the server's words, by a code that says something, by the notice's words, by any code.

    A hard bounce suppresses, so a doubt is no hard bounce: a code of a passing failure (4.x), or a
    refusal of what had been read to its end.
    """
    code = found[1] if (found := CODE.search(words)) else ""
    status = _status(words, status)
    kind, why = (
        judge("words", words[:FIRST_WORDS])
        or judge("words", words)
        or judge("codes", "", status, code)
        or judge("given_up", words)
        or judge("words", notice)
        or judge("given_up", notice)
        or judge("rest", words, status, code)
        or (Kind.SOFT, "")
    )
    if kind == Kind.HARD:
        if status.startswith("4"):
            return Kind.SOFT, status
        if not status.startswith("5.1."):
            return judge("late", f"{words[:FIRST_WORDS]} {notice}") or (kind, why)
    return kind, why


def _status(words: str, given: str) -> str:
    """The enhanced status code that says most: servers put 5.0.0 into the field."""
    found = ENHANCED.search(words)
    if found and (not given or given.endswith(".0.0") or not found[1].endswith(".0.0")):
        return found[1]
    return given


def _automatic(seen: Seen) -> tuple[Kind, str] | None:
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
    return (Kind.AUTO_REPLY, "Auto-Submitted") if marked else None


def _is_notice(seen: Seen) -> bool:
    if seen.headers.first("x-failed-recipients"):
        return True
    by_sender = judge("notice_sender", seen.sender) is not None
    by_subject = judge("notice_subject", seen.subject) is not None
    by_body = judge("notice_body", seen.notice) is not None
    by_return = bool(seen.returned.get("message-id"))
    return by_sender + by_subject + by_body + by_return >= 2


def _from_words(seen: Seen) -> Decision:
    people = _people(seen)
    words = _words_about(seen.notice, people)
    late = judge("delay", f"{seen.subject} {seen.notice}")
    if late:
        return (*late, people, _status(words, ""), words)
    kind, why = _judge(words, seen.notice, "")
    return kind, why, people, _status(words, ""), words


def _people(seen: Seen) -> list[str]:
    failed = list(_addresses(seen.headers.every("x-failed-recipients")))
    if failed:
        return _distinct(failed)
    head = seen.headers
    own = list(_addresses(head.every("from", "reply-to", *TO_FIELDS)))
    own += _addresses(seen.returned.every("from", "return-path", "sender", "reply-to"))
    sent = list(_addresses(seen.returned.every("to", "cc", "x-original-to")))
    return named(seen.notice, sent, own) or _distinct(sent[:1])


def _words_about(notice: str, people: list[str]) -> str:
    """The server's words: what follows the address, else the first line with a code."""
    for person in people[:1]:
        start = notice.lower().find(person.lower())
        if start >= 0:
            return notice[start : start + MOST_DIAGNOSTIC]
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
