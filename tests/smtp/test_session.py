"""A session is opened as asked for, or not at all."""

import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from smtp import ConnectError, Mode, Server, Session, Timeouts, open_session, tls_context
from smtp.offers import Offers, read_offers
from tests.mailservers.smtp import Authority, server_context
from tests.smtp.mails import PATIENT, SOON, Mails, check, people, run, send_over_one
from tests.smtp.scripted import (
    DROP,
    OFFERS,
    SILENCE,
    UNAVAILABLE,
    Act,
    Fault,
    Script,
    Scripted,
    Step,
    say,
    serving,
)

LOOPS = ["uvloop", "asyncio"]
PASSWORD = "s3cret-pass word"


def _open(
    server: Scripted,
    *,
    security: str = "none",
    username: str = "",
    timeouts: Timeouts = PATIENT,
    loop: str = "uvloop",
) -> Offers:
    place = Server("localhost", server.port, security, username, PASSWORD if username else "")

    async def work() -> Session:
        session = await open_session(place, timeouts)
        session.close()
        return session

    return run(work(), loop=loop).offers


def _fails(script: Script, **options: object) -> ConnectError:
    with serving(script) as server, pytest.raises(ConnectError) as caught:
        _open(server, **options)  # type: ignore[arg-type]
    return caught.value


def test_what_is_offered_is_known() -> None:
    with serving() as server:
        assert _open(server) == Offers(
            pipelining=True, chunking=True, smtputf8=True, eightbitmime=True, size=10_000_000
        )


@pytest.mark.parametrize(
    ("keyword", "size"),
    [
        ("SIZE 1000", 1000),
        ("size 1000", 1000),
        ("SIZE", 0),
        ("SIZE 0", 0),
        ("SIZE lots", 0),
        ("SIZE -5", 0),
        ("SIZE ٣", 0),
        ("SIZE " + "9" * 30, 0),
        ("SIZES 7", None),
    ],
)
def test_the_size_that_is_offered(keyword: str, size: int | None) -> None:
    with serving(offers=[keyword, "HELP"]) as server:
        if keyword.isascii():
            assert _open(server).size == size
    name, _space, parameter = keyword.partition(" ")
    assert read_offers({name.lower(): parameter}).size == size


def test_a_server_without_ehlo_is_greeted_with_helo() -> None:
    with serving(faults=[Fault(Step.EHLO, say(b"502 5.5.1 what?"))]) as server:
        assert _open(server) == Offers()
        assert b"\r\nHELO " in server.everything


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("security", ["none", "tls", "starttls"])
@pytest.mark.parametrize("mode", Mode)
def test_mails_go_over_each_kind_of_session(
    authority: Authority, tmp_path: Path, mode: Mode, security: str, loop: str
) -> None:
    script = Script(
        offers=(*OFFERS, "STARTTLS", "AUTH PLAIN"),
        context=server_context(tmp_path, authority=authority),
        implicit=security == "tls",
        login=("ann", PASSWORD),
    )
    with serving(script) as server:
        mails = Mails(people(20))
        place = Server("localhost", server.port, security, "ann", PASSWORD)
        run(send_over_one(place, mails, mode), loop=loop)
        check(mails, server)
        assert len(server.accepted) == 20
        assert server.everything.count(b"EHLO") == (2 if security == "starttls" else 1)
        assert server.everything.endswith(b"QUIT\r\n")


def test_one_tls_context_serves_all() -> None:
    assert tls_context() is tls_context()


# Refused at the door ---------------------------------------------------------------------------


@pytest.mark.parametrize("step", [Step.CONNECT, Step.EHLO])
def test_421_before_anything_was_sent(step: Step) -> None:
    error = _fails(Script([Fault(step, UNAVAILABLE)]))
    assert (error.reason, error.words) == ("connection", "421 4.3.2 closing")


@pytest.mark.parametrize("step", [Step.CONNECT, Step.EHLO])
@pytest.mark.parametrize("code", [b"450", b"554"])
def test_refused_before_anything_was_sent(step: Step, code: bytes) -> None:
    helo = Fault(Step.HELO, say(code + b" 4.7.0 not you"))
    error = _fails(Script([Fault(step, say(code + b" 4.7.0 not you")), helo]))
    assert error.reason == "connection"
    assert error.words == f"{code.decode()} 4.7.0 not you"


