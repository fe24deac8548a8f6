"""The dialogue with a relay: what is said, and what is found wrong, each against a real server."""

import asyncio
import base64
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from relays import trial
from relays.trial import Dialogue, RelayTrial, TrialStep, talk
from relays.trouble import TROUBLES, Trouble, diagnose
from smtp import Server, open_session
from tests.mailservers.smtp import Authority, Habits, make_authority, server_context, serving
from tests.smtp.scripted import Fault, say
from tests.smtp.scripted import Step as ScriptStep
from tests.smtp.scripted import serving as scripted

PASSWORD = "s3cret-pass word"
PLAIN = ("AUTH PLAIN LOGIN",)


def _talk(
    habits: Habits,
    *,
    security: str = "none",
    username: str = "",
    host: str = "localhost",
    recipient: str = "",
    content: bytes = b"",
) -> tuple[Trouble | None, Dialogue]:
    with serving(habits) as port:
        server = Server(host, port, security, username, PASSWORD if username else "")
        dialogue = talk(RelayTrial(server, "news@brand.example", recipient, content))
        return diagnose(server, dialogue), dialogue


def _code(habits: Habits, **options: object) -> str:
    trouble, _dialogue = _talk(habits, **options)  # type: ignore[arg-type]
    return trouble.code if trouble else ""


def _text(dialogue: Dialogue) -> str:
    return "\n".join(line.text for line in dialogue.lines)


def test_a_relay_that_works_is_spoken_to_up_to_the_sender() -> None:
    habits = Habits()
    trouble, dialogue = _talk(habits)
    assert trouble is None
    assert dialogue.ok
    assert dialogue.done == [
        TrialStep.CONNECT,
        TrialStep.GREETING,
        TrialStep.EHLO,
        TrialStep.SENDER,
    ]
    verbs = [line.split()[0] for line in habits.heard]
    assert verbs == [b"EHLO", b"MAIL", b"RSET", b"QUIT"]
    assert [(line.who, line.text) for line in dialogue.lines][-4:] == [
        ("us", "RSET"),
        ("server", "250 ok"),
        ("us", "QUIT"),
        ("server", "221 bye"),
    ]


def test_a_mail_goes_to_the_typed_address_only_if_asked_for() -> None:
    habits = Habits()
    trouble, dialogue = _talk(habits, recipient="me@brand.example")
    assert trouble is None
    assert dialogue.done[-1] == TrialStep.RECIPIENT
    assert not habits.mails

    trouble, dialogue = _talk(
        habits, recipient="me@brand.example", content=b"Subject: x\r\n\r\n.dot\r\n"
    )
    assert trouble is None
    assert dialogue.done[-1] == TrialStep.CONTENT
    assert habits.mails == [b"Subject: x\r\n\r\n..dot\r\n.\r\n"]
    assert "250 2.0.0 taken as 4711" in _text(dialogue)


@pytest.mark.parametrize(
    ("extension", "challenges"),
    [
        ("AUTH PLAIN", ()),
        ("AUTH LOGIN", (b"VXNlcm5hbWU6", b"UGFzc3dvcmQ6")),
        ("AUTH CRAM-MD5", (base64.b64encode(b"<1.2@mail.test>"),)),
    ],
)
def test_the_password_never_enters_the_transcript(
    extension: str, challenges: tuple[bytes, ...]
) -> None:
    habits = Habits(extensions=(extension,), login=challenges)
    trouble, dialogue = _talk(habits, username="ann")
    assert trouble is None
    assert TrialStep.LOGIN in dialogue.done
    heard = b"".join(habits.heard).decode()
    text = _text(dialogue)
    secrets = [word for line in heard.splitlines() for word in line.split()[-1:] if len(word) > 12]
    assert secrets or challenges
    assert PASSWORD not in text
    assert base64.b64encode(PASSWORD.encode()).decode() not in text
    assert base64.b64encode(f"\0ann\0{PASSWORD}".encode()).decode() not in text
    assert trial.MASK in text


def test_a_server_that_repeats_the_password_is_masked() -> None:
    echo = f"535 no: {PASSWORD}\r\n".encode()
    _trouble, dialogue = _talk(Habits(extensions=PLAIN, replies={"AUTH": echo}), username="ann")
    assert PASSWORD not in _text(dialogue)
    assert PASSWORD not in str(dialogue.refusal)


# What is wrong, one by one --------------------------------------------------------------------


def test_dns_name_unknown() -> None:
    server = Server("no-such-server.invalid", 587, "none")
    trouble = diagnose(server, talk(RelayTrial(server, "a@b.example")))
    assert trouble is not None
    assert trouble.code == "dns"


def test_forbidden_address(smtp_config: Callable[..., None]) -> None:
    server = Server("169.254.169.254", 25, "none")
    trouble = diagnose(server, talk(RelayTrial(server, "a@b.example")))
    assert trouble is not None
    assert trouble.code == "forbidden"
    smtp_config(private_servers=False)
    assert _code(Habits()) == "forbidden"


