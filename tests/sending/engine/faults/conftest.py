from collections.abc import Callable, Iterator

import pytest

from smtp import Timeouts
from tests.sending.engine.faults.conductor import PERCENT
from tests.sending.engine.faults.workers import Nursery, nursery


@pytest.fixture(autouse=True)
def impatient(smtp_config: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is silent is given up within a second, and a shift ends when nothing is due."""
    smtp_config(timeouts=Timeouts().scaled(PERCENT / 100))
    monkeypatch.setattr("sending.engine.shift.LINGER", 0.0)


@pytest.fixture(scope="session")
def shared_nursery(django_db_setup: None) -> Iterator[Nursery]:
    with nursery() as made:
        yield made


@pytest.fixture
def nest(transactional_db: None, shared_nursery: Nursery) -> Iterator[Nursery]:
    """Where workers come from."""
    yield shared_nursery
    shared_nursery.clear()