@pytest.mark.parametrize(
    "words",
    [
        "421 4.7.0 mx.test Error: too many connections from 192.0.2.1",
        "421 Too many concurrent SMTP connections; please try again later.",
        "450 4.7.1 Too many sessions opened",
        "421 4.4.5 Server busy, connection limit exceeded",
        "421 4.3.2 Maximum number of connections reached for this IP",
        "421 HL:ICC 该IP同时并发连接数过大，超过了网易的限制",
        "554 5.7.1 Concurrent connection quota",
    ],
)
@pytest.mark.parametrize("step", [Step.CONNECT, Step.EHLO, Step.AUTH])
def test_too_many_connections_have_a_reason_of_their_own(words: str, step: Step) -> None:
    faults = [Fault(step, say(words.encode()))]
    if step is Step.EHLO:
        faults.append(Fault(Step.HELO, say(words.encode())))
    error = _fails(Script(faults, offers=("AUTH PLAIN",)), username="ann")
    assert (error.reason, error.words) == ("too_many", words)


@pytest.mark.parametrize("words", ["421 4.7.0 Too many errors", "421 4.3.2 try again later"])
def test_other_trouble_is_not_taken_for_too_many_connections(words: str) -> None:
    assert _fails(Script([Fault(Step.CONNECT, say(words.encode()))])).reason == "connection"


@pytest.mark.parametrize("step", [Step.CONNECT, Step.EHLO, Step.STARTTLS, Step.AUTH])
@pytest.mark.parametrize("act", [DROP, SILENCE])
def test_dropped_or_silent_before_anything_was_sent(
    authority: Authority, tmp_path: Path, step: Step, act: Act
) -> None:
    script = Script(
        [Fault(step, act)],
        offers=("STARTTLS", "AUTH PLAIN"),
        context=server_context(tmp_path, authority=authority),
    )
    error = _fails(script, security="starttls", username="ann", timeouts=SOON)
    assert error.reason == "connection"
    assert error.words


def test_a_greeting_that_trickles_is_not_waited_for() -> None:
    script = Script([Fault(Step.CONNECT, Act(reply=b"220 " + b"x" * 500 + b"\r\n", pace=0.01))])
    assert _fails(script, timeouts=SOON).reason == "connection"


def test_a_greeting_in_single_bytes_and_many_lines_is_understood() -> None:
    lines = b"".join(b"220-line %d\r\n" % number for number in range(300)) + b"220 end\r\n"
    with serving(faults=[Fault(Step.CONNECT, Act(reply=lines, pace=0.0))]) as server:
        assert _open(server).pipelining


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.6", b"\x00\x01\x02", b"250 hello"])
def test_something_else_than_a_greeting(greeting: bytes) -> None:
    assert _fails(Script([Fault(Step.CONNECT, say(greeting))])).reason == "connection"


def test_a_server_that_says_more_than_it_was_asked() -> None:
    error = _fails(Script([Fault(Step.EHLO, say(b"250 mail.test\r\n250 and more"))]))
    assert error.reason == "connection"


def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        place = Server("127.0.0.1", taken.getsockname()[1], "none")
        with pytest.raises(ConnectError) as caught:
            run(open_session(place, PATIENT))
    assert caught.value.reason == "connection"


def test_dns_gone() -> None:
    with pytest.raises(ConnectError) as caught:
        run(open_session(Server("no-such-server.invalid", 25, "none"), PATIENT))
    assert caught.value.reason == "connection"
    assert "no-such-server.invalid" in caught.value.words


def test_an_address_that_is_closed_to_relays(smtp_config: Callable[..., None]) -> None:
    smtp_config(private_servers=False)
    with serving() as server:
        with pytest.raises(ConnectError, match="private network"):
            run(open_session(Server("127.0.0.1", server.port, "none"), PATIENT))
        assert server.connections == 0


# TLS -------------------------------------------------------------------------------------------


