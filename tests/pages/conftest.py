"""Sample pages for tests of the shell."""

from pathlib import Path

import pytest
from django.db import models
from pytest_django import Settings

from accounts.models import Membership, User, Workspace
from tests.accounts.filling import Filler


@pytest.fixture
def sample_site(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.pages.sample"
    engine = {**settings.TEMPLATES[0]}
    engine["DIRS"] = [*engine["DIRS"], Path(__file__).parent / "templates"]
    settings.TEMPLATES = [engine]


@pytest.fixture
def made(workspace: Workspace, owner: User) -> dict[str, models.Model]:
    """A row in every table."""
    filler = Filler(workspace, owner)
    filler.made[Membership] = Membership.objects.get()
    filler.fill()
    return {model.__name__: row for model, row in filler.made.items()}
