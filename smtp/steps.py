"""The begin of a session, command by command: greeting and login. Pure: the caller sends each
command and passes its answer back, so that workers and the relay test follow the same steps.
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass

from smtp.exceptions import SmtpError
from smtp.remarks import Remark
from smtp.replies import Meaning, Stage, meaning


@dataclass(frozen=True, slots=True)
class Command:
    """One line to the server. `secret` is its last part and must not be shown."""

    text: str
    secret: str = ""

    @property
    def line(self) -> bytes:
        return " ".join(part for part in (self.text, self.secret) if part).encode()


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply to a step; `lines` are without the code."""

    code: int
    lines: tuple[str, ...]

    @property
    def words(self) -> str:
        return " ".join(line.strip() for line in self.lines)


class RefusedError(SmtpError):
    """The server refused a step."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.code} {answer.words}")
        self.answer = answer


class NotOfferedError(SmtpError):
    """The server lacks a needed extension. `code`: no_starttls, no_auth or no_method."""

    def __init__(self, code: str) -> None:
        super().__init__(str(Remark(code)))
        self.code = code


Steps = Generator[Command, Answer, None]


def is_about_name(answer: Answer) -> bool:
    """Whether this answer to EHLO or HELO refuses our name."""
    return meaning(answer.code, answer.words, Stage.CONNECT) is Meaning.EHLO


def greet(name: str) -> Generator[Command, Answer, dict[str, str]]:
    """Returns the server's offers: {keyword in lower case: its parameters}. Raises RefusedError."""
    answer = yield Command(f"EHLO {name}")
    if 200 <= answer.code < 300:
        return _offered(answer.lines[1:])
    # Servers from before 1995, and some behind a filter, know only HELO.
    if not 500 <= answer.code < 600:
        raise RefusedError(answer)
    second = yield Command(f"HELO {name}")
    if 200 <= second.code < 300:
        return {}
    raise RefusedError(answer if is_about_name(answer) else second)


def _offered(lines: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        # Some servers send "AUTH=PLAIN", the form before RFC 2554, alone or beside the right line.
        keyword, _sign, parameters = line.strip().replace("=", " ", 1).partition(" ")
        known = found.get(keyword.lower(), "")
        found[keyword.lower()] = f"{known} {parameters}".strip()
    return found


# Login --------------------------------------------------------------------------------------------


def log_in(username: str, password: str, offered: Mapping[str, str], *, encrypted: bool) -> Steps:
    """Tries the methods that both sides know, in an order that depends on encryption. Tries the
    next one only after a permanent refusal. Raises RefusedError, NotOfferedError."""
    if "auth" not in offered:
        raise NotOfferedError("no_auth")
    known = offered["auth"].upper().split()
    order = ENCRYPTED if encrypted else CLEAR
    methods = [one for one in order if one in known]
    if not methods:
        raise NotOfferedError("no_method")
    refused: Answer | None = None
    for method in methods:
        answer = yield from METHODS[method](username, password)
        if 200 <= answer.code < 300:
            return
        # Keep the reply 535: "wrong password" says more than "unknown method".
        refused = answer if refused is None or refused.code != 535 else refused
        if not 500 <= answer.code < 600:
            break
    if refused is not None:
        raise RefusedError(refused)


Method = Generator[Command, Answer, Answer]


def _plain(username: str, password: str) -> Method:
    secret = encoded(f"\0{username}\0{password}")
    answer = yield Command("AUTH PLAIN", secret)
    if answer.code == 334:  # The server wants the response in a line of its own.
        answer = yield Command("", secret)
    return answer


def _login(username: str, password: str) -> Method:
    answer = yield Command("AUTH LOGIN")
    for secret in (username, password):
        if answer.code != 334:
            return answer
        answer = yield Command("", encoded(secret))
    return answer


def _cram_md5(username: str, password: str) -> Method:
    answer = yield Command("AUTH CRAM-MD5")
    if answer.code != 334:
        return answer
    try:
        challenge = base64.b64decode(answer.words, validate=True)
    except (binascii.Error, ValueError):
        # RFC 4954, section 4: this ends the method, and the server answers 501.
        return (yield Command("*"))
    digest = hmac.new(password.encode(), challenge, "md5").hexdigest()
    return (yield Command("", encoded(f"{username} {digest}")))


METHODS: dict[str, Callable[[str, str], Method]] = {
    "PLAIN": _plain,
    "LOGIN": _login,
    "CRAM-MD5": _cram_md5,
}
# Many servers offer CRAM-MD5 and fail at it, so it comes last. Without encryption it comes first:
# it is the only method that hides the password.
ENCRYPTED = ("PLAIN", "LOGIN", "CRAM-MD5")
CLEAR = ("CRAM-MD5", "PLAIN", "LOGIN")


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
