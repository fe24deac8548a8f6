"""`manage.py doctor`."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Workspace
from quickstart import doctor, heartbeats
from quickstart.findings import Level
from quickstart.models import Heartbeat
from sending.models import BounceMailbox, Relay
from tests.engine.sink import running

pytestmark = pytest.mark.django_db


def found(what: str) -> tuple[Level, str]:
    for finding in doctor.examine():
        if finding.what == what:
            assert bool(finding.advice) == (finding.level != Level.OK)
            return finding.level, finding.text
    raise AssertionError(f"{what} was not looked at")


def relay(workspace: Workspace, **fields: Any) -> Relay:
    known = {"name": "Main", "host": "127.0.0.1", "security": "none", "envelope": "from"}
    return Relay.objects.create(workspace=workspace, **(known | fields))


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
        name="all@host", queues=["control", "send", "work"], started_at=now, seen_at=now
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
        relay(workspace, port=sink.port, state="stopped", state_reason="Login refused")
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
