"""What a refusal means has one text, smtp.replies: all that read a refusal come to the same."""

import ast
import io
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command

from bounces.reading import ReportKind, parse
from bounces.reading.refusal import KINDS
from relays.trial import Dialogue, ServerReply, TrialStep
from relays.trouble import diagnose
from sending.host import journal
from sending.host.journal import Journal
from sending.queries.claim import Claim, Claimed
from sending.services import recovery
from sending.views.replies import _explained
from smtp import End, Mode, Outcome, Server, Stage, recalled, refused, replies
from smtp.envelope import envelope
from smtp.mailobjects import MailObject
from smtp.offers import Offers
from smtp.replies import Meaning, Verdict, classify, rules
from tests.smtp import scripted
from tests.smtp.mails import exchange_all, people
from tests.smtp.scripted import Fault, say, serving

ROOT = Path(__file__).parents[2]
CODES = (421, 450, 451, 452, 454, 501, 530, 535, 550, 552, 553, 554)
# Behind the first digit of the code.
ENHANCED = ("", ".1.1", ".2.2", ".3.4", ".4.4", ".7.1", ".0.0")
WORDS = (
    "Rejected",
    "User unknown",
    "Mailbox full",
    "Greylisted, try again in 300 seconds",
    "Too many messages",
    "Message refused as spam",
    "Relay access denied",
    "Too many connections",
    "Message too large for us",
    "Sender address rejected: not owned by user",
    "Authentication required",
    "HELO name rejected",
    "The account does not exist - gsmtp",
    "Our gateway is closed",
)
# An operator's own rule is one of all rules: whoever reads a refusal follows it.
OWN = """
[[rule]]
name = "ours.closed"
text = "gateway is closed"
meaning = "greylisted"
"""
Said = tuple[int, str, Stage]
PRODUCT: list[Said] = [
    (code, f"{str(code)[0]}{enhanced} {words}" if enhanced else words, stage)
    for code, enhanced, words, stage in itertools.product(CODES, ENHANCED, WORDS, Stage)
]
# A relay, and how a notice names what was answered.
PLACE = Server("relay.example", 587, "none")
NAMED = {
    Stage.UNKNOWN: "",
    Stage.CONNECT: " (in reply to EHLO command)",
    Stage.MAIL: " (in reply to MAIL FROM command)",
    Stage.RCPT: " (in reply to RCPT TO command)",
    Stage.DATA: " (in reply to DATA command)",
    Stage.CONTENT: " (in reply to end of DATA command)",
}


@pytest.fixture(autouse=True)
def own() -> Iterator[None]:
    replies.use(own=rules.read(OWN, own=True))
    yield
    replies.use(own=rules.Rules())


def differing(found: dict[Said, object], wanted: dict[Said, object]) -> list[object]:
    assert found.keys() == wanted.keys()
    return [(said, found[said], wanted[said]) for said in found if found[said] != wanted[said]]


def rule_of(verdict: Verdict) -> str:
    assert verdict.rule is not None
    return verdict.rule.name


def test_the_product_says_enough() -> None:
    """All meanings of refusals but "domain", which needs words of its own at RCPT."""
    seen = {classify(*said).meaning for said in PRODUCT}
    assert seen == set(Meaning) - {Meaning.ACCEPTED, Meaning.DOMAIN}
    assert any(rule_of(classify(*said)) == "ours.closed" for said in PRODUCT)


def test_a_worker_and_the_journal_that_it_leaves() -> None:
    """What the ledger, lanes, health and curves read is the verdict that an outcome carries."""
    made = {said: refused(*said) for said in PRODUCT}
    assert {one.end for one in made.values()} == {End.REFUSED}
    assert not differing(
        {said: one.verdict for said, one in made.items()},
        {said: classify(*said) for said in PRODUCT},
    )
    written = Journal()
    for number, (code, words, stage) in enumerate(PRODUCT, start=1):
        written.reply(number, code, stage, words)
    written.abandon()
    messages = tuple(Claimed(n, 0, "a@a.example", 0, 0, 0) for n in range(1, len(PRODUCT) + 1))
    claim = Claim(1, 1, written.holder, messages)
    ((_path, story),) = list(journal.orphans())
    found, _taken = recovery._answered(claim, story)
    assert not differing({said: found[n] for n, said in enumerate(PRODUCT, start=1)}, dict(made))


@pytest.mark.parametrize(
    ("step", "stage"),
    [
        (scripted.Step.MAIL, Stage.MAIL),
        (scripted.Step.RCPT, Stage.RCPT),
        (scripted.Step.DATA, Stage.DATA),
        (scripted.Step.END, Stage.CONTENT),
    ],
)
@pytest.mark.parametrize("mode", [Mode.PIPELINED, Mode.PLAIN])
def test_the_wire(mode: Mode, step: scripted.Step, stage: Stage) -> None:
    for words in ("5.1.1 User unknown", "Our gateway is closed"):
        faults = [Fault(step, say(f"550 {words}".encode()), nth=2)]
        with serving(faults=faults) as server:
            mails, _ending = exchange_all(server, people(3), mode)
        outcome = mails.outcomes["person1@a.example"]
        assert outcome.verdict == classify(550, words, stage)
        taken = mails.outcomes["person0@a.example"]
        assert (taken.end, taken.verdict) == (End.ACCEPTED, None)


