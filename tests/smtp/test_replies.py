"""What servers say, and what it means."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtp import replies
from smtp.replies import (
    Meaning,
    Stage,
    Verdict,
    classify,
    matching,
    meaning,
    regexcost,
    replytext,
    rules,
)
from smtp.replies.rules import RuleError
from smtp.replies.ruleset import rule_set
from tests import cputime

A, P, T = Meaning.ADDRESS, Meaning.POLICY, Meaning.TRANSIENT
F, BIG = Meaning.FULL, Meaning.TOO_LARGE
L, S, U = Meaning.LOGIN, Meaning.SENDER, Meaning.UNCLEAR
STAGES = [stage for stage in Stage if stage is not Stage.AUTH]


class Said(NamedTuple):
    meaning: Meaning
    stage: Stage
    # The name of the rule that decides; "-" for none.
    rule: str
    code: int
    words: str
    # The provider's name; "" where nothing is expected.
    provider: str


def _said(line: str) -> Said:
    expected, stage, rule, reply, *provider = [part.strip() for part in line.split(" | ")]
    code, _, words = reply.replace("\\n", "\n").partition(" ")
    return Said(Meaning(expected), Stage(stage), rule, int(code), words, "".join(provider))


SAMPLES = Path(__file__).parent / "replies.txt"
TABLE = [
    _said(line)
    for line in SAMPLES.read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def _speaker(verdict: Verdict) -> str:
    return verdict.sign.names["en"] if verdict.sign else ""


@pytest.mark.parametrize("said", TABLE, ids=lambda said: f"{said.code} {said.words[:50]}")
def test_table(said: Said) -> None:
    verdict = classify(said.code, said.words, said.stage)
    assert verdict.meaning is said.meaning, verdict.rule
    assert (verdict.rule.name if verdict.rule else "-") == said.rule
    if said.provider:
        assert _speaker(verdict) == said.provider


def test_the_table_is_large_and_uses_most_rules() -> None:
    assert len(set(TABLE)) == len(TABLE) >= 150
    used = {
        verdict.rule.name
        for said in TABLE
        if (verdict := classify(said.code, said.words, said.stage)).rule
    }
    ours = {rule.name for some in rule_set().rules.values() for rule in some}
    assert len(used) > 0.8 * len(ours), sorted(ours - used)


# Stages -------------------------------------------------------------------------------------------

BY_STAGE = [
    # No enhanced code, no word that is known: it fails, and says nothing about the address.
    (550, "No", dict.fromkeys(STAGES, U)),
    (550, "5.0.0 Rejected", dict.fromkeys(STAGES, U)),
    (551, "Sorry", dict.fromkeys(STAGES, U)),
    (553, "Sorry", dict.fromkeys(STAGES, U)),
    (554, "Transaction failed", dict.fromkeys(STAGES, U)),
    (521, "example does not talk to us", dict.fromkeys(STAGES, U)),
    (552, "Aborted", {"rcpt": F, "content": BIG, "mail": BIG}),
    # Before a recipient is named, it is the sender that doesn't exist.
    (550, "User unknown", {"mail": S, "rcpt": A, "content": U, "": A}),
    (550, "No such user here", {"mail": S, "rcpt": A, "content": A, "": A}),
    (550, "Requested action not taken: mailbox unavailable", {"mail": S, "rcpt": U, "content": U}),
    # Whoever took the content has taken the sender and the login.
    (530, "5.7.1 Not for you", {"mail": L, "content": P}),
    (550, "5.7.1 Relay access denied", {"mail": L, "rcpt": L, "content": P}),
    # An enhanced code says more than the stage, but for one before the recipient.
    (550, "5.1.1 Rejected", {"mail": S, "connect": U, "rcpt": A, "content": A, "": A}),
    (550, "5.7.1 Rejected", {"mail": P, "rcpt": P, "content": P, "": P}),
]


@pytest.mark.parametrize(("code", "words", "expected"), BY_STAGE)
def test_the_stage_decides_doubtful_replies(
    code: int, words: str, expected: dict[str, Meaning]
) -> None:
    assert {stage: meaning(code, words, Stage(stage)) for stage in expected} == expected


def test_addresses_decide_nothing() -> None:
    hostile = "5.7.1 <spamhaus-user-unknown@gsmtp.outlook.com>: Rejected by administrator"
    verdict = classify(550, hostile, Stage.CONTENT)
    assert (verdict.meaning, verdict.sign) == (P, None)
    assert verdict.rule is not None
    assert verdict.rule.name == "policy.code"


@pytest.mark.parametrize("code", [450, 550, 551, 553, 554])
@pytest.mark.parametrize("stage", [Stage.CONNECT, Stage.MAIL])
def test_nobody_is_suppressed_before_he_was_named(code: int, stage: Stage) -> None:
    for said in TABLE:
        assert not meaning(code, said.words, stage).suppresses


def test_an_enhanced_code_matches_whole_numbers() -> None:
    assert classify(550, "5.1.11 Odd", Stage.CONTENT).meaning is U
    assert classify(550, "5.1.1 Odd", Stage.CONTENT).meaning is A
    assert classify(550, "(#5.1.1)", Stage.CONTENT).enhanced == "5.1.1"


def test_a_long_reply_repeats_its_code_amid_of_a_sentence() -> None:
    words = "5.5.9 The email account that you tried\n5.5.9 to reach does not\n5.5.9 exist"
    verdict = classify(550, words, Stage.RCPT)
    assert (verdict.meaning, verdict.enhanced) == (A, "5.5.9")


@pytest.mark.parametrize(
    ("words", "code", "seconds"),
    [
        ("4.7.1 Greylisted, try again in 300 seconds", 450, 300),
        ("4.7.1 Greylisted, come back in 5 minutes", 450, 300),
        ("Too many messages. Try again in 92 seconds.", 550, 92),
        ("Daily message quota exceeded", 454, 3600),
        ("4.7.1 Greylisted, try again in 48 hours", 450, 3600),
        ("4.7.1 Greylisted", 450, 0),
        ("5.1.1 No such user; gone for 20 minutes", 550, 0),
    ],
)
def test_what_the_server_asks_to_wait(words: str, code: int, seconds: int) -> None:
    assert classify(code, words, Stage.RCPT).wait == seconds


def test_each_meaning_decides_one_thing() -> None:
    for one in Meaning:
        decided = one.fails + one.retries + one.stops_relay + one.loses_nothing
        assert decided == (one is not Meaning.ACCEPTED)


# The operator's own rules -------------------------------------------------------------------------

OWN = """
[provider.ours]
name = "Our relay"
sign = "Relay-Of-Ours"

