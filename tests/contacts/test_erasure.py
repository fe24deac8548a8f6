"""Digests of erased persons: PostgreSQL and Python compute the same."""

import pytest
from django.db import connection

from contacts import erasure
from contacts.queries import ways


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["a@b.example", "x" * 64 + "@" + "y" * 60 + ".example"])
def test_the_database_computes_the_same(address: str) -> None:
    sql = ways.DIGEST.format(outer="%(outer0)s", inner="%(inner0)s", address="%(address)s::text")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {sql}", {**ways.parameters(), "address": address})
        assert cursor.fetchone() == (erasure.digest(address),)


def test_the_key_decides(settings: object) -> None:
    one = erasure.digest("a@b.example")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]  # type: ignore[attr-defined]
    settings.SECRET_KEY = "another" * 8  # type: ignore[attr-defined]
    assert one not in {"", erasure.digest("a@b.example")}
    assert one in erasure.digests("a@b.example")
