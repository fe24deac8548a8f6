"""The rules in their order, and what they make of a reply. Pure."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from smtp.replies.limits import limit_of
from smtp.replies.meanings import LimitOf, Meaning, Stage
from smtp.replies.rules import Reply, Rule, Rules, Sign, read_file
from smtp.replies.words import MOST_WORDS, clean

HERE = Path(__file__).parent
# The enhanced code where RFC 2034 puts it, or as qmail and IronPort write it: "#5.1.1".
LEADING = re.compile(r"\W{0,2}([245]\.\d{1,3}\.\d{1,3})(?![.\d])")
INSIDE = re.compile(r"#([45]\.\d{1,3}\.\d{1,3})(?![.\d])")
# "try again in 5 minutes"
ASKED = re.compile(r"\b(?:in|for|after) (\d{1,5}) ?(s|m|h)(?:ec|in|our|\b)")
UNITS = {"s": 1, "m": 60, "h": 3600}
# Rules of sessions.toml: the connection has carried what it may. The first one counts mails.
COUNTS_MAILS = "connection.messages"
OF_CONNECTION = (COUNTS_MAILS, "connection.commands", "connection.time")
# The rule of sessions.toml for a server that has enough connections of ours.
TOO_MANY = "connect.too-many"
# Some word of each of them, so that other replies are not looked up twice.
SESSION_WORDS = re.compile(r"connect|session|commands|errors|\bmi:|连接|会话", re.IGNORECASE)
# Nobody waits longer because a server says so, in seconds.
LONGEST = 3600
# Such rules say something of a recipient.
OF_RECIPIENT = {Meaning.ADDRESS, Meaning.FULL}
BEFORE_RECIPIENT = {Stage.CONNECT, Stage.AUTH, Stage.MAIL}
LONG_QUOTA = re.compile(r"daily|monthly|per day|24 hours|today|tomorrow|credits|每[日天]|当日|当天")


@dataclass(frozen=True, slots=True)
class Verdict:
    meaning: Meaning
    # None: the mail was accepted.
    rule: Rule | None
    # The enhanced status code; "" for none.
    enhanced: str
    # Of the provider whose words they are; None where that isn't known.
    sign: Sign | None = None
    # How long the server asks to wait, in seconds; 0 where it doesn't say.
    wait: int = 0
    # The words that the rule found; "" where a code decided.
    words: str = ""
    limit_of: LimitOf = LimitOf.UNKNOWN

    @property
    def ends_connection(self) -> str:
        """A name of OF_CONNECTION where the reply says that this connection takes no more mails
        while another one does; "" for all other replies."""
        return self._rule_name if self._rule_name in OF_CONNECTION else ""

    @property
    def too_many_connections(self) -> bool:
        return self._rule_name == TOO_MANY

    @property
    def _rule_name(self) -> str:
        """An operator may give a rule any name."""
        return self.rule.name if self.rule and not self.rule.own else ""


@dataclass(frozen=True, slots=True)
class RuleSet:
    signs: tuple[Sign, ...]
    # Keys of signs of services.
    services: frozenset[str]
    # By the first digit of the code.
    rules: dict[str, tuple[Rule, ...]]


@dataclass(slots=True)
class _Given:
    """What `use` was called with: settings, of which a process has one."""

    own: Rules
    providers: Callable[[], Rules]


_given = _Given(own=Rules(), providers=Rules)


def use(*, own: Rules | None = None, providers: Callable[[], Rules] | None = None) -> None:
    """Once, when the process starts (relays.apps). `own`: the operator's rules, which come first.
    `providers`: gives the rules for particular servers, when the first reply is looked at. What is
    not named stays."""
    _given.own = _given.own if own is None else own
    _given.providers = providers or _given.providers
    rule_set.cache_clear()
    classify.cache_clear()


@cache
def rule_set() -> RuleSet:
    parts = (
        _given.own,
        read_file(HERE / "sessions.toml"),
        _given.providers(),
        read_file(HERE / "general.toml"),
    )
    rules = [rule for part in parts for rule in part.rules]
    signs = tuple(sign for part in parts for sign in part.signs)
    return RuleSet(
        signs,
        frozenset(sign.key for sign in signs if sign.service),
        {
            digit: tuple(rule for rule in rules if not rule.code or digit in _digits(rule))
            for digit in "45"
        },
    )


def _digits(rule: Rule) -> set[str]:
    return {code[0] for code in rule.code}


# Servers refuse many mails with the same words.
@lru_cache(maxsize=512)
def classify(code: int, words: str, stage: Stage = Stage.UNKNOWN) -> Verdict:
    """What a reply means, for all that read one: the wire, the relay test, bounces, the page.

    `words`: the reply's text without its code, lines joined.
    """
    reply = _reply(code, words, stage)
    sign = next((one for one in rule_set().signs if one.key in reply.signs), None)
    if 200 <= code < 300:
        return Verdict(Meaning.ACCEPTED, None, reply.enhanced, sign)
    rule = next(_matching(reply), None)
    if rule is None:
        return Verdict(Meaning.TRANSIENT, None, reply.enhanced, sign)
    return Verdict(
        rule.meaning,
        rule,
        reply.enhanced,
        sign,
        _asked(reply.full, rule.meaning),
        rule.found(reply),
        limit_of(
            rule, reply, words[: 2 * MOST_WORDS], service=rule.provider in rule_set().services
        ),
    )


def ends_connection(code: int, words: str, stage: Stage = Stage.UNKNOWN) -> str:
    """As `Verdict.ends_connection`; cheap for nearly all replies."""
    if code < 400 or not SESSION_WORDS.search(words[: MOST_WORDS * 2]):
        return ""
    return classify(code, words, stage).ends_connection


def meaning(code: int, words: str, stage: Stage = Stage.UNKNOWN) -> Meaning:
    return classify(code, words, stage).meaning


def matching(code: int, words: str, stage: Stage = Stage.UNKNOWN) -> list[Rule]:
    """Every rule that fits, in their order: the first one decides."""
    return list(_matching(_reply(code, words, stage)))


def _matching(reply: Reply) -> Iterator[Rule]:
    """Before a recipient was named, no reply is about one (RFC 5321, 3.3). A reply to AUTH is about
    the login, whatever its words (RFC 4954, 6): only rules that name this stage count."""
    rules = rule_set().rules.get(reply.code[:1], ())
    if reply.stage is Stage.AUTH:
        rules = tuple(rule for rule in rules if Stage.AUTH in rule.stages)
    early = reply.stage in BEFORE_RECIPIENT
    return (
        rule
        for rule in rules
        if not (early and rule.meaning in OF_RECIPIENT) and rule.matches(reply)
    )


# Windows' mail library puts a sentence of its own, chosen by the code alone, before the reply:
# "Mailbox unavailable. The server response was: 5.7.1 Unable to relay".
WRAPPED = re.compile(r"\bthe server response was: ?(?:([45]\d\d)[ -]|(?=[45]\.\d))", re.IGNORECASE)


# What Postfix adds to a reply that it passes on. The server did not say it.
ADDED = re.compile(r"\(in reply to [A-Za-z ]{1,40}\)", re.IGNORECASE)


def _reply(code: int, words: str, stage: Stage) -> Reply:
    beginning = ADDED.sub("", words[: 2 * MOST_WORDS])
    if wrapped := WRAPPED.search(beginning):
        code, beginning = int(wrapped[1] or code), beginning[wrapped.end() :]
    found = LEADING.match(beginning) or INSIDE.search(beginning)
    enhanced = found[1] if found else ""
    if found and found.re is LEADING:
        beginning = beginning[found.end() :]
    if enhanced:
        # Each line of a long reply repeats it, amid of a sentence.
        beginning = re.sub(rf"(?<=\s){re.escape(enhanced)}(?=\s)", " ", beginning)
    cleaned = clean(beginning)
    signs = frozenset(one.key for one in rule_set().signs if one.pattern.search(cleaned.full))
    return Reply(
        str(code),
        enhanced,
        full=cleaned.full,
        said=cleaned.said,
        about_recipient=cleaned.about_recipient,
        stage=stage,
        signs=signs,
    )


def _asked(text: str, found: Meaning) -> int:
    if found is Meaning.RATE and LONG_QUOTA.search(text):
        return LONGEST
    if not (found.retries or found is Meaning.RATE):
        return 0
    named = ASKED.search(text)
    return min(int(named[1]) * UNITS[named[2]], LONGEST) if named else 0
