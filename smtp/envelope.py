"""The envelope of a mail (MAIL and RCPT, with parameters that the server offers), and its content
in the form of DATA. Pure."""

import re
from collections.abc import Callable
from math import ceil, floor

from smtp import remarks
from smtp.mailobjects import End, MailObject, Outcome, refused
from smtp.offers import Offers
from smtp.remarks import Remark
from smtp.replies import LimitOf, Meaning, Stage, Verdict

# Without the characters that end an address or its line: input must not inject SMTP commands.
PLAIN = re.compile(r'[^\s<>"\x00-\x1f\x7f-\x9f\ud800-\udfff]+')
# A quoted local part (RFC 5321, 4.1.2) may contain spaces, but no angle brackets.
QUOTED = re.compile(
    r'"(?:[^"\\<>\x00-\x1f\x7f-\x9f\ud800-\udfff]|\\[ !-;=?-~])*"'
    r'@[^\s<>"\x00-\x1f\x7f-\x9f\ud800-\udfff]+'
)
LINE_DOT = re.compile(rb"^\.", re.MULTILINE)
# Contents of at least this many bytes are announced with SIZE (RFC 1870): the server can refuse
# them before they are sent.
ANNOUNCED = 64 * 1024
# Refusals without asking the server: code, stage and meaning that its reply would have. There is no
# server's reply, so no rule of an operator applies.
BEFOREHAND = {
    "bad_recipient": (501, Stage.RCPT, Verdict(Meaning.ADDRESS, None, "5.1.3")),
    "bad_sender": (501, Stage.MAIL, Verdict(Meaning.SENDER, None, "5.1.7")),
    "too_large": (
        552,
        Stage.MAIL,
        Verdict(Meaning.TOO_LARGE, None, "5.3.4", limit_of=LimitOf.RELAY),
    ),
}


def envelope(mail: MailObject, offers: Offers) -> bytes | Outcome:
    """The lines MAIL and RCPT. An Outcome if this server can't carry the mail, as its offers or the
    addresses show without asking it."""
    sender, recipient, content = mail.sender, mail.recipient, mail.content
    if not PLAIN.fullmatch(recipient) and not QUOTED.fullmatch(recipient):
        return _beforehand(Remark("bad_recipient", {"address": repr(recipient)}))
    # The empty sender is for mails that must not be answered.
    if sender and not PLAIN.fullmatch(sender) and not QUOTED.fullmatch(sender):
        return _beforehand(Remark("bad_sender", {"address": repr(sender)}))
    size = len(content)
    if offers.size and size > offers.size:
        sizes = {"size": _kb(size, ceil), "limit": _kb(offers.size, floor)}
        return _beforehand(Remark("too_large", sizes))
    parameters = ""
    if size >= ANNOUNCED and offers.size is not None:
        parameters = f" SIZE={size}"
    if offers.eightbitmime and not content.isascii():
        parameters += " BODY=8BITMIME"
    if not (recipient.isascii() and sender.isascii()):
        if not offers.smtputf8:
            return Outcome(End.NEEDS_SMTPUTF8, words=str(Remark("no_smtputf8")), stage=Stage.MAIL)
        parameters += " SMTPUTF8"
    return f"MAIL FROM:<{sender}>{parameters}\r\nRCPT TO:<{recipient}>\r\n".encode()


def _beforehand(remark: Remark) -> Outcome:
    code, stage, verdict = BEFOREHAND[remark.code]
    return Outcome(End.REFUSED, code, str(remark), stage, verdict=verdict)


def recalled(code: int, words: str, stage: Stage) -> Outcome:
    """The outcome of a stored refusal, by a server or by this client itself (BEFOREHAND)."""
    remark = remarks.read(words)
    if remark is not None and remark.code in BEFOREHAND:
        return _beforehand(remark)
    return refused(code, words, stage)


def _kb(size: int, rounded: Callable[[float], int]) -> str:
    """Kilobytes, with one decimal below 10. Size and limit are rounded in opposite directions, so
    that they never look equal."""
    return str(rounded(size / 1000)) if size >= 10_000 else str(rounded(size / 100) / 10)


def stuffed(content: bytes, *, dotless: bool = False) -> tuple[bytes, bytes]:
    """(dot-stuffed content, end of the content) for DATA (RFC 5321, 4.5.2). Two parts, so that the
    caller copies the content only once, into its write. `dotless`: see MailObject."""
    if not dotless and (b"\n." in content or content[:1] == b"."):
        content = LINE_DOT.sub(b"..", content)
    return content, b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n"
