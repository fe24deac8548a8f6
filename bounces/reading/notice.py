"""Reads a notice in plain words: the addresses that it is about, and where the returned message
begins. Pure."""

import re
from collections.abc import Iterable

from bounces.reading.status import ADDRESS, BARE_ADDRESS, MOST_RECIPIENTS

# Lines after which a notice quotes the returned message.
QUOTED = re.compile(
    r"^[ \t>*\-=_]*(?:"
    r"this is a copy of (?:the|your) message[^\n]{0,80}|below this line is a copy[^\n]{0,80}"
    r"|included is a copy of the message[^\n]{0,80}|a copy of (?:the|your) (?:original )?message"
    r"[^\n]{0,80}|attachment is a copy of the message[^\n]{0,80}|below the next line is a copy"
    r"[^\n]{0,80}|(?:the )?(?:headers?|first \d+ (?:lines|bytes)|text|start) of (?:the|your)"
    r" (?:original )?(?:message|mail)[^\n]{0,60}"
    r"|(?:your |the )?(?:original|returned|unsent|undelivered) (?:message|mail|e-mail)"
    r"(?: (?:headers?|follows?|is (?:below|included|attached)|text|below|details))*"
    r"|message (?:headers?|text|contents?) follows?|(?:original )?message headers?"
    r"|copy of the message|原邮件|原始邮件|邮件原文"
    r")[ \t:.,*=_\-]*$",
    re.IGNORECASE | re.MULTILINE,
)
HEADER_BLOCK = re.compile(
    r"^(?:received: (?:from|by)|return-path: ?<|message-id: ?<|x-yanshu-message:)",
    re.IGNORECASE | re.MULTILINE,
)
BRACKETED = re.compile(rf"<({ADDRESS.pattern})>")

# How known servers write the address that a notice is about. The first pattern that matches
# decides. Each has a bounded length, so that a search is linear.
LINES = (
    # qmail, Postfix: the address, then the words.
    r"^[ \t]*<ADDRESS>:?[ \t]*(?:\([^\n]{0,80}\)?)?(?::.{0,300})?$",
    r"^[ \t*]*\[ADDRESS\]:",
    r";dda:smtp=ADDRESS;",
    # sendmail's transcript.
    r"^[ \t]*5\d\d[ -](?:5\.\d\.\d )?<?ADDRESS>?\.\.\.",
    r"^>>> RCPT To: ?<ADDRESS>",
    # Exim, Gmail, Yahoo, GroupWise: a line of its own.
    r"^[ \t]+<?ADDRESS>?:?[ \t]*(?:\([^\n]{0,80})?$",
    r"^<?ADDRESS>?:?[ \t]*(?:\([^\n]{0,80})?$",
)
SENTENCES = (
    (
        r"(?:\b(?:delivered|deliver|delivery|send|sent|reach|message|mail|recipients?)\b"
        r"|收件人|发送到|投递到|发给|投递给)"
        r"[ \t]*(?:is |was |has )?(?:to|for|address(?:es)?|是|为)?(?: the)?(?: following)?"
        r"(?: address| recipient| user| mailbox)?[ \t]*[:：]?[ \t]*\n?[ \t]*[<(\"'“]?ADDRESS"
    ),
    (
        r"\b(?:unknown|invalid|no such|undeliverable|bad|illegal|inactive|unrouteable|disabled)"
        r"[ \t](?:local )?(?:user|address|recipient|mailbox|account)s?[ \t:\-]{0,4}[<(\"']?ADDRESS"
    ),
    r"\b(?:user|address|recipient|mailbox|account|for|to|of)[ \t:]{1,4}[<(\"'“]?ADDRESS",
    r"[<(\"'“]?ADDRESS[>)\"'”]?[ \t]*(?:is|was|has|does|did|could|can|not|on|:|,|无法|不存在)",
)


def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    filled = (
        pattern.replace("=ADDRESS", f"=({BARE_ADDRESS})").replace("ADDRESS", f"({ADDRESS.pattern})")
        for pattern in patterns
    )
    return tuple(re.compile(one, re.IGNORECASE | re.MULTILINE) for one in filled)


NAMED_LINES, NAMED_SENTENCES = _compiled(LINES), _compiled(SENTENCES)


def cut(text: str) -> tuple[str, str]:
    """(the notice, the returned message that it quotes)"""
    ends = []
    for found in QUOTED.finditer(text):
        # The line ends the notice only if header fields follow: the words may also be in a sentence
        # before the reasons.
        rest = text[found.end() :]
        if HEADER_BLOCK.search(rest[:6000]) or re.match(r"\s*[\w-]{2,40}: ", rest[:200]):
            ends.append((found.start(), found.end()))
            break
    if (block := HEADER_BLOCK.search(text)) and block.start() > 0:
        ends.append((block.start(), block.start()))
    if not ends:
        return text, ""
    start, end = min(ends)
    return text[:start], text[end:]


def named(text: str, known: Iterable[str], own: Iterable[str]) -> list[str]:
    """The addresses that the notice is about. `known`: recipients of the returned message; `own`:
    addresses of the notice's sender and recipient, which are ignored."""
    mine = {address.lower() for address in own}
    sent = {address.lower() for address in known}
    for pattern in NAMED_LINES:
        if found := _distinct((m[1] for m in pattern.finditer(text)), mine):
            return found
    for pattern in NAMED_SENTENCES:
        if found := _distinct((m[1] for m in pattern.finditer(text)), mine):
            return [one for one in found if one.lower() in sent] or found
    anywhere = _distinct((m[0] for m in ADDRESS.finditer(text)), mine)
    if both := [one for one in anywhere if one.lower() in sent]:
        return both
    bracketed = _distinct((m[1] for m in BRACKETED.finditer(text)), mine)
    return (bracketed or anywhere)[:1]


def _distinct(addresses: Iterable[str], mine: set[str]) -> list[str]:
    found: dict[str, str] = {}
    for address in addresses:
        clean = address.strip(".'").removeprefix("mailto:")
        local, _, domain = clean.lower().rpartition("@")
        if "." not in domain or not local or clean.lower() in mine:
            continue
        if local in {"postmaster", "mailer-daemon", "mailerdaemon", "abuse", "noreply", "no-reply"}:
            continue
        found.setdefault(clean.lower(), clean)
        if len(found) >= MOST_RECIPIENTS:
            break
    return list(found.values())
