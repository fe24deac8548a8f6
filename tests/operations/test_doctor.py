"""`manage.py doctor`."""

import json
import socket
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Workspace
from bounces.models import BounceMailbox
from config import programs
from environment.readers import MailServer
from operations import doctor, heartbeats
from operations.findings import Level
from operations.models import Heartbeat
from relays.models import Relay
from tests import factories
from tests.mailservers.sink import running

pytestmark = pytest.mark.django_db


def found(what: str) -> tuple[Level, str]:
    for finding in doctor.examine():
        if finding.what == what:
            assert bool(finding.advice) == (finding.level != Level.OK)
            return finding.level, finding.text
    raise AssertionError(f"{what} was not looked at")


def relay(workspace: Workspace, **fields: Any) -> Relay:
    return factories.make_relay(workspace, **({"name": "Main", "envelope": "from"} | fields))


def test_json_and_exit_code() -> None:
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--json", stdout=out)
    assert ended.value.code == 1
    answer = json.loads(out.getvalue())
    assert answer["ok"] is False
    levels = {finding["what"]: finding["level"] for finding in answer["findings"]}
    # Tests have a database, but neither broker nor workers.
    assert levels["database"] == levels["migrations"] == levels["clock"] == "ok"
    assert levels["broker"] == levels["workers"] == levels["beat"] == "error"


def test_words_name_what_to_do() -> None:
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("doctor", stdout=out)
    assert "ERROR    broker: " in out.getvalue()
    assert "-> Start it, or correct CELERY_BROKER_URL." in out.getvalue()


def test_living_workers_are_well() -> None:
    now = timezone.now()
    Heartbeat.objects.create(
        name="all@host", queues=list(programs.WORKERS), started_at=now, seen_at=now
    )
    Heartbeat.objects.create(name=heartbeats.BEAT, started_at=now, seen_at=now)
    assert found("workers") == (Level.OK, "1 at work")
    assert found("beat")[0] == Level.OK


def test_a_relay_that_lets_us_in(workspace: Workspace) -> None:
    with running() as sink:
        relay(workspace, port=sink.port)
        assert found("relay brand/Main")[0] == Level.OK


def test_a_relay_that_is_away(workspace: Workspace) -> None:
    relay(workspace, port=1)
    assert found("relay brand/Main")[0] == Level.ERROR


def test_a_relay_that_was_stopped(workspace: Workspace) -> None:
    with running() as sink:
        relay(workspace, port=sink.port, state="stopped", state_words="Login refused")
        assert found("relay brand/Main") == (
            Level.WARNING,
            "lets us in, but is stopped (Login refused)",
        )


def test_a_password_of_another_key(workspace: Workspace) -> None:
    relay(workspace, username="me", password=b"unreadable")
    level, text = found("relay brand/Main")
    assert (level, text) == (Level.ERROR, "its password can't be read")


def test_a_mailbox_that_is_away(workspace: Workspace) -> None:
    BounceMailbox.objects.create(
        workspace=workspace, name="In", host="127.0.0.1", port=1, security="none", username="me"
    )
    assert found("mailbox brand/In")[0] == Level.ERROR


@pytest.mark.parametrize(
    ("changed", "what", "level"),
    [
        ({"PUBLIC_URL": "https://mail.brand.example"}, "public URL", Level.OK),
        ({"PUBLIC_URL": "http://mail.brand.example"}, "public URL", Level.WARNING),
        ({"PUBLIC_URL": "http://127.0.0.1:8000"}, "public URL", Level.WARNING),
        ({"PUBLIC_URL": "nonsense"}, "public URL", Level.ERROR),
        ({"PUBLIC_URL": "https://mail.brand.example/yanshu"}, "public URL", Level.ERROR),
        ({"PUBLIC_URL": "https://mail.brand.example?x=1"}, "public URL", Level.ERROR),
        ({"PUBLIC_URL": "https://me@mail.brand.example"}, "public URL", Level.ERROR),
        ({"PUBLIC_URL": "https://mail.brand.example:many"}, "public URL", Level.ERROR),
        ({"PUBLIC_URL": "https://[mail"}, "public URL", Level.ERROR),
        ({"PUBLIC_URL": "https://m.example", "ALLOWED_HOSTS": ["n.example"]}, "hosts", Level.ERROR),
        ({"PUBLIC_URL": "https://m.example", "ALLOWED_HOSTS": ["m.example"]}, "hosts", Level.OK),
        ({"PUBLIC_URL": "https://m.example", "ALLOWED_HOSTS": [".example"]}, "hosts", Level.OK),
        (
            {"PUBLIC_URL": "https://m.example:8443", "ALLOWED_HOSTS": ["m.example"]},
            "hosts",
            Level.OK,
        ),
        ({"ALLOWED_HOSTS": ["https://m.example"]}, "hosts", Level.ERROR),
        ({"ALLOWED_HOSTS": ["m.example:8000"]}, "hosts", Level.ERROR),
        ({"PUBLIC_URL": "https://m.example", "ALLOWED_HOSTS": ["*"]}, "hosts", Level.WARNING),
        ({"DEFAULT_FROM_EMAIL": "Brand <brand@example.com>"}, "From address", Level.OK),
        ({"DEFAULT_FROM_EMAIL": "brand"}, "From address", Level.ERROR),
        ({"DEFAULT_FROM_EMAIL": "Brand <brand@>"}, "From address", Level.ERROR),
        ({"DEFAULT_FROM_EMAIL": "a@example.com, b@example.com"}, "From address", Level.ERROR),
        ({"DEFAULT_FROM_EMAIL": "a@exa mple.com"}, "From address", Level.ERROR),
        (
            {"PUBLIC_URL": "https://m.example", "DEFAULT_FROM_EMAIL": "Yanshu <yanshu@localhost>"},
            "From address",
            Level.WARNING,
        ),
        (
            {"SECRET_KEY": "change-this-to-the-64-characters-of"},
            "secret key",
            Level.ERROR,
        ),
        ({"PUBLIC_URL": "https://m.example", "SANDBOX": True}, "mail sandbox", Level.WARNING),
        ({"PUBLIC_URL": "https://m.example", "HTTPS": False}, "cookies", Level.WARNING),
        ({"PUBLIC_URL": "https://m.example", "HTTPS": True}, "cookies", Level.OK),
        ({"SECRET_KEY": "short"}, "secret key", Level.WARNING),
        ({"DEBUG": True}, "debug", Level.ERROR),
    ],
)
def test_settings(settings: Any, changed: dict[str, Any], what: str, level: Level) -> None:
    for name, value in changed.items():
        setattr(settings, name, value)
    assert found(what)[0] == level


