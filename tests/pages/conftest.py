"""Sample pages for tests of the shell."""

from pathlib import Path

import pytest
from pytest_django import Settings


@pytest.fixture
def sample_site(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.pages.sample"
    engine = {**settings.TEMPLATES[0]}
    engine["DIRS"] = [*engine["DIRS"], Path(__file__).parent / "templates"]
    settings.TEMPLATES = [engine]
