"""/healthz: what it answers and what it writes into the log."""

import logging
from typing import Any

import pytest
from django.test import Client

from quickstart import health

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_kept", health._Kept())
    monkeypatch.setattr(health, "KEEP", 0.0)


def test_nobody_at_work_is_logged_once(client: Client, caplog: Any) -> None:
    # As settings.LOGGING has it; pytest's handler hangs at the root and sees what passes.
    with caplog.at_level(logging.INFO):
        answers = [client.get("/healthz") for _ in range(3)]
    assert {answer.status_code for answer in answers} == {503}
    assert answers[0].json()["parts"]["beat"]["ok"] is False
    lines = [record.getMessage() for record in caplog.records]
    assert [line for line in lines if line.startswith("beat: no tick")] == lines[-1:]
    assert not any("Service Unavailable" in line for line in lines)


def test_other_failures_are_still_logged(client: Client, caplog: Any) -> None:
    assert client.get("/no-such-page/").status_code == 404
    assert any("/no-such-page/" in record.getMessage() for record in caplog.records)