[[rule]]
name = "ours.closed-on-sunday"
provider = "ours"
code = "550"
text = "SUNDAY\\\\S{0,9}"
stage = ["rcpt", "content"]
meaning = "transient"
source = "the man who made it"
"""


@pytest.fixture
def own() -> Iterator[None]:
    replies.use(own=rules.read(OWN, own=True))
    yield
    replies.use(own=rules.Rules())


@pytest.mark.usefixtures("own")
def test_own_rules_come_first() -> None:
    reply = (550, "5.1.1 relay-of-ours: no such user on Sundays", Stage.RCPT)
    verdict = classify(*reply)
    assert (verdict.meaning, _speaker(verdict)) == (T, "Our relay")
    assert verdict.rule is not None
    assert verdict.rule.own
    names = [rule.name for rule in matching(*reply)]
    assert names[0] == verdict.rule.name == "ours.closed-on-sunday"
    assert "address.code" in names[1:]
    # Another stage, another server: ours.
    assert meaning(550, "5.1.1 relay-of-ours: Sunday", Stage.MAIL) is S
    assert meaning(550, "5.1.1 Sunday", Stage.RCPT) is A


def test_own_rules_for_a_login_name_its_stage() -> None:
    """A reply to AUTH is about the login, whatever its words. A rule for mails does not count."""
    rule = "[[rule]]\nname = 'ours'\ntext = 'blocked'\nmeaning = 'rate'\n"
    reply = (535, "5.7.8 Your address is blocked", Stage.AUTH)
    try:
        replies.use(own=rules.read(rule, own=True))
        assert meaning(*reply) is L
        replies.use(own=rules.read(rule + "stage = 'auth'", own=True))
        assert meaning(*reply) is Meaning.RATE
    finally:
        replies.use(own=rules.Rules())


WRONG = [
    ("[[rule]]\nmeaning = 'policy'", "rule 1: give it a name"),
    ("[[rule]]\nname = 'x'\nmeaning = 'odd'", "rule 'x': the meaning is one of address,"),
    ("[[rule]]\nname = 'x'\nmeaning = 'accepted'", "rule 'x': the meaning is one of address,"),
    ("[[rule]]\nname = 'x'\nmeaning = 'rate'\nstage = 'helo'", "a stage is one of auth, connect,"),
    ("[[rule]]\nname = 'x'\nmeaning = 'rate'\ncode = '250'", "code is '250'; write how it begins"),
    ("[[rule]]\nname = 'x'\nmeaning = 'rate'\ncode = 550", 'write code = "..." or code = ['),
    ("[[rule]]\nname = 'x'\nmeaning = 'rate'\nenhanced = '5.1.x'", "enhanced is '5.1.x'"),
    ("[[rule]]\nname = 'x'\nmeaning = 'rate'\ntext = '('", "the text is no regular expression"),
    ("[[rule]]\nname = 'x'\nmeaning = 'rate'\ntext = 'a.*b'", "has * without a bound"),
    ("[[rule]]\nname = 'x'\nmeaning = 'rate'\ntexts = 'a'", "unknown field 'texts'"),
    ("[[rule]]\nname = 'x'\nmeaning = 'rate'\nof_account = 1", "of_account is true or false"),
    ("[[rule]]\nname = 'x'\nmeaning = 'rate'\n" * 2, "two rules are called 'x'"),
    ("[rule]\nname = 'x'", "write each rule as [[rule]]"),
    ("[provider.x]\nname = 'X'", "provider 'x': give it a sign"),
    ("[provider.x]\nname.en = 5\nsign = 'x'", "provider 'x': write name ="),
    ("[rules]\nname = 'x'", "unknown table 'rules'"),
    ("rule = [", "this is no TOML"),
]


@pytest.mark.parametrize(("toml", "says"), WRONG)
def test_wrong_rules_say_what_is_wrong(toml: str, says: str) -> None:
    with pytest.raises(RuleError) as caught:
        rules.read(toml)
    assert says in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match=r"rules\.toml can't be read"):
        rules.read_file(tmp_path / "rules.toml")
    (tmp_path / "rules.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(RuleError, match=r"rules\.toml: "):
        rules.read_file(tmp_path / "rules.toml")


# Hostile words ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pattern",
    [
        "a+",
        "a*",
        "a{2,}",
        "(a{1,9}b){2}",
        "(a{1,9}){0,9}",
        ".{0,60}a.{0,60}b.{0,60}",
        "(?P<n>a)",
        r"(a)\1",
        "(?i)a",
    ],
)
def test_expressions_that_could_run_away(pattern: str) -> None:
    assert regexcost.problem(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "a{1,40}",
        r"[*+]",
        r"\*\+\{2,\}",
        "(a|b)?c",
        "(?:a|b){0,3}",
        "(?<!x)a.{0,30}b.{0,30}c",
        "[]+]",
    ],
)
def test_expressions_that_can_not(pattern: str) -> None:
    assert regexcost.problem(pattern) == ""


LONG = [
    "",
    "\x00\xff",
    "5.1.1" * 1000,
    "a" * 1_000_000,
    "550 " * 20_000,
    "5.1.1\n" * 20_000,
    "user " * 20_000,
    "domain " * 20_000,
    "limit " * 500,
    "@" * 100_000,
    "İ" * 5000,
]


@pytest.mark.parametrize("words", LONG)
def test_any_words_have_a_meaning_soon(words: str) -> None:
    with cputime.at_most(2):
        for code in (400, 421, 450, 500, 550, 599):
            assert isinstance(meaning(code, words, Stage.RCPT), Meaning)
    replytext.read(words)


WORDS = st.lists(
    st.one_of(
        st.sampled_from([said.words for said in TABLE]),
        st.sampled_from(["user", "mailbox", "recipient", "domain", "not", "is", "limit", "5.1.1"]),
        st.text(max_size=60),
    ),
    max_size=40,
).map(" ".join)


@given(code=st.integers(-1, 999), words=WORDS, stage=st.sampled_from(Stage))
@settings(max_examples=300, deadline=2000)
def test_never_raises(code: int, words: str, stage: Stage) -> None:
    verdict = classify(code, words, stage)
    assert 0 <= verdict.wait <= 3600
    if 400 <= code < 600:
        assert verdict.rule is not None
        assert matching(code, words, stage)[0] is verdict.rule
    replytext.read(words)


# The text of a reply ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "words", "stage"),
    [
        ("550 5.1.1 No such user", 550, "5.1.1 No such user", ""),
        (
            "550-5.1.1 The email account\n550-5.1.1 does not\n550 5.1.1 exist - gsmtp",
            550,
            "5.1.1 The email account\n5.1.1 does not\n5.1.1 exist - gsmtp",
            "",
        ),
        (
            "host x.example[192.0.2.4] said: 452 4.2.2 Mailbox full (in reply to RCPT TO command)",
            452,
            "4.2.2 Mailbox full (in reply to RCPT TO command)",
            "rcpt",
        ),
        (
            "554 5.7.1 Spam (in reply to end of DATA command)",
            554,
            "5.7.1 Spam (in reply to end of DATA command)",
            "content",
        ),
        ("smtp; 550 5.7.1 Refused", 550, "5.7.1 Refused", ""),
        ("  421 Closing", 421, "Closing", ""),
        ("550 5.1.1 The account\n that you tried", 550, "5.1.1 The account\n that you tried", ""),
        ("5.1.1 No such user", 550, "5.1.1 No such user", ""),
        ("4.2.2 Full", 450, "4.2.2 Full", ""),
        ("No such user", 0, "No such user", ""),
        ("", 0, "", ""),
    ],
)
def test_the_text_of_a_reply(text: str, code: int, words: str, stage: str) -> None:
    assert replytext.read(text) == replytext.ReplyText(code, words, Stage(stage))
