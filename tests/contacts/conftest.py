import pytest

from contacts import tasks


@pytest.fixture
def nudges(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The jobs that workers were told of; there is no broker in these tests."""
    told: list[int] = []
    monkeypatch.setattr(tasks.run_job, "delay", told.append)
    return told