def test_connection_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        server = Server("127.0.0.1", taken.getsockname()[1], "none")
        trouble = diagnose(server, talk(RelayTrial(server, "a@b.example")))
    assert trouble is not None
    assert trouble.code == "refused"


def test_timed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "CONNECT", 0.3)
    # A full backlog drops what else wants to connect, as a firewall does.
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        place = full.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(place)
        server = Server("127.0.0.1", place[1], "none")
        dialogue = talk(RelayTrial(server, "a@b.example"))
        for one in waiting:
            one.close()
    trouble = diagnose(server, dialogue)
    assert trouble is not None
    assert trouble.code == "timeout"
    port_25 = diagnose(Server("mail.example", 25, "none"), dialogue)
    assert port_25 is not None
    assert port_25.code == "timeout_25"


def test_no_greeting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "REPLY", 0.3)
    assert _code(Habits(greeting=None)) == "silent"


def test_a_port_for_tls_spoken_to_without(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "REPLY", 0.3)
    context = server_context(tmp_path, authority=authority)
    assert _code(Habits(context=context, implicit=True)) == "silent"


def test_tls_on_a_plain_port() -> None:
    trouble, _dialogue = _talk(Habits(), security="tls")
    assert trouble is not None
    assert trouble.code == "plain_port"
    assert "STARTTLS" in trouble.advice


def test_turned_away_at_the_door() -> None:
    trouble, _dialogue = _talk(Habits(greeting=b"554 5.7.1 You are on a list\r\n"))
    assert trouble is not None
    assert trouble.code == "unwelcome"
    assert trouble.words == "554 5.7.1 You are on a list"


def test_something_else_than_a_mail_server() -> None:
    assert _code(Habits(greeting=b"SSH-2.0-OpenSSH_9.6\r\n")) == "not_smtp"


def test_connection_closed() -> None:
    assert _code(Habits(hang_up_at="MAIL")) == "closed"


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_good_certificate(authority: Authority, tmp_path: Path, security: str) -> None:
    context = server_context(tmp_path, authority=authority)
    habits = Habits(context=context, implicit=security == "tls", extensions=("STARTTLS",))
    trouble, dialogue = _talk(habits, security=security)
    assert trouble is None
    assert (TrialStep.TLS if security == "tls" else TrialStep.STARTTLS) in dialogue.done
    assert "TLSv1.3" in _text(dialogue)


@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"expired": True}, "certificate_expired"),
        ({"host": "other.example"}, "certificate_name"),
        ({"authority": None}, "certificate_self_signed"),
    ],
)
def test_bad_certificate(
    authority: Authority, tmp_path: Path, security: str, wrong: dict[str, object], code: str
) -> None:
    options = {"authority": authority} | wrong
    context = server_context(tmp_path, **options)  # type: ignore[arg-type]
    habits = Habits(context=context, implicit=security == "tls", extensions=("STARTTLS",))
    assert _code(habits, security=security) == code


def test_certificate_of_an_unknown_authority(tmp_path: Path) -> None:
    context = server_context(tmp_path, authority=make_authority(tmp_path))
    habits = Habits(context=context, implicit=True)
    assert _code(habits, security="tls") == "certificate"


def test_starttls_not_offered() -> None:
    habits = Habits()
    assert _code(habits, security="starttls", username="ann") == "no_starttls"
    assert b"AUTH" not in b"".join(habits.heard)


@pytest.mark.parametrize(
    ("extensions", "replies", "code"),
    [
        (PLAIN, {"AUTH": b"535 5.7.8 Bad credentials\r\n"}, "login"),
        (PLAIN, {"AUTH": b"454 4.7.0 Too many tries\r\n"}, "login_later"),
        (PLAIN, {"AUTH": b"530 5.7.0 Must issue a STARTTLS command first\r\n"}, "needs_tls"),
        ((), {}, "no_auth"),
        (("AUTH XOAUTH2",), {}, "no_method"),
    ],
)
def test_login(extensions: tuple[str, ...], replies: dict[str, bytes], code: str) -> None:
    assert _code(Habits(extensions=extensions, replies=replies), username="ann") == code


@pytest.mark.parametrize(
    ("verb", "reply", "code"),
    [
        ("EHLO", b"550 go away\r\n", "unwelcome"),
        ("MAIL", b"530 5.7.0 Authentication required\r\n", "needs_login"),
        ("MAIL", b"530 Must issue a STARTTLS command first\r\n", "needs_tls"),
        ("MAIL", b"553 5.7.1 Sender address rejected: not owned by user\r\n", "sender"),
        ("MAIL", b"501 mail from address must be same as authorization user\r\n", "sender"),
        ("RCPT", b"554 5.7.1 <me@other.example>: Relay access denied\r\n", "relay_denied"),
        ("RCPT", b"550 5.1.1 User unknown\r\n", "address"),
        ("RCPT", b"450 4.2.0 Greylisted, try again later\r\n", "greylisted"),
        ("RCPT", b"451 4.7.1 Try again\r\n", "transient"),
        ("RCPT", b"550 5.7.60 Client not authorized to send as this sender\r\n", "sender"),
        ("DATA", b"421 4.7.0 Too many messages, slow down: rate limit\r\n", "rate"),
        ("DATA", b"554 5.7.1 Message refused\r\n", "policy"),
    ],
)
def test_refusals(verb: str, reply: bytes, code: str) -> None:
    # Who refuses EHLO is asked by HELO.
    habits = Habits(replies={verb: reply} | ({"HELO": reply} if verb == "EHLO" else {}))
    trouble, _dialogue = _talk(habits, recipient="me@other.example", content=b"x\r\n")
    assert trouble is not None
    assert trouble.code == code
    assert trouble.words == reply.decode().strip()


