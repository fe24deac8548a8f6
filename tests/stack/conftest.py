"""One installation for the tests that break parts of one: starts and stops cost more than tests."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import psycopg
import pytest

from tests.stack.installation import Installation, running, wait_for

UNFINISHED = "SELECT count(*) FROM sending_mailing WHERE state <> 'finished'"


@dataclass
class Kept:
    """The installation of the last test, if that left it well."""

    installation: Installation | None = None
    ending: ExitStack = field(default_factory=ExitStack)

    def begin(self) -> Installation:
        found, self.installation = self.installation, None
        return found or self.ending.enter_context(running(scene="tests.stack.hosts"))

    def keep(self, installation: Installation) -> None:
        if _well(installation):
            self.installation = installation
        else:
            self.ending.close()


def _well(installation: Installation) -> bool:
    """Every part runs, and nothing is left to be sent."""
    try:
        wait_for(installation.healthy, 60)
        return installation.rows(UNFINISHED) == [(0,)]
    except (AssertionError, psycopg.Error):
        return False


@pytest.fixture(scope="package")
def kept() -> Iterator[Kept]:
    """Until the worker goes on to tests of other directories: an idle installation takes a sixth of
    a processor."""
    kept = Kept()
    yield kept
    kept.ending.close()


@pytest.fixture
def installation(kept: Kept) -> Iterator[Installation]:
    installation = kept.begin()
    yield installation
    kept.keep(installation)