def own_mail(settings: Settings, port: int, **server: Any) -> tuple[Level, str]:
    settings.MAIL_SERVER = MailServer("127.0.0.1", port, **server)
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.EMAIL_HOST_USER = settings.MAIL_SERVER.user
    settings.EMAIL_HOST_PASSWORD = settings.MAIL_SERVER.password
    return found("own mail")


def test_a_mail_server_of_our_own_that_does_not_listen(settings: Settings) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        level, text = own_mail(settings, one.getsockname()[1])
    assert level == Level.ERROR
    assert "does not take our mail" in text
    assert "refused" in text


def test_a_mail_server_of_our_own_that_listens(settings: Settings) -> None:
    with running() as sink:
        assert own_mail(settings, sink.port)[0] == Level.OK
        # It offers no log-in.
        level, text = own_mail(settings, sink.port, user="me", password="very secret")
    assert level == Level.ERROR
    assert "very secret" not in text


def test_files_with_secrets(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.VAR = tmp_path
    own = tmp_path / "yanshu.env"
    own.write_text("A=1\n")
    monkeypatch.setenv("YANSHU_SETTINGS", str(own))
    for mode, level in ((0o600, Level.OK), (0o640, Level.OK), (0o644, Level.ERROR)):
        own.chmod(mode)
        assert found("files with secrets")[0] == level
    own.chmod(0o600)
    key = tmp_path / "key"
    key.write_text("x")
    key.chmod(0o666)
    monkeypatch.setenv("DATABASE_URL_FILE", str(key))
    level, text = found("files with secrets")
    assert (level, f"{key} has mode 0666" in text) == (Level.ERROR, True)


def test_a_state_directory_that_is_not_there(settings: Settings, tmp_path: Path) -> None:
    settings.VAR = tmp_path / "none"
    assert found("disk")[0] == Level.ERROR


def beat_seen(sender: str) -> None:
    now = timezone.now()
    Heartbeat.objects.update_or_create(
        name=heartbeats.BEAT,
        defaults={"queues": [sender], "started_at": now, "seen_at": now},
    )


def test_one_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LISTEN", 0.2)
    assert found("number of beats")[0] == Level.SKIPPED
    beat_seen("host1, process 7")
    assert found("number of beats") == (Level.OK, "one (host1, process 7)")


def test_two_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their ticks come in turn."""
    beat_seen("host1, process 7")
    monkeypatch.setattr("time.sleep", lambda _seconds: beat_seen("host2, process 9"))
    level, text = found("number of beats")
    assert level == Level.ERROR
    assert "host1, process 7, host2, process 9" in text


def test_a_host_whose_clock_is_ahead() -> None:
    now = timezone.now()
    Heartbeat.objects.create(
        name="send@fast", queues=["send"], started_at=now, seen_at=now + timedelta(minutes=5)
    )
    level, text = found("clocks of other hosts")
    assert level == Level.ERROR
    assert "send@fast is 300 s ahead" in text


def test_missing_tables_are_named_and_the_rest_is_not_called_well() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'operations'")
    levels = {finding.what: finding for finding in doctor.examine()}
    assert levels["migrations"].level == Level.ERROR
    assert levels["relays"].level == Level.SKIPPED
    assert levels["relays"].text == "not looked at: tables are missing"
    # It needs no database.
    assert levels["broker"].level == Level.ERROR


@pytest.mark.parametrize(
    ("name", "level", "words"),
    [
        ("localhost.example.invalid", Level.WARNING, "which no name service knows"),
        ("", Level.WARNING, "an address and no name"),
        ("[192.0.2.1]", Level.WARNING, "[192.0.2.1], an address and no name"),
        ("localhost", Level.OK, "localhost"),
    ],
)
def test_the_ehlo_name(settings: Settings, name: str, level: Level, words: str) -> None:
    settings.EHLO_NAME = name
    seen, text = found("EHLO name")
    assert (seen, words in text) == (level, True), text