def test_every_trouble_says_what_is_wrong_and_what_to_do() -> None:
    for code in TROUBLES:
        trouble = Trouble(code)
        assert trouble.sentence.endswith(".")
        assert trouble.advice.endswith(".")


# The same steps as a worker takes -----------------------------------------------------------------


async def _open(server: Server) -> None:
    (await open_session(server)).close()


@pytest.mark.parametrize(
    ("offered", "security", "method"),
    [
        (("AUTH CRAM-MD5 LOGIN PLAIN",), "none", b"CRAM-MD5"),
        (("AUTH LOGIN PLAIN",), "none", b"PLAIN"),
        (("AUTH=LOGIN",), "none", b"LOGIN"),
        (("AUTH XOAUTH2", "AUTH=LOGIN"), "none", b"LOGIN"),
    ],
)
def test_worker_and_test_choose_the_same_login(
    offered: tuple[str, ...], security: str, method: bytes
) -> None:
    heard = []
    for way in ("test", "worker"):
        habits = Habits(
            extensions=offered,
            login={
                b"CRAM-MD5": (base64.b64encode(b"<1.2@mail.test>"),),
                b"LOGIN": (b"VXNlcm5hbWU6", b"UGFzc3dvcmQ6"),
            }.get(method, ()),
        )
        with serving(habits) as port:
            server = Server("localhost", port, security, "ann", PASSWORD)
            if way == "test":
                assert talk(RelayTrial(server, "news@brand.example")).ok
            else:
                asyncio.run(_open(server))
        ends = next((n for n, line in enumerate(habits.heard) if line[:4] == b"MAIL"), None)
        heard.append(habits.heard[:ends])
    assert heard[0] == heard[1]
    assert b"AUTH " + method in b"\n".join(heard[0])


def test_a_method_that_fails_is_followed_by_the_next() -> None:
    with scripted(
        offers=["AUTH CRAM-MD5 PLAIN"],
        login=("ann", PASSWORD),
        faults=[Fault(ScriptStep.AUTH, say(b"504 5.5.4 not here"), nth=1)],
    ) as server:
        place = Server("localhost", server.port, "none", "ann", PASSWORD)
        assert talk(RelayTrial(place, "news@brand.example")).ok


def test_a_server_that_knows_only_helo_is_no_trouble() -> None:
    with scripted(faults=[Fault(ScriptStep.EHLO, say(b"502 5.5.1 not implemented"))]) as server:
        dialogue = talk(RelayTrial(Server("localhost", server.port, "none"), "news@brand.example"))
        assert dialogue.ok
        assert "HELO" in _text(dialogue)


@pytest.mark.parametrize(
    ("step", "reply"),
    [
        (ScriptStep.EHLO, b"504 5.5.2 need fully-qualified hostname"),
        (ScriptStep.EHLO, b"501 Syntactically invalid HELO argument(s)"),
        (ScriptStep.EHLO, b"550 Helo command rejected: need fully-qualified hostname"),
        (ScriptStep.EHLO, b"501 5.5.4 Invalid domain name"),
        (ScriptStep.MAIL, b"550 Access denied - Invalid HELO name (See RFC2821 4.1.1.1)"),
        (ScriptStep.RCPT, b"504 5.5.2 <yanshu>: Helo command rejected: need fully-qualified host"),
        (ScriptStep.RCPT, b"450 4.7.1 <yanshu>: Helo command rejected: Host not found"),
    ],
)
def test_a_name_that_is_refused_is_told_in_words(step: ScriptStep, reply: bytes) -> None:
    faults = [Fault(step, say(reply))]
    if step is ScriptStep.EHLO:
        faults.append(Fault(ScriptStep.HELO, say(reply)))
    with scripted(faults=faults) as server:
        place = Server("localhost", server.port, "none")
        trouble = diagnose(
            place, talk(RelayTrial(place, "news@brand.example", "ann@brand.example"))
        )
    assert trouble is not None
    assert trouble.code == "ehlo"
    assert "refuses the name that this installation greets it with" in trouble.sentence
    assert "YANSHU_EHLO_NAME" in trouble.advice


def test_the_name_of_the_setting_is_said(smtp_config: Callable[..., None]) -> None:
    smtp_config(ehlo_name="mail.brand.example")
    with scripted(strict_name=True) as server:
        assert talk(RelayTrial(Server("localhost", server.port, "none"), "news@brand.example")).ok
        assert server.everything.startswith(b"EHLO mail.brand.example\r\n")