def test_what_no_server_said_is_read_by_no_rule_of_an_operator() -> None:
    """An address that is none, and a mail that is too large, are refused without asking."""
    replies.use(own=rules.read("[[rule]]\nname='all'\nmeaning='greylisted'", own=True))
    offers = Offers(size=5000)
    for given, why in (
        (MailObject(1, "b@b.example", "ann bee", b"x"), Meaning.ADDRESS),
        (MailObject(1, "bob bee", "a@a.example", b"x"), Meaning.SENDER),
        (MailObject(1, "b@b.example", "a@a.example", b"x" * 6000), Meaning.TOO_LARGE),
    ):
        outcome = envelope(given, offers)
        assert isinstance(outcome, Outcome)
        assert outcome.verdict is not None
        assert outcome.verdict.meaning is why
        assert recalled(outcome.code, outcome.words, outcome.stage) == outcome


# The steps of a relay test.
STEPS = {
    Stage.CONNECT: TrialStep.EHLO,
    Stage.AUTH: TrialStep.LOGIN,
    Stage.MAIL: TrialStep.SENDER,
    Stage.RCPT: TrialStep.RECIPIENT,
    Stage.DATA: TrialStep.CONTENT,
    Stage.CONTENT: TrialStep.CONTENT,
}
TROUBLES = {
    Meaning.ADDRESS: {"address"},
    Meaning.GREYLISTED: {"greylisted"},
    Meaning.RATE: {"rate"},
    Meaning.TRANSIENT: {"transient"},
    Meaning.FULL: {"transient"},
    Meaning.CONNECTION: {"transient"},
    Meaning.SENDER: {"sender"},
    Meaning.EHLO: {"ehlo"},
    Meaning.LOGIN: {"needs_login", "needs_tls", "relay_denied"},
}


def _expected(why: Meaning, stage: Stage) -> set[str]:
    if stage is Stage.CONNECT:
        return {"ehlo"} if why is Meaning.EHLO else {"unwelcome"}
    if stage is Stage.AUTH:
        return {"login", "needs_tls"} if why is Meaning.LOGIN else {"login_later"}
    if stage is Stage.MAIL and why.fails:
        return {"sender"}
    return TROUBLES.get(why, {"policy", "relay_denied"})


def test_the_test_of_a_relay() -> None:
    for code, words, stage in PRODUCT:
        if stage is Stage.UNKNOWN:
            continue
        reply = ServerReply(code, words, (f"{code} {words}",))
        trouble = diagnose(PLACE, Dialogue(failed=STEPS[stage], stage=stage, refusal=reply))
        assert trouble is not None
        why = classify(code, words, stage).meaning
        assert trouble.code in _expected(why, stage), (code, words, stage)


NOTICE = """\
From: MAILER-DAEMON@mail.example
To: bounces@brand.example
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary=x

--x

This is the mail system at host mail.example.

<ann@a.example>: host mx.a.example[192.0.2.1] said: {said}
--x
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example

Final-Recipient: rfc822; ann@a.example
Action: failed
Status: {status}
Diagnostic-Code: smtp; {said}

--x--
"""


def test_a_bounce() -> None:
    found: dict[Said, object] = {}
    wanted: dict[Said, object] = {}
    for said in PRODUCT:
        code, words, stage = said
        if stage not in NAMED:
            continue
        status = words.split()[0] if words[:1].isdigit() else f"{code // 100}.0.0"
        raw = NOTICE.format(said=f"{code} {words}{NAMED[stage]}", status=status)
        report = parse(raw.encode())
        found[said] = report.kind, report.rule
        verdict = classify(*said)
        kind = ReportKind(verdict.rule.kind) if verdict.rule and verdict.rule.kind else None
        wanted[said] = kind or KINDS.get(verdict.meaning, ReportKind.SOFT_BOUNCED), rule_of(verdict)
    assert not differing(found, wanted)


def test_the_page_and_the_command() -> None:
    for code, words, stage in PRODUCT[:: len(Stage) * 3 - 1]:
        verdict = classify(code, words, stage)
        assert _explained(code, words, stage)["verdict"] == verdict
        out = io.StringIO()
        arguments = ("--stage", stage) if stage else ()
        call_command("explain_reply", f"{code} {words}", "--json", *arguments, stdout=out)
        facts = json.loads(out.getvalue())
        told = verdict.meaning.value, rule_of(verdict), stage.value
        assert (facts["meaning"], facts["rule"], facts["stage"]) == told


# Who asks what a reply means. Everybody else reads the verdict of an outcome or a report.
ASKING = {
    "bounces/reading/refusal.py",
    "relays/trouble.py",
    "sending/management/commands/explain_reply.py",
    "sending/views/replies.py",
    "smtp/exchange.py",  # does the connection end here?
    "smtp/mailobjects.py",  # where outcomes are made
    "smtp/session.py",
    "smtp/steps.py",
}
QUESTIONS = {"classify", "ends_connection", "matching", "meaning"}


def test_nobody_else_asks() -> None:
    apps = {path.parent for path in ROOT.glob("*/__init__.py")} - {ROOT / "tests"}
    files = [path for app in apps for path in app.rglob("*.py")]
    asking = {str(path.relative_to(ROOT)) for path in files if _asks(path)}
    assert {path for path in asking if not path.startswith("smtp/replies/")} == ASKING


def _asks(path: Path) -> bool:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(QUESTIONS & _asked(node) for node in ast.walk(tree))


def _asked(node: ast.AST) -> set[str]:
    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("smtp.replies"):
        return {name.name for name in node.names}
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return {node.attr} if node.value.id == "replies" else set()
    return set()
