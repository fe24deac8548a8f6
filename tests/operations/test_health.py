"""/livez, /readyz and /healthz: what they answer, their bound in time, what they log."""

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from config.celery import app
from operations import doctor, health, probes, queues, tasks
from operations.findings import Finding
from operations.models import Heartbeat, QueueWait
from tests.loglines import logged, named

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {path: probes._Kept(kept.name, kept.look) for path, kept in probes.KEPT.items()}
    monkeypatch.setattr(probes, "KEPT", known)
    monkeypatch.setattr(probes, "KEEP", 0.0)


@contextmanager
def server(answer: bytes) -> Iterator[int]:
    """Says the same to whatever it is asked; b"": nothing, and keeps the connection."""
    held: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                taken, _ = listening.accept()
            except OSError:
                return
            held.append(taken)
            if answer:
                taken.recv(1000)
                taken.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()
    for one in held:
        one.close()


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Any:
    def use(url: str) -> None:
        settings.CELERY_BROKER_URL = url
        monkeypatch.setattr(app.conf, "broker_url", url)
        monkeypatch.setattr(app.conf, "broker_write_url", url)

    return use


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_probes_by_ip_are_answered_whatever_the_hosts_are(
    client: Client, settings: Settings, path: str
) -> None:
    settings.ALLOWED_HOSTS = ["mail.example.com"]
    answer = client.get(path, headers={"host": "10.0.0.7:8000"})
    assert (answer.status_code, answer.json()["ok"]) == (200, True)
    assert client.get("/healthz", headers={"host": "10.0.0.7"}).json()["parts"]["database"]["ok"]
    assert client.get("/", headers={"host": "10.0.0.7"}).status_code == 400


def test_a_web_host_stays_although_beat_and_workers_are_dead(client: Client) -> None:
    assert client.get("/healthz").status_code == 503
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["parts"].keys() == {"database", "migrations"}


