"""Sessions that can't be had: TLS, login, names, servers that are away. The relay says why, nobody
is lost, and nobody is mailed in clear."""

from pathlib import Path

import pytest

from accounts import secrets
from relays.models import Relay
from sending.models import Mailing
from smtp import hosts
from tests.mailservers.smtp import Authority, server_context
from tests.sending.engine.faults import engine
from tests.sending.engine.faults.check import assert_ended, assert_right
from tests.sending.engine.faults.faultplan import Does, Fault, Step
from tests.sending.engine.faults.scene import Scene, addresses, opened
from tests.sending.engine.faults.server import Server, running, until
from tests.sending.engine.faults.workers import Nursery

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = addresses(20)


def assert_stopped(scene: Scene, words: str) -> None:
    """The relay is stopped with the words, the mailing waits for it, nobody got anything."""
    for _ in range(3):
        engine.shift()
        engine.beat()
        engine.hurry(scene)
    relay = scene.relay
    relay.refresh_from_db()
    assert relay.state == Relay.State.STOPPED
    assert words in relay.state_words
    scene.mailing.refresh_from_db()
    assert scene.mailing.state == Mailing.State.SENDING
    assert scene.mailing.wait_reason == "relay_stopped"
    assert assert_right(scene).waiting == len(PEOPLE)
    assert not any(server.turns[Step.MAIL] for server in scene.servers)


def assert_waits(scene: Scene, words: str) -> None:
    """It may heal by itself, and is asked again; until then nobody gets anything in clear."""
    for _ in range(2):
        engine.hurry(scene)
        engine.shift()
        engine.beat()
    scene.mailing.refresh_from_db()
    assert scene.mailing.wait_reason == "tls"
    scene.relay.refresh_from_db()
    assert words in scene.relay.state_words
    assert assert_right(scene).waiting == len(PEOPLE)
    assert not any(server.turns[Step.MAIL] for server in scene.servers)


def assert_sent(scene: Scene) -> None:
    engine.drive(scene)
    assert assert_ended(scene).accepted == len(PEOPLE)


def assert_mended(scene: Scene) -> None:
    assert engine.mend(scene)
    assert_sent(scene)


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("self-signed", "self-signed"),
        ("expired", "expired"),
        ("of another host", "mismatch"),
    ],
)
def test_a_certificate_that_is(
    wrong: str, words: str, security: str, authority: Authority, tmp_path: Path
) -> None:
    bad = server_context(
        tmp_path,
        authority=None if wrong == "self-signed" else authority,
        host="other.example" if wrong == "of another host" else "localhost",
        expired=wrong == "expired",
    )
    with running(context=bad, implicit=security == "tls") as server:
        scene = opened(PEOPLE, server, security=security)
        assert_stopped(scene, words)
        server.context = server_context(tmp_path, authority=authority)
        server.restart()
        assert_mended(scene)


@pytest.mark.parametrize(
    "words", [b"454 4.7.0 TLS not available\r\n", b"502 5.5.1 no\r\n"], ids=["454", "502"]
)
def test_starttls_is_refused(words: bytes, authority: Authority, tmp_path: Path) -> None:
    good = server_context(tmp_path, authority=authority)
    with running([Fault(Step.STARTTLS, Does.SAY, words, times=99)], context=good) as server:
        scene = opened(PEOPLE, server, security="starttls")
        assert_waits(scene, words[:3].decode())
        server.faults.clear()
        assert_sent(scene)


def test_starttls_is_not_offered(authority: Authority, tmp_path: Path) -> None:
    """Somebody between us and the server may have taken it out of the answer."""
    with running() as server:
        scene = opened(PEOPLE, server, security="starttls")
        assert_waits(scene, "STARTTLS")
        server.context = server_context(tmp_path, authority=authority)
        assert_sent(scene)


def test_the_login_is_refused() -> None:
    with running(login=("user", "right")) as server:
        scene = opened(PEOPLE, server, username="user", password=secrets.encrypt("wrong"))
        assert_stopped(scene, "535")
        Relay.objects.filter(pk=scene.relay.pk).update(password=secrets.encrypt("right"))
        assert_mended(scene)


def test_the_login_is_refused_for_now() -> None:
    fault = Fault(Step.AUTH, Does.SAY, b"454 4.7.0 temporary failure\r\n", times=3)
    with running([fault], login=("user", "right")) as server:
        scene = opened(PEOPLE, server, username="user", password=secrets.encrypt("right"))
        assert engine.drive(scene) == []
        assert assert_ended(scene).accepted == len(PEOPLE)


def test_the_name_service_is_away_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is open goes on to its end; then the mailing waits, and ends when names are back."""
    asked = hosts._resolve
    with running() as server:
        scene = opened(PEOPLE, server, messages_per_connection=3)

        async def gone(host: str, port: int, *, trusted: bool) -> list[str]:
            away = len(server.mails) >= 5
            return await asked("relay.invalid" if away else host, port, trusted=trusted)

        with monkeypatch.context() as patch:
            patch.setattr("smtp.hosts._resolve", gone)
            # Longer than the slowest machine needs for what follows.
            patch.setattr("relays.services.health.BACK_OFF", (600,))
            engine.shift()
            engine.beat()
        tally = assert_right(scene)
        assert 5 <= tally.accepted <= 5 + 2 * 3
        assert tally.accepted + tally.waiting == len(PEOPLE)
        scene.mailing.refresh_from_db()
        assert scene.mailing.wait_reason == "connection"
        engine.drive(scene)
        assert assert_ended(scene).accepted == len(PEOPLE)


def test_the_name_is_unknown() -> None:
    with running() as server:
        scene = opened(PEOPLE, server, host="relay.invalid")
        engine.shift()
        engine.beat()
        scene.mailing.refresh_from_db()
        assert scene.mailing.wait_reason == "connection"
        scene.relay.refresh_from_db()
        assert "relay.invalid" in scene.relay.state_words
        assert assert_right(scene).waiting == len(PEOPLE)
        Relay.objects.filter(pk=scene.relay.pk).update(host="localhost")
        engine.drive(scene)
        assert assert_ended(scene).accepted == len(PEOPLE)


@pytest.mark.parametrize("away", [False, True], ids=["restarted", "away for a while"])
def test_the_server_is(away: bool, nest: Nursery) -> None:
    with running() as server:
        scene = opened(addresses(300), server)
        worker = nest.start(percent=5)
        _take_half(server)
        server.go_away()
        if away:
            _wait_for_reason(scene, "connection")
        server.come_back()
        engine.wait_until_finished(scene)
        worker.stop()
        tally = assert_ended(scene)
        # One on each connection at most.
        assert tally.unknown <= 2


def _take_half(server: Server) -> None:
    server.wait(lambda: len(server.mails) >= 100)


def _wait_for_reason(scene: Scene, reason: str) -> None:
    def waits() -> bool:
        engine.beat()
        scene.mailing.refresh_from_db()
        return scene.mailing.wait_reason == reason

    until(waits)
