"""What a worker's log says while the database is away."""

import logging
import time

import pytest
from django.db import OperationalError

from config import logs

LOGGER = logging.getLogger("celery.app.trace")


def failing(error: Exception) -> logging.LogRecord:
    """As Celery logs a task that raised."""
    context = {"name": "sending.tasks.engine.dispatch", "exc": repr(error)}
    words = "Task %(name)s raised unexpected: %(exc)s"
    exc_info = (type(error), error, None)
    return LOGGER.makeRecord(LOGGER.name, logging.ERROR, "", 1, words, (context,), exc_info)


def test_ticks_that_fail_without_the_database_are_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    away = logs.AwayFilter()
    refused = "connection failed:\n\tConnection refused"
    records = []
    for _second in range(50):
        record = failing(OperationalError(refused))
        records += [record] if away.filter(record) else []
        clock[0] += 1
    (said,) = records
    assert said.getMessage() == "tasks fail: the database is away"
    assert said.__dict__["fields"] == {"error": "connection failed: Connection refused"}
    assert said.exc_info is None
    clock[0] += logs.SAY_AGAIN
    assert away.filter(failing(OperationalError(refused)))


def test_an_error_of_ours_keeps_its_traceback() -> None:
    record = failing(ValueError("ours"))
    assert logs.AwayFilter().filter(record)
    assert record.exc_info is not None
    assert "sending.tasks.engine.dispatch raised" in record.getMessage()


def test_the_filter_is_at_the_logger_of_tasks() -> None:
    assert any(isinstance(one, logs.AwayFilter) for one in LOGGER.filters)
