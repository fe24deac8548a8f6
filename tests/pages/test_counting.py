"""Counting that ends when it takes too long."""

import pytest
from django.db import DatabaseError

from accounts.models import Workspace
from contacts.models import Contact
from pages.queries import counting
from tests.pages.test_tables import Slow, timeout

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(workspace: Workspace) -> Contact:
    return Contact.objects.create(workspace=workspace, email="a@x.example")


def test_it_ends_and_leaves_everything_as_it_was(person: Contact) -> None:
    before = timeout()
    assert counting.within(50, Contact.objects.filter(Slow())) is None
    assert (timeout(), Contact.objects.count()) == (before, 1)


def test_in_time(person: Contact) -> None:
    before = timeout()
    assert counting.within(20_000, Contact.objects.all()) == 1
    assert timeout() == before


def test_other_errors_are_raised(person: Contact) -> None:
    rows = Contact.objects.extra(where=["1 / (id - id) = 1"])
    with pytest.raises(DatabaseError):
        counting.within(5_000, rows)
