"""Numbers of results that take too long to count."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.models import BooleanField, Func, QuerySet
from django.http import QueryDict

from accounts.models import Workspace
from contacts.models import Contact
from pages import tables

pytestmark = pytest.mark.django_db
SIZE = 3


class Slow(Func):
    """True after a second."""

    template = "pg_sleep(1) IS NOT NULL"
    output_field = BooleanField()
    conditional = True


@pytest.fixture
def people(workspace: Workspace) -> list[Contact]:
    return [
        Contact.objects.create(workspace=workspace, email=f"p{number}@x.example")
        for number in range(SIZE + 1)
    ]


@pytest.fixture
def _limit() -> Iterator[None]:
    tables.limit_counts(50)
    yield
    tables.limit_counts(0)


def page(people: list[Contact], found: QuerySet[Contact]) -> tables.Page[Contact]:
    """The first of several pages."""
    return tables.Page(people[:SIZE], found, "-id", QueryDict(), last_cursor="more")


def timeout() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        return str(cursor.fetchone()[0])


@pytest.mark.usefixtures("_limit")
def test_a_number_that_takes_too_long_is_an_estimate(people: list[Contact]) -> None:
    before = timeout()
    slow = page(people, Contact.objects.filter(Slow()))
    count, exact = slow.total
    assert (count >= SIZE, exact) == (True, False)
    assert slow.total_text.startswith("about ")
    assert (timeout(), Contact.objects.count()) == (before, SIZE + 1)


@pytest.mark.usefixtures("_limit")
def test_a_number_that_is_counted_in_time_is_exact(people: list[Contact]) -> None:
    tables.limit_counts(20_000)
    before = timeout()
    assert page(people, Contact.objects.all()).total == (SIZE + 1, True)
    assert timeout() == before


def test_without_a_limit_everything_is_counted(people: list[Contact]) -> None:
    slow = Contact.objects.filter(Slow(), pk=people[0].pk)
    assert page(people, slow).total == (1, True)