@pytest.mark.slow
def test_a_process_without_its_database_lives_and_is_not_ready(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server(b"") as port:
        known = connection.get_connection_params() | {"host": "127.0.0.1", "port": str(port)}
        monkeypatch.setattr(connection, "get_connection_params", lambda: dict(known))
        monkeypatch.setattr(health, "PATIENCE", 1)
        assert client.get("/livez").status_code == 200
        ready, all_ = client.get("/readyz"), client.get("/healthz")
    assert ready.status_code == all_.status_code == 503
    assert ready.json()["parts"].keys() == {"database"}
    assert "does not answer" in ready.json()["parts"]["database"]["detail"]
    assert "not known" in all_.json()["parts"]["workers"]["detail"]


def test_missing_migrations_are_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    known = health._migrations() | {("campaigns", "9999_of_tomorrow")}
    monkeypatch.setattr(health, "_known", known)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "1 are missing" in answer.json()["parts"]["migrations"]["detail"]


WRONG = "hunter2-the-password"
REFUSED = b"-WRONGPASS invalid username-password pair\r\n"
GARBAGE = b"HTTP/1.1 400 Bad Request\r\n\r\n"


@pytest.mark.slow
@pytest.mark.parametrize("answer", [b"", REFUSED, GARBAGE])
@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_whatever_the_broker_does_is_a_finding(
    client: Client, broker: Any, monkeypatch: pytest.MonkeyPatch, answer: bytes, scheme: str
) -> None:
    """`b""` hangs: it is given up after the time that it has."""
    monkeypatch.setattr(health, "PATIENCE", 1)
    with server(answer) as port:
        broker(f"{scheme}://yanshu:{WRONG}@127.0.0.1:{port}/0")
        page = client.get("/healthz")
        found = {one.what: one for one in doctor.examine()}
    assert page.status_code == 503
    assert not page.json()["parts"]["broker"]["ok"]
    assert page.json()["parts"]["broker"]["detail"]
    assert found["broker"].level == "error"
    assert WRONG not in page.content.decode() + str(found)


def test_a_check_that_breaks_is_a_finding(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> health.HealthPart:
        raise RuntimeError(f"secret {WRONG}")

    monkeypatch.setitem(health.WORK, "beat", broken)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["parts"]["beat"]["detail"] == "could not be looked at (RuntimeError)"


def test_a_check_of_doctor_that_breaks_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    def check_things() -> Iterator[Finding]:
        raise RuntimeError(f"no: {settings.SECRET_KEY}")

    monkeypatch.setattr(doctor, "WITHOUT_DATABASE", (check_things,))
    found = {one.what: one for one in doctor.examine()}
    assert found["things"].text == "could not be looked at: RuntimeError no: ***"
    assert "clock" in found


def test_nobody_at_work_is_logged_once(client: Client, caplog: Any) -> None:
    # As settings.LOGGING has it; pytest's handler hangs at the root and sees what passes.
    with caplog.at_level(logging.INFO):
        answers = [client.get("/healthz") for _ in range(3)]
    assert {answer.status_code for answer in answers} == {503}
    assert answers[0].json()["parts"]["beat"]["ok"] is False
    lines = logged(caplog)
    said = [fields for words, fields in lines if words == "part does not work"]
    (beat,) = [one for one in said if (one["probe"], one["part"]) == ("healthz", "beat")]
    assert str(beat["words"]).startswith("no tick")
    assert not any(words.startswith("request") for words, _fields in lines)


def test_an_error_of_the_probe_itself_is_logged(
    client: Client, caplog: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("of ours")

    monkeypatch.setattr(probes.KEPT["/healthz"], "look", broken)
    client.raise_request_exception = False
    assert client.get("/healthz").status_code == 500
    lines = logged(caplog)
    assert any("/healthz" in words or fields.get("path") == "/healthz" for words, fields in lines)


def test_other_failures_are_still_logged(client: Client, caplog: Any) -> None:
    assert client.get("/no-such-page/").status_code == 404
    (refused,) = named(caplog, "request refused")
    assert (refused["status"], refused["path"]) == (404, "/no-such-page/")


def test_who_asks_while_another_looks_gets_the_answer_before() -> None:
    looks: list[int] = []
    begun, end = threading.Event(), threading.Event()

    def look() -> dict[str, health.HealthPart]:
        looks.append(1)
        if len(looks) == 2:
            begun.set()
            end.wait(10)
        return {"one": health.HealthPart(ok=True, detail=str(len(looks)))}

    kept = probes._Kept("probe", look)
    assert kept.get()["one"].detail == "1"
    slow = threading.Thread(target=kept.get)
    slow.start()
    begun.wait(10)
    assert kept.get()["one"].detail == "1"
    end.set()
    slow.join()
    assert len(looks) == 2


def test_how_long_work_waits_in_each_queue(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr(tasks.marker, "apply_async", lambda _, queue, **__: sent.append(queue))
    tasks.watch_queues()
    tasks.watch_queues()
    # One is inside, and no second one is sent.
    assert sent == ["control", "mailboxes", "work"]
    before = timezone.now() - timedelta(seconds=1000)
    QueueWait.objects.filter(name="work").update(since=before, sent_at=before)
    tasks.marker("control")
    part = health.check_queues()
    assert not part.ok
    assert part.detail.startswith("work waits in work for 100")
    assert part.seconds.keys() == {"control", "mailboxes", "send", "work"}
    assert part.seconds["control"] == 0
    # The broker forgot it: the time goes on, another marker is sent.
    tasks.watch_queues()
    assert sent == ["control", "mailboxes", "work", "control", "work"]
    assert queues.ages()["work"] >= 1000
    tasks.marker("work")
    assert health.check_queues().ok


def test_workers_are_needed_for_every_queue_that_tasks_go_to(settings: Settings) -> None:
    now = timezone.now()
    Heartbeat.objects.create(name="all@h", queues=queues.names(), started_at=now, seen_at=now)
    assert health.check_workers().ok
    settings.CELERY_TASK_ROUTES = settings.CELERY_TASK_ROUTES | {"a.b": {"queue": "other"}}
    assert health.check_workers().detail == "nobody takes tasks from other"