@pytest.fixture(params=["expired", "wrong name", "self-signed"])
def bad_context(
    request: pytest.FixtureRequest, authority: Authority, tmp_path: Path
) -> ssl.SSLContext:
    if request.param == "expired":
        return server_context(tmp_path, authority=authority, expired=True)
    if request.param == "wrong name":
        return server_context(tmp_path, authority=authority, host="other.example")
    return server_context(tmp_path)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_bad_certificate(bad_context: ssl.SSLContext, security: str, loop: str) -> None:
    script = Script(context=bad_context, implicit=security == "tls", offers=("STARTTLS",))
    with serving(script) as server:
        with pytest.raises(ConnectError) as caught:
            _open(server, security=security, username="ann", loop=loop)
        assert b"AUTH" not in server.everything
    assert caught.value.reason == "certificate"
    assert any(word in caught.value.words for word in ("expired", "localhost", "signed"))


def test_starttls_stripped_is_never_plain_text() -> None:
    with serving(offers=("PIPELINING", "AUTH PLAIN"), login=("ann", PASSWORD)) as server:
        with pytest.raises(ConnectError) as caught:
            _open(server, security="starttls", username="ann")
        assert caught.value.reason == "tls"
        assert b"AUTH" not in server.everything
        assert b"MAIL" not in server.everything


@pytest.mark.parametrize("reply", [b"454 4.7.0 not now", b"502 5.5.1 no", b"250 2.0.0 sure"])
def test_starttls_refused_is_never_plain_text(reply: bytes) -> None:
    script = Script([Fault(Step.STARTTLS, say(reply))], offers=("STARTTLS", "AUTH PLAIN"))
    with serving(script) as server:
        with pytest.raises(ConnectError) as caught:
            _open(server, security="starttls", username="ann")
        assert caught.value.reason == "tls"
        assert b"AUTH" not in server.everything


def test_tls_that_is_no_tls() -> None:
    assert _fails(Script(), security="tls").reason == "tls"
    script = Script([Fault(Step.STARTTLS, say(b"220 go\r\nnot TLS at all"))], offers=("STARTTLS",))
    error = _fails(script, security="starttls", timeouts=SOON)
    assert error.reason in {"tls", "connection"}


@pytest.mark.parametrize("loop", LOOPS)
def test_what_is_injected_behind_starttls_does_not_count(
    authority: Authority, tmp_path: Path, loop: str
) -> None:
    injected = say(b"220 go\r\n250-evil.test\r\n250-AUTH PLAIN\r\n250 PIPELINING")
    script = Script(
        [Fault(Step.STARTTLS, injected)],
        offers=("STARTTLS", "SIZE 4711"),
        context=server_context(tmp_path, authority=authority),
    )
    with serving(script) as server:
        assert _open(server, security="starttls", loop=loop) == Offers(size=4711)


def test_what_was_offered_in_the_clear_is_forgotten(authority: Authority, tmp_path: Path) -> None:
    clear = b"250-mail.test\r\n250-PIPELINING\r\n250-SIZE 5\r\n250 STARTTLS"
    script = Script(
        [Fault(Step.EHLO, say(clear), nth=1)],
        offers=("8BITMIME",),
        context=server_context(tmp_path, authority=authority),
    )
    with serving(script) as server:
        assert _open(server, security="starttls") == Offers(eightbitmime=True)


# Login -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"535 5.7.8 Authentication failed", "login"),
        (b"534 5.7.9 use an app password", "login"),
        (b"454 4.7.0 Temporary authentication failure", "connection"),
        (b"421 4.7.0 closing", "connection"),
    ],
)
def test_login_refused(reply: bytes, reason: str) -> None:
    script = Script([Fault(Step.AUTH, say(reply))], offers=("AUTH PLAIN",))
    error = _fails(script, username="ann")
    assert (error.reason, error.words) == (reason, reply.decode())


def test_login_not_offered() -> None:
    assert _fails(Script(), username="ann").reason == "login"
    assert _fails(Script(offers=("AUTH GSSAPI",)), username="ann").reason == "login"


def test_a_server_that_repeats_the_password_is_masked() -> None:
    echo = say(f"535 5.7.8 no: {PASSWORD}".encode())
    error = _fails(Script([Fault(Step.AUTH, echo)], offers=("AUTH PLAIN",)), username="ann")
    assert "535 5.7.8 no" in error.words
    assert PASSWORD not in error.words


def test_the_context_refuses_what_is_outdated() -> None:
    assert tls_context().minimum_version >= ssl.TLSVersion.TLSv1_2
    assert tls_context().check_hostname
